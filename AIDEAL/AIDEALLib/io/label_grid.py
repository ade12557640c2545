"""Labels drawn on another grid, put onto that of a scan by their place in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..errors import InputError
from .images import image_of, same_axes

OFF_GRID_VOXELS = 0.05
"""How far, in voxels, labels may lie off the scan's grid to count as drawn on it."""
SHARE_OUTSIDE = 0.01
"""Share of the labelled voxels outside the scan that is stated."""


@dataclass(frozen=True, eq=False)
class Placed:
    """Labels on the grid of a scan.

    Attributes
    ----------
    layers : list of np.ndarray, shape (slice, row, column), int
        Label of each voxel, by layer.
    notes : tuple of str
        What was done to put them there.
    """

    layers: list[npt.NDArray[np.int64]]
    notes: tuple[str, ...]


def placed(
    layers: list[npt.NDArray[np.int64]], found: Geometry, expected: Geometry, shape: tuple[int, int, int], name: str
) -> Placed:
    """Put labels onto the grid of a scan.

    Parameters
    ----------
    layers : list of np.ndarray, shape (slice, row, column), int
        Labels on their own grid.
    found : Geometry
        Grid of the labels.
    expected : Geometry
        Grid of the scan.
    shape : tuple of int
        Voxels of the scan along (slice, row, column).
    name : str
        Name of the file, for messages.

    Returns
    -------
    Placed

    Raises
    ------
    InputError
        No labelled voxel lies in the scan.
    """
    offset = _offset(found, expected)
    notes: tuple[str, ...] = ()
    if offset is not None:
        result = [_put(layer, offset, shape) for layer in layers]
    else:
        result = [_resampled(layer, found, expected, shape) for layer in layers]
        notes = (
            f"The segmentation was drawn on another grid (spacing {listed(found.spacing_mm)} mm, direction "
            f"{listed(found.direction)}); it was resampled onto the scan by its place in the patient (nearest neighbour).",
        )
    drawn_ml = sum(int(np.count_nonzero(layer)) for layer in layers) * found.voxel_volume_ml
    kept_ml = sum(int(np.count_nonzero(layer)) for layer in result) * expected.voxel_volume_ml
    if drawn_ml and not kept_ml:
        raise InputError(
            f"{name} and the scan do not overlap: its segments lie around {listed(_middle(layers, found))} mm (LPS), the scan "
            f"around {listed(_centre(expected, shape))} mm; segments of this patient and position were expected. Check that it "
            "was drawn on a scan of this examination."
        )
    if kept_ml < (1 - SHARE_OUTSIDE) * drawn_ml and _cut(layers, found, expected, shape):
        outside = 100 * (1 - kept_ml / drawn_ml)
        notes = (*notes, f"About {outside:.0f} % of the volume drawn lies outside the scan and was left out.")
    return Placed(result, notes)


def _offset(found: Geometry, expected: Geometry) -> tuple[int, int, int] | None:
    """Voxels (slice, row, column) by which the labels' first voxel lies inside the scan; None for another grid."""
    if not same_axes(found, expected):
        return None
    steps = _voxel_of(expected, np.asarray(found.origin_mm))
    whole = np.round(steps)
    if np.any(np.abs(steps - whole) > OFF_GRID_VOXELS):
        return None
    column, row, slice_ = (int(v) for v in whole)
    return slice_, row, column


def _put(layer: npt.NDArray[np.int64], offset: tuple[int, int, int], shape: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    result = np.zeros(shape, np.int64)
    indices = tuple(axis + step for axis, step in zip(np.nonzero(layer), offset, strict=True))
    inside = np.all([(axis >= 0) & (axis < size) for axis, size in zip(indices, shape, strict=True)], axis=0)
    result[tuple(axis[inside] for axis in indices)] = layer[np.nonzero(layer)][inside]
    return result


def _resampled(
    layer: npt.NDArray[np.int64], found: Geometry, expected: Geometry, shape: tuple[int, int, int]
) -> npt.NDArray[np.int64]:
    import SimpleITK as sitk

    target = image_of(np.zeros(shape, np.uint8), expected)
    moved: Any = sitk.Resample(
        image_of(layer.astype(np.int32), found), target, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0, sitk.sitkInt32
    )
    return np.asarray(sitk.GetArrayFromImage(moved), np.int64)


def _cut(layers: list[npt.NDArray[np.int64]], found: Geometry, expected: Geometry, shape: tuple[int, int, int]) -> bool:
    """Whether labelled voxels lie outside the field of view of the scan, and not only between its slices."""
    voxels = np.argwhere(np.any([layer > 0 for layer in layers], axis=0))[:, ::-1]
    steps = _voxel_of(expected, voxels @ _matrix(found).T + np.asarray(found.origin_mm))
    return bool(np.any((steps < -0.5 - OFF_GRID_VOXELS) | (steps > np.array(shape[::-1]) - 0.5 + OFF_GRID_VOXELS)))


def _matrix(geometry: Geometry) -> npt.NDArray[np.float64]:
    return np.asarray(np.reshape(geometry.direction, (3, 3)) * np.asarray(geometry.spacing_mm))


def _voxel_of(geometry: Geometry, place_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Voxel (column, row, slice) of places, shape (..., 3), with fractions."""
    return np.asarray(np.linalg.solve(_matrix(geometry), (place_mm - np.asarray(geometry.origin_mm)).T).T)


def _middle(layers: list[npt.NDArray[np.int64]], geometry: Geometry) -> tuple[float, ...]:
    voxels = np.argwhere(np.any([layer > 0 for layer in layers], axis=0))[:, ::-1].mean(0)
    return tuple(np.asarray(geometry.origin_mm) + _matrix(geometry) @ voxels)


def _centre(geometry: Geometry, shape: tuple[int, int, int]) -> tuple[float, ...]:
    return tuple(np.asarray(geometry.origin_mm) + _matrix(geometry) @ ((np.array(shape[::-1]) - 1) / 2))


def listed(values: tuple[float, ...]) -> str:
    """Numbers for a message."""
    return "(" + ", ".join(f"{v:.3g}" for v in values) + ")"
