"""Label maps (.nrrd, .nii.gz), Slicer (.seg.nrrd) and DICOM segmentations on the grid of a scan."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
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
    """

    labels: npt.NDArray[np.int32]
    names: dict[int, str]
    terminology: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def masks(self) -> Iterator[tuple[str, Mask]]:
        """Name and voxels of each segment, in label order."""
        for label, name in sorted(self.names.items()):
            yield name, self.labels == label


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
        The file is missing, holds no labels, does not overlap the scan, or has segments that overlap each other.
    """
    source = Path(path)
    with neutral_messages([source], keep_names, "segmentation"):
        if not source.exists():
            raise InputError(f"{source} does not exist; a label map or .seg.nrrd was expected. Check the path.")
        request = {"path": str(source.absolute()), "geometry": asdict(geometry), "shape": shape, "keep_names": keep_names}
        with read_elsewhere(_read_apart, request, source.name) as folder:
            content = read_json(folder / NAMES_FILE)
            names = {int(label): name for label, name in content["names"].items()}
            terminology = {int(label): entry for label, entry in content["terminology"].items()}
            return Segmentation(np.load(folder / LABELS_FILE), names, terminology, tuple(content["notes"]))


def _read_apart(request: dict[str, Any], folder: Path) -> None:
    slices, rows, columns = request["shape"]
    scan = ScanGrid(geometry_from_dict(request["geometry"]), (slices, rows, columns), request["keep_names"])
    source = Path(request["path"])
    found = _combined(segments_of(source, scan), source, scan.shape)
    np.save(folder / LABELS_FILE, found.labels)
    content = {
        "names": {label: plain(name)[:LONGEST_NAME] for label, name in found.names.items()},
        "terminology": {label: plain(entry)[:LONGEST_ENTRY] for label, entry in found.terminology.items()},
        "notes": [plain(note) for note in found.notes],
    }
    (folder / NAMES_FILE).write_text(json.dumps(content), encoding="ascii")


def _combined(found: FoundSegments, source: Path, shape: tuple[int, int, int]) -> Segmentation:
    """Labels of segments; one that is the whole of others, as the liver of its segments, is left out."""
    segments, notes = list(found.segments), list(found.notes)
    for segment in found.segments:
        if _is_whole(segment, [s for s in segments if s is not segment]):
            segments.remove(segment)
            notes.append(f"'{segment.name}' is the whole of other segments and was left out.")
    labels = np.zeros(shape, dtype=np.int32)
    names: dict[int, str] = {}
    terminology: dict[int, str] = {}
    own = found.own_labels and len({s.label for s in segments}) == len(segments)
    for number, segment in enumerate(segments, start=1):
        label = segment.label if own else number
        here = labels[segment.mask]
        if np.any(here):
            _refuse_overlap(names[int(here[here > 0][0])], segment.name, source)
        labels[segment.mask] = label
        names[label] = segment.name
        if segment.terminology:
            terminology[label] = segment.terminology
    return Segmentation(labels, names, terminology, tuple(notes))


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


def _refuse_overlap(first: str, second: str, source: Path) -> None:
    raise InputError(
        f"Segments '{first}' and '{second}' of {source.name} overlap; separate segments were expected. In Slicer's "
        "Segment Editor, set Masking, Modify other segments to 'Overwrite all', or export each segment on its own."
    )


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
