"""Label maps (.nrrd, .nii.gz), Slicer (.seg.nrrd) and DICOM segmentations on the grid of a scan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from ..escaping import plain
from ..statistics import LiverPart, liver_part
from ..stopwatch import timed
from .images import image_of
from .interchange import geometry_from_dict, read_json
from .label_names import LONGEST_NAME
from .neutral import neutral_messages
from .reader_process import read_elsewhere
from .segment_files import FoundSegment, FoundSegments, ScanGrid, segments_of

LONGEST_ENTRY = 400
LABELS_FILE, NAMES_FILE = "labels.npy", "names.json"
WHOLE_SHARE = 0.9
"""A liver that other parts of the liver cover by this share is the whole of which they are the parts."""

Mask = npt.NDArray[np.bool_]


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
    notes : tuple of str
        What was done to put the segments onto the scan, and what was left out.
    overlapping : tuple of Segmentation
        Layers of segments that share voxels with those of the layers before.
    """

    labels: npt.NDArray[np.int32]
    names: dict[int, str]
    terminology: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overlapping: tuple[Segmentation, ...] = ()

    def masks(self) -> Iterator[tuple[str, Mask]]:
        """Name and voxels of each segment, in label order, those of the first layer first."""
        for layer in (self, *self.overlapping):
            for label, name in sorted(layer.names.items()):
                yield name, layer.labels == label


@timed("reading segments")
def load_segmentation(
    path: str | os.PathLike[str], geometry: Geometry, shape: tuple[int, int, int], keep_names: bool = False
) -> Segmentation:
    """Read segments onto the grid of a scan, in a process of its own, which a damaged file may crash.

    Segments drawn on another grid (cropped, flipped, other axes or spacing) are put in their place in the patient, by the
    nearest neighbour where voxels do not coincide; `notes` states it.

    Parameters
    ----------
    path : path
        Label map, Slicer segmentation with one layer or several, DICOM Segmentation, or a folder with a label map for each
        segment or with a DICOM Segmentation.
    geometry : Geometry
        Grid of the scan.
    shape : tuple of int
        Voxels of the scan along (slice, row, column).
    keep_names : bool
        Name files in messages, and segments after files.

    Returns
    -------
    Segmentation
        Segments on the grid of the scan.

    Raises
    ------
    InputError
        The file is missing, holds no labels, or does not overlap the scan.
    """
    source = Path(path)
    with neutral_messages([source], keep_names, "segmentation"):
        if not source.exists():
            raise InputError(f"{source} does not exist; a label map or .seg.nrrd was expected. Check the path.")
        request = {"path": str(source.absolute()), "geometry": asdict(geometry), "shape": shape, "keep_names": keep_names}
        with read_elsewhere(_read_apart, request, source.name) as folder:
            content = read_json(folder / NAMES_FILE)
            layers = zip(np.load(folder / LABELS_FILE), content["names"], content["terminology"], strict=True)
            first, *others = (
                Segmentation(labels, _by_label(names), _by_label(terminology)) for labels, names, terminology in layers
            )
            return replace(first, notes=tuple(content["notes"]), overlapping=tuple(others))


def _by_label(texts: dict[str, str]) -> dict[int, str]:
    return {int(label): text for label, text in texts.items()}


def _read_apart(request: dict[str, Any], folder: Path) -> None:
    slices, rows, columns = request["shape"]
    scan = ScanGrid(geometry_from_dict(request["geometry"]), (slices, rows, columns), request["keep_names"])
    source = Path(request["path"])
    found = _combined(segments_of(source, scan), scan.shape)
    layers = (found, *found.overlapping)
    np.save(folder / LABELS_FILE, np.stack([layer.labels for layer in layers]))
    content = {
        "names": [{label: plain(name)[:LONGEST_NAME] for label, name in layer.names.items()} for layer in layers],
        "terminology": [
            {label: plain(entry)[:LONGEST_ENTRY] for label, entry in layer.terminology.items()} for layer in layers
        ],
        "notes": [plain(note) for note in found.notes],
    }
    (folder / NAMES_FILE).write_text(json.dumps(content), encoding="ascii")


def _combined(found: FoundSegments, shape: tuple[int, int, int]) -> Segmentation:
    """Layers of segments; one that is the whole of others, as the liver of its segments, is left out."""
    segments, notes = list(found.segments), list(found.notes)
    for segment in found.segments:
        if _is_whole(segment, [s for s in segments if s is not segment]):
            segments.remove(segment)
            notes.append(f"'{segment.name}' is the whole of other segments and was left out.")
    own = found.own_labels and len({s.label for s in segments}) == len(segments)
    layers: list[Segmentation] = []
    for number, segment in enumerate(segments, start=1):
        free = (layer for layer in layers if not np.any(layer.labels[segment.mask]))
        layer = next(free, None) or Segmentation(np.zeros(shape, dtype=np.int32), {})
        if layer not in layers:
            layers.append(layer)
        label = segment.label if own else number
        layer.labels[segment.mask] = label
        layer.names[label] = segment.name
        if segment.terminology:
            layer.terminology[label] = segment.terminology
    first, *others = layers
    names = [name for layer in others for name in layer.names.values()]
    if names:
        notes.append(
            f"Segments that share voxels with others: {', '.join(names)}. Each is measured whole; pictures and written "
            "segmentations show the others."
        )
    return replace(first, notes=tuple(notes), overlapping=tuple(others))


def _is_whole(segment: FoundSegment, others: Sequence[FoundSegment]) -> bool:
    """Whether a segment is the union of some others, or a liver whose parts are others."""
    if not segment.mask.any() or len(others) < 2:
        return False
    parts = [s for s in others if np.any(s.mask & segment.mask)]
    if len(parts) < 2:
        return False
    union = np.any([s.mask for s in parts], axis=0)
    if np.array_equal(union, segment.mask):
        return True
    kinds = [liver_part(s.name, s.terminology) for s in (segment, *parts)]
    of_liver = kinds[0] is LiverPart.LIVER and all(kind not in (None, LiverPart.LIVER) for kind in kinds[1:])
    return of_liver and bool(np.count_nonzero(union & segment.mask) >= WHOLE_SHARE * np.count_nonzero(segment.mask))


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
