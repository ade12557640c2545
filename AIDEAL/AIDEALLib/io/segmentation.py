"""Label maps (.nrrd, .nii.gz), Slicer (.seg.nrrd) and DICOM segmentations on the grid of a scan."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from ..escaping import plain
from ..statistics import liver_part
from ..stopwatch import timed
from .dicom.segments import is_dicom_segmentation, read_segments
from .images import image_of, read_image, same_axes
from .interchange import geometry_from_dict, read_json
from .naming import stem
from .neutral import neutral_messages
from .reader_process import read_elsewhere
from .sizes import check_file

OFF_GRID_VOXELS = 0.05
"""How far, in voxels, a segmentation's grid may lie off the scan's."""
LARGEST_LABEL = 32767
MOST_SEGMENTS = 1000
LONGEST_NAME, LONGEST_ENTRY = 120, 400
LABELS_FILE, NAMES_FILE = "labels.npy", "names.json"


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Regions of a scan.

    Attributes
    ----------
    labels : np.ndarray, shape (slice, row, column), int32
        Label of each voxel; 0 is no segment.
    names : dict of int to str
        Name of each segment by its label.
    terminology : dict of int to str
        Terminology entry by label of each segment that has one, as Slicer stores it.
    """

    labels: npt.NDArray[np.int32]
    names: dict[int, str]
    terminology: dict[int, str] = field(default_factory=dict)

    def masks(self) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Name and voxels of each segment, in label order."""
        for label, name in sorted(self.names.items()):
            yield name, self.labels == label


@timed("reading segments")
def load_segmentation(
    path: str | os.PathLike[str], geometry: Geometry, shape: tuple[int, int, int], keep_names: bool = False
) -> Segmentation:
    """Read segments onto the grid of a scan, in a process of its own, which a damaged file may crash.

    A segmentation cropped to its segments (as Slicer may save it) is put in its place; nothing is resampled.

    Parameters
    ----------
    path : path
        Label map, Slicer segmentation with one layer or several, or DICOM Segmentation.
    geometry : Geometry
        Grid of the scan.
    shape : tuple of int
        Voxels of the scan along (slice, row, column).
    keep_names : bool
        Name the file in messages.

    Returns
    -------
    Segmentation
        Segments on the grid of the scan.

    Raises
    ------
    InputError
        The file is missing, holds no labels, lies on another grid, or has segments that overlap.
    """
    source = Path(path)
    with neutral_messages([source], keep_names, "segmentation"):
        if not source.exists():
            raise InputError(f"{source} does not exist; a label map or .seg.nrrd was expected. Check the path.")
        check_file(source)
        request = {"path": str(source.absolute()), "geometry": asdict(geometry), "shape": shape}
        with read_elsewhere(_read_apart, request, source.name) as folder:
            content = read_json(folder / NAMES_FILE)
            names = {int(label): name for label, name in content["names"].items()}
            terminology = {int(label): entry for label, entry in content["terminology"].items()}
            return Segmentation(np.load(folder / LABELS_FILE), names, terminology)


def _read_apart(request: dict[str, Any], folder: Path) -> None:
    source, geometry, shape = Path(request["path"]), geometry_from_dict(request["geometry"]), tuple(request["shape"])
    if is_dicom_segmentation(source):
        found = _combined(read_segments(source, geometry, shape), source)
    else:
        found = _from_image(source, geometry, shape)
    np.save(folder / LABELS_FILE, found.labels)
    content = {
        "names": {label: plain(name)[:LONGEST_NAME] for label, name in found.names.items()},
        "terminology": {label: plain(entry)[:LONGEST_ENTRY] for label, entry in found.terminology.items()},
    }
    (folder / NAMES_FILE).write_text(json.dumps(content), encoding="ascii")


def _from_image(source: Path, geometry: Geometry, shape: tuple[int, int, int]) -> Segmentation:
    """Segments of a label map or Slicer segmentation on the grid of a scan."""
    image = read_image(source)
    layers = _integers(image.array, source)
    segments = _segments(image.header, len(layers))
    entries = _terminology(image.header)
    if layers[0].size == 1 and shape != (1, 1, 1):
        # Slicer saves a segmentation without segment voxels so
        return Segmentation(np.zeros(shape, dtype=np.int32), dict(enumerate((name for _, _, name in segments), start=1)))
    if len(segments) > MOST_SEGMENTS:
        raise InputError(f"{source.name} has {len(segments)} segments; at most {MOST_SEGMENTS} were expected.")
    if not segments:
        if len(layers) > 1:
            raise InputError(
                f"{source.name} has {len(layers)} volumes and no segment names; one label map, or a Slicer "
                ".seg.nrrd, was expected. Save the segmentation again."
            )
        named = _label_table(source)
        values = [int(value) for value in np.unique(layers[0]) if value]
        if len(values) > MOST_SEGMENTS:
            raise InputError(f"{source.name} has {len(values)} labels; at most {MOST_SEGMENTS} were expected. Is it an image?")
        alone = stem(source) if len(values) == 1 and liver_part(stem(source)) else ""  # one file a segment
        segments = [(0, value, named.get(value) or alone or f"label {value}") for value in values]
        if not segments:
            raise InputError(f"{source.name} is zero in every voxel; at least one label was expected. Check the file.")
    offset = _offset(image.geometry, geometry, source)
    # one layer keeps its label values; several are renumbered, since each has values of its own
    renumber = len(layers) > 1
    labels = np.zeros(shape, dtype=np.int32)
    names: dict[int, str] = {}
    terminology: dict[int, str] = {}
    for number, (layer, value, name) in enumerate(segments, start=1):
        inside, kept = _place(layers[layer] == value, offset, shape)
        if not kept:
            raise InputError(
                f"Segment '{name}' of {source.name} reaches beyond the scan; a segmentation of this scan was expected. "
                "Draw or resample it on the scan."
            )
        if np.any(labels[inside]):
            _refuse_overlap(names[int(labels[inside][labels[inside] > 0][0])], name, source)
        label = number if renumber else value
        labels[inside] = label
        names[label] = name
        if name in entries:
            terminology[label] = entries[name]
    return Segmentation(labels, names, terminology)


def _combined(segments: Sequence[tuple[str, npt.NDArray[np.bool_]]], source: Path) -> Segmentation:
    """Segments numbered in order; one that is the union of those before it, as the whole liver of its lobes, is left out."""
    labels = np.zeros(segments[0][1].shape, dtype=np.int32)
    names: dict[int, str] = {}
    for name, mask in segments:
        if mask.any() and np.array_equal(np.isin(labels, np.unique(labels[mask][labels[mask] > 0])), mask):
            continue
        if np.any(labels[mask]):
            _refuse_overlap(names[int(labels[mask][labels[mask] > 0][0])], name, source)
        label = len(names) + 1
        labels[mask], names[label] = label, name
    return Segmentation(labels, names)


def _refuse_overlap(first: str, second: str, source: Path) -> None:
    raise InputError(
        f"Segments '{first}' and '{second}' of {source.name} overlap; separate segments were expected. In Slicer's "
        "Segment Editor, set Masking, Modify other segments to 'Overwrite all', or export each segment on its own."
    )


def _integers(array: npt.NDArray[Any], source: Path) -> npt.NDArray[np.int64]:
    if np.iscomplexobj(array) or not np.all(np.isfinite(array)) or np.any(array != np.round(array)) or array.min() < 0:
        raise InputError(
            f"{source.name} has values that are no labels; whole numbers from 0 were expected. Give a segmentation."
        )
    if array.max() > LARGEST_LABEL:
        raise InputError(f"{source.name} has labels up to {array.max():g}; at most {LARGEST_LABEL} were expected.")
    return array.astype(np.int64)


def _segments(header: Mapping[str, str], layers: int) -> list[tuple[int, int, str]]:
    """Layer, label value and name of each segment in the header."""
    numbers = sorted({int(m[1]) for key in header if (m := re.fullmatch(r"Segment(\d+)_(?:ID|Name)", key))})
    found = []
    for number in numbers:
        # files older than Slicer 4.11 have a layer of ones for each segment and neither of the keys
        layer = int(header.get(f"Segment{number}_Layer", number if layers > 1 else 0))
        value = int(header.get(f"Segment{number}_LabelValue", 1))
        name = header.get(f"Segment{number}_Name", "").strip() or header.get(f"Segment{number}_ID", "").strip()
        if 0 <= layer < layers and 0 < value <= LARGEST_LABEL:
            found.append((layer, value, plain(name)[:LONGEST_NAME] or f"segment {number + 1}"))
    return found


def _terminology(header: Mapping[str, str]) -> dict[str, str]:
    """Terminology entry by name of segment, from the tags that Slicer writes."""
    found = {}
    for key, tags in header.items():
        number = re.fullmatch(r"Segment(\d+)_Tags", key)
        entry = re.search(r"TerminologyEntry:([^|]*)", tags)
        if number and entry:
            found[header.get(f"Segment{number[1]}_Name", "").strip()] = entry[1]
    return found


def _label_table(source: Path) -> dict[int, str]:
    """Names of labels in the extension of a NIfTI header (Connectome Workbench's LabelTable), as TotalSegmentator writes it."""
    if not source.name.endswith((".nii", ".nii.gz")):
        return {}
    import nibabel.nifti1

    names: dict[int, str] = {}
    for extension in nibabel.nifti1.Nifti1Image.from_filename(source).header.extensions:
        text = extension.get_content()
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        for key, name in re.findall(r'<Label\s[^>]*Key="(\d+)"[^>]*>(?:<!\[CDATA\[)?([^\]<]+)', text):
            names[int(key)] = plain(name.strip())[:LONGEST_NAME]
    return names


def _offset(found: Geometry, expected: Geometry, source: Path) -> tuple[int, int, int]:
    """Voxels (slice, row, column) by which the segmentation's first voxel lies inside the scan."""
    if not same_axes(found, expected):
        raise InputError(
            f"{source.name} has spacing {_listed(found.spacing_mm)} mm and direction {_listed(found.direction)}; those of the "
            f"scan, {_listed(expected.spacing_mm)} mm and {_listed(expected.direction)}, were expected. Draw or resample the "
            "segments on the scan (in Slicer: set the scan as source volume geometry)."
        )
    matrix = np.asarray(expected.direction).reshape(3, 3) * np.asarray(expected.spacing_mm)
    steps = np.linalg.solve(matrix, np.subtract(found.origin_mm, expected.origin_mm))
    whole = np.round(steps)
    if np.any(np.abs(steps - whole) > OFF_GRID_VOXELS):
        raise InputError(
            f"{source.name} lies {_listed(tuple(steps - whole))} voxels off the grid of the scan; the same grid was expected. "
            "Draw or resample the segments on the scan."
        )
    column, row, slice_ = (int(v) for v in whole)
    return slice_, row, column


def _place(
    mask: npt.NDArray[np.bool_], offset: tuple[int, int, int], shape: tuple[int, int, int]
) -> tuple[tuple[npt.NDArray[np.intp], ...], bool]:
    """Indices of the mask's voxels on the scan's grid, and whether all of them lie on it."""
    indices = tuple(axis + step for axis, step in zip(np.nonzero(mask), offset, strict=True))
    kept = all(bool(np.all((axis >= 0) & (axis < size))) for axis, size in zip(indices, shape, strict=True))
    return indices, kept


def _listed(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.3g}" for v in values) + ")"


@timed("writing segments")
def save_segmentation(segmentation: Segmentation, geometry: Geometry, path: str | os.PathLike[str]) -> None:
    """Write segments as a Slicer segmentation (.seg.nrrd) with one layer.

    Parameters
    ----------
    segmentation : Segmentation
        Segments.
    geometry : Geometry
        Their grid.
    path : path
        File to write.
    """
    import SimpleITK as sitk

    image = image_of(segmentation.labels.astype(np.int16), geometry)
    for number, (label, name) in enumerate(sorted(segmentation.names.items())):
        described = {"ID": f"Segment_{label}", "Name": plain(name), "LabelValue": str(label), "Layer": "0"}
        if label in segmentation.terminology:
            described["Tags"] = f"TerminologyEntry:{plain(segmentation.terminology[label])}|"
        for key, value in described.items():
            image.SetMetaData(f"Segment{number}_{key}", value)
    sitk.WriteImage(image, os.fspath(path), useCompression=True)
