"""DICOM Segmentation objects: their segments on the grid of a scan."""

from __future__ import annotations

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
OFF_GRID_VOXELS = 0.05
SAME_DIRECTION = 1e-3
SAME_SPACING = 1e-3


def is_dicom_segmentation(path: Path) -> bool:
    """True when the file is a DICOM Segmentation object."""
    return has_dicom_magic(path) and text(read_header(path), "SOPClassUID") == SEGMENTATION


def read_segments(path: Path, geometry: Geometry, shape: tuple[int, int, int]) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Name and voxels of each segment, on the grid of a scan; nothing is resampled.

    Parameters
    ----------
    path : Path
        A binary DICOM Segmentation.
    geometry : Geometry
        Grid of the scan.
    shape : tuple of int
        Slices, rows and columns of the scan.

    Returns
    -------
    list of tuple
        In the order of the segment numbers; they may overlap.

    Raises
    ------
    InputError
        The object is damaged, fractional, or on another grid.
    """
    import pydicom

    complaint = f"{path.name} could not be read as a DICOM segmentation ({{reason}}). Export or copy it again."
    dataset = guarded(lambda: pydicom.dcmread(path), complaint)
    if text(dataset, "SegmentationType") != "BINARY":
        raise InputError(f"{path.name} is a segmentation of type {text(dataset, 'SegmentationType')}; BINARY was expected.")
    frames = guarded(lambda: np.atleast_3d(dataset.pixel_array) > 0, complaint)
    frames = frames.reshape(-1, integer(dataset, "Rows") or 0, integer(dataset, "Columns") or 0)
    groups = items(dataset, "PerFrameFunctionalGroupsSequence")
    shared = (items(dataset, "SharedFunctionalGroupsSequence") or [None])[0]
    names = {
        integer(s, "SegmentNumber") or 0: text(s, "SegmentLabel") or f"segment {integer(s, 'SegmentNumber')}"
        for s in items(dataset, "SegmentSequence")
    }
    if len(groups) != len(frames) or not names:
        raise InputError(
            f"{path.name} describes {len(groups)} of {len(frames)} frames and {len(names)} segments; it is damaged."
        )
    if len(names) > MOST_SEGMENTS:
        raise InputError(f"{path.name} has {len(names)} segments; at most {MOST_SEGMENTS} were expected.")
    masks = {number: np.zeros(shape, dtype=np.bool_) for number in sorted(names)}
    for frame, group in zip(frames, groups, strict=True):
        number = integer(_first(group, "SegmentIdentificationSequence"), "ReferencedSegmentNumber")
        place = numbers(_either(group, shared, "PlanePositionSequence"), "ImagePositionPatient", 3)
        axes = numbers(_either(group, shared, "PlaneOrientationSequence"), "ImageOrientationPatient", 6)
        pixel = numbers(_either(group, shared, "PixelMeasuresSequence"), "PixelSpacing", 2)
        if number not in masks or place is None or axes is None or pixel is None:
            raise InputError(f"{path.name} has a frame without segment or place; it is damaged. Export it again.")
        _refuse_other_grid(path, axes, pixel, geometry)
        _put(masks[number], frame, _start(path, place, geometry), path)
    return [(names[number], mask) for number, mask in masks.items()]


def _first(place: Any, keyword: str) -> Any:
    return (items(place, keyword) or [None])[0]


def _either(own: Any, shared: Any, keyword: str) -> Any:
    return _first(own, keyword) or _first(shared, keyword)


def _refuse_other_grid(path: Path, axes: tuple[float, ...], pixel: tuple[float, ...], geometry: Geometry) -> None:
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    same = np.allclose([*matrix[:, 0], *matrix[:, 1]], axes, rtol=0, atol=SAME_DIRECTION)
    if not same or not np.allclose(pixel, (geometry.spacing_mm[1], geometry.spacing_mm[0]), rtol=SAME_SPACING):
        raise InputError(
            f"{path.name} has orientation and pixel spacing other than the scan; a segmentation on the grid of the scan was "
            "expected."
        )


def _start(path: Path, place: tuple[float, ...], geometry: Geometry) -> tuple[int, int, int]:
    """Slice, row and column of the frame's first pixel."""
    matrix = np.asarray(geometry.direction).reshape(3, 3) * np.asarray(geometry.spacing_mm)
    steps = np.linalg.solve(matrix, np.subtract(place, geometry.origin_mm))
    if np.any(np.abs(steps - np.round(steps)) > OFF_GRID_VOXELS):
        raise InputError(f"{path.name} lies off the grid of the scan; a segmentation of this scan was expected.")
    column, row, slice_ = (int(v) for v in np.round(steps))
    return slice_, row, column


def _put(mask: npt.NDArray[np.bool_], frame: npt.NDArray[np.bool_], start: tuple[int, int, int], path: Path) -> None:
    rows, columns = np.nonzero(frame)
    rows, columns = rows + start[1], columns + start[2]
    outside = rows.size and (
        not 0 <= start[0] < mask.shape[0]
        or rows.min() < 0
        or columns.min() < 0
        or rows.max() >= mask.shape[1]
        or columns.max() >= mask.shape[2]
    )
    if outside:
        raise InputError(f"A segment of {path.name} reaches beyond the scan; a segmentation of this scan was expected.")
    if rows.size:
        mask[start[0], rows, columns] = True
