"""Label maps (.nrrd, .nii.gz), Slicer (.seg.nrrd) and DICOM segmentations on the grid of a scan."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from ..escaping import plain
from ..statistics import Segment, segments_of, unique_names
from ..stopwatch import timed
from .images import image_of
from .interchange import geometry_from_dict, read_json
from .label_names import LONGEST_NAME
from .neutral import neutral_messages
from .reader_process import read_elsewhere
from .segment_files import FoundSegments, ScanGrid, segments_of_source

LONGEST_ENTRY = 400
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
    notes : tuple of str
        What was done to put the segments onto the scan, and what was left out.
    overlapping : tuple of Segmentation
        Layers of segments that share voxels with those of the layers before; of all layers no two segments have the same name.
    """

    labels: npt.NDArray[np.int32]
    names: dict[int, str]
    terminology: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    overlapping: tuple[Segmentation, ...] = ()

    @classmethod
    def of(cls, segments: Sequence[Segment], labels: Sequence[int] = (), notes: tuple[str, ...] = ()) -> Segmentation:
        """Segmentation of segments, those that share voxels in layers of their own.

        Parameters
        ----------
        segments : sequence of Segment
            At least one.
        labels : sequence of int
            Label of each, numbers from 1 by default.
        notes : tuple of str
            What is to be known of them.

        Returns
        -------
        Segmentation
        """
        layers: list[Segmentation] = []
        names = unique_names(segment.name for segment in segments)
        for label, name, segment in zip(labels or range(1, len(names) + 1), names, segments, strict=True):
            free = (layer for layer in layers if not np.any(layer.labels[segment.mask]))
            layer = next(free, None) or cls(np.zeros(segment.mask.shape, np.int32), {})
            if layer not in layers:
                layers.append(layer)
            layer.labels[segment.mask] = label
            layer.names[label] = name
            if segment.terminology:
                layer.terminology[label] = segment.terminology
        first, *others = layers
        return replace(first, notes=notes, overlapping=tuple(others))

    @property
    def layers(self) -> tuple[Segmentation, ...]:
        """All layers, the first one among them."""
        return self, *self.overlapping

    @property
    def segments(self) -> list[Segment]:
        """Segments of all layers, in label order."""
        numbered = [
            (label, segment)
            for layer in self.layers
            for label, segment in zip(
                sorted(layer.names), segments_of(layer.labels, layer.names, layer.terminology), strict=True
            )
        ]
        return [segment for _, segment in sorted(numbered, key=lambda entry: entry[0])]

    def as_arrays(self) -> tuple[npt.NDArray[np.int32], dict[str, Any]]:
        """Labels, shape (layer, slice, row, column), and the rest in plain types, ready for JSON."""
        content = {"layers": [{"names": layer.names, "terminology": layer.terminology} for layer in self.layers]}
        return np.stack([layer.labels for layer in self.layers]), {**content, "notes": list(self.notes)}

    @classmethod
    def from_arrays(cls, labels: npt.NDArray[np.int32], content: Mapping[str, Any]) -> Segmentation:
        """Segmentation from what `as_arrays` returned."""
        first, *others = (
            cls(array, _by_label(layer["names"]), _by_label(layer["terminology"]))
            for array, layer in zip(labels, content["layers"], strict=True)
        )
        return replace(first, notes=tuple(content["notes"]), overlapping=tuple(others))


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
            return Segmentation.from_arrays(np.load(folder / LABELS_FILE), read_json(folder / NAMES_FILE))


def _by_label(texts: dict[str, str]) -> dict[int, str]:
    return {int(label): text for label, text in texts.items()}


def _read_apart(request: dict[str, Any], folder: Path) -> None:
    slices, rows, columns = request["shape"]
    scan = ScanGrid(geometry_from_dict(request["geometry"]), (slices, rows, columns), request["keep_names"])
    source = Path(request["path"])
    labels, content = _combined(segments_of_source(source, scan)).as_arrays()
    np.save(folder / LABELS_FILE, labels)
    (folder / NAMES_FILE).write_text(json.dumps(content), encoding="ascii")


def _combined(found: FoundSegments) -> Segmentation:
    """Segments with text that may be shown, and a note on those that share voxels."""
    segments = [Segment(plain(s.name)[:LONGEST_NAME], s.mask, plain(s.terminology)[:LONGEST_ENTRY]) for s in found.segments]
    own = [s.label for s in found.segments] if found.own_labels else []
    combined = Segmentation.of(segments, own, tuple(map(plain, found.notes)))
    names = [name for layer in combined.overlapping for name in layer.names.values()]
    if not names:
        return combined
    note = f"Segments that share voxels with others: {', '.join(names)}. Each is measured whole."
    return replace(combined, notes=(*combined.notes, note))


@timed("writing segments")
def save_segmentation(segmentation: Segmentation, geometry: Geometry, path: str | os.PathLike[str]) -> None:
    """Write segments as a Slicer segmentation (.seg.nrrd), in layers where they share voxels.

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

    layers = [image_of(layer.labels.astype(np.int16), geometry) for layer in segmentation.layers]
    image = sitk.Compose(layers) if len(layers) > 1 else layers[0]
    slices, rows, columns = segmentation.labels.shape
    image.SetMetaData("Segmentation_ReferenceImageExtentOffset", "0 0 0")
    entries = [(label, number, layer) for number, layer in enumerate(segmentation.layers) for label in layer.names]
    for number, (label, layer_number, layer) in enumerate(sorted(entries, key=lambda entry: entry[0])):
        described = {
            "ID": f"Segment_{label}",
            "Name": plain(layer.names[label]),
            "LabelValue": str(label),
            "Layer": str(layer_number),
            "Extent": f"0 {columns - 1} 0 {rows - 1} 0 {slices - 1}",
        }
        if label in layer.terminology:
            described["Tags"] = f"TerminologyEntry:{plain(layer.terminology[label])}|"
        for key, value in described.items():
            image.SetMetaData(f"Segment{number}_{key}", value)
    sitk.WriteImage(image, os.fspath(path), useCompression=True)
