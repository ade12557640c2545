"""DICOM Segmentation objects: their segments on their own grid."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import Geometry
from ...errors import InputError
from .elements import integer, items, numbers, text
from .files import guarded, has_dicom_magic, read_header

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
MOST_SEGMENTS = 1000
MOST_SLICES = 2000
SAME_DIRECTION = 1e-3
SAME_SPACING = 1e-3


def is_dicom_segmentation(path: Path) -> bool:
    """True when the file is a DICOM Segmentation object."""
    return has_dicom_magic(path) and text(read_header(path), "SOPClassUID") == SEGMENTATION


@dataclass(frozen=True, eq=False)
class OwnSegments:
    """Segments on the grid of their object.

    Attributes
    ----------
    segments : list of (str, np.ndarray of shape (slice, row, column), bool)
        Name and voxels of each, in the order of the segment numbers; they may overlap.
    geometry : Geometry
        Their grid.
    notes : tuple of str
        What was assumed.
    """

    segments: list[tuple[str, npt.NDArray[np.bool_]]]
    geometry: Geometry
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Plane:
    """A frame: its values, its segment (None: the values are segment numbers), place and axes."""

    values: npt.NDArray[np.integer]
    number: int | None
    place_mm: tuple[float, ...]
    axes: tuple[float, ...]
    pixel_mm: tuple[float, ...]


def read_segments(path: Path) -> OwnSegments:
    """Name and voxels of each segment, on the grid of the object.

    Parameters
    ----------
    path : Path
        A DICOM Segmentation: binary, fractional or label map.

    Returns
    -------
    OwnSegments

    Raises
    ------
    InputError
        The object is damaged, or its frames are not parallel.
    """
    import pydicom

    complaint = f"{path.name} could not be read as a DICOM segmentation ({{reason}}). Export or copy it again."
    dataset = guarded(lambda: pydicom.dcmread(path), complaint)
    kind = text(dataset, "SegmentationType")
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise InputError(f"{path.name} is a segmentation of type {kind}; BINARY was expected.")
    values = guarded(lambda: np.atleast_3d(dataset.pixel_array), complaint)
    values = values.reshape(-1, integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0)
    notes: tuple[str, ...] = ()
    if kind == "FRACTIONAL":
        values = (values * 2.0 > (integer(dataset, "MaximumFractionalValue") or 255)).astype(np.uint8)
        notes = ("The segmentation states shares of voxels; those above one half were taken.",)
    names = {
        integer(s, "SegmentNumber") or 0: text(s, "SegmentLabel") or f"segment {integer(s, 'SegmentNumber')}"
        for s in items(dataset, "SegmentSequence")
    }
    planes = _planes(path, dataset, values, kind == "LABELMAP")
    if not names or not planes or any(p.number is not None and p.number not in names for p in planes):
        raise InputError(f"{path.name} has {len(planes)} frames and {len(names)} segments that do not match; it is damaged.")
    if len(names) > MOST_SEGMENTS:
        raise InputError(f"{path.name} has {len(names)} segments; at most {MOST_SEGMENTS} were expected.")
    geometry, depths = _grid(path, dataset, planes)
    masks = {number: np.zeros((len(depths), *values.shape[1:]), np.bool_) for number in sorted(names) if number}
    for plane in planes:
        index = int(np.argmin(np.abs(depths - _depth(plane))))
        for number, mask in masks.items():
            if plane.number is None:
                mask[index] |= plane.values == number
            elif plane.number == number:
                mask[index] |= plane.values > 0
    return OwnSegments([(names[number], mask) for number, mask in masks.items()], geometry, notes)


def _planes(path: Path, dataset: Any, values: npt.NDArray[np.integer], label_map: bool) -> list[_Plane]:
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    shared = (items(dataset, "SharedFunctionalGroupsSequence") or [None])[0]
    if len(groups) != len(values):
        raise InputError(f"{path.name} describes {len(groups)} of {len(values)} frames; it is damaged. Export it again.")
    planes = []
    for frame, group in zip(values, groups, strict=True):
        number = integer(_either(group, shared, "SegmentIdentificationSequence"), "ReferencedSegmentNumber")
        place = numbers(_either(group, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
        axes = numbers(_either(group, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        pixel = numbers(_either(group, shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
        if (number is None and not label_map) or place is None or axes is None or pixel is None:
            raise InputError(f"{path.name} has a frame without segment or place; it is damaged. Export it again.")
        planes.append(_Plane(frame, None if label_map else number, place, axes, pixel))
    return planes


def _grid(path: Path, dataset: Any, planes: list[_Plane]) -> tuple[Geometry, npt.NDArray[np.float64]]:
    """Grid of the frames, and the depth of each slice; slices without a frame are filled in."""
    first = min(planes, key=_depth)
    for plane in planes:
        same = np.allclose(plane.axes, first.axes, rtol=0, atol=SAME_DIRECTION)
        if not same or not np.allclose(plane.pixel_mm, first.pixel_mm, rtol=SAME_SPACING):
            raise InputError(f"{path.name} has frames of different orientation or pixel spacing; parallel ones were expected.")
    depths = np.array(sorted({round(_depth(plane), 3) for plane in planes}))
    measures = _either(items(dataset, "PerFrameFunctionalGroupsSequence")[0], None, "PixelMeasuresSequence") or _first(
        (items(dataset, "SharedFunctionalGroupsSequence") or [None])[0], "PixelMeasuresSequence"
    )
    stated = (numbers(measures, "SpacingBetweenSlices", 1) or numbers(measures, "SliceThickness", 1) or (1.0,))[0]
    spacing = float(np.diff(depths).min()) if depths.size > 1 else abs(stated) or 1.0
    count = round(float(depths[-1] - depths[0]) / spacing) + 1
    if count > MOST_SLICES:
        raise InputError(
            f"{path.name} states frames {depths[-1] - depths[0]:g} mm apart in steps of {spacing:g} mm; at most {MOST_SLICES} "
            "slices were expected. It is damaged; export it again."
        )
    matrix = np.column_stack([first.axes[:3], first.axes[3:], np.cross(first.axes[:3], first.axes[3:])])
    geometry = Geometry(
        spacing_mm=(first.pixel_mm[1], first.pixel_mm[0], spacing),
        origin_mm=(first.place_mm[0], first.place_mm[1], first.place_mm[2]),
        direction=tuple(float(v) for v in matrix.ravel()),
    )
    return geometry, depths[0] + spacing * np.arange(count)


def _depth(plane: _Plane) -> float:
    return float(np.dot(np.cross(plane.axes[:3], plane.axes[3:]), plane.place_mm))


def _first(place: Any, keyword: str) -> Any:
    return (items(place, keyword) or [None])[0]


def _either(own: Any, shared: Any, keyword: str) -> Any:
    return _first(own, keyword) or _first(shared, keyword)
