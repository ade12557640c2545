"""Voxels of a label map that lies on the grid of a volume, without resampling: that takes as long as all statistics."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from ..volumes import array_of

ON_GRID = 1e-3
"""Largest distance from a whole number of voxels."""
_Box = tuple[slice, slice, slice]


def voxels_on_grid(labelmap: Any, segmentation: Any, volume: Any) -> tuple[_Box, npt.NDArray[np.bool_]] | None:
    """Voxels of a label map inside their box on the grid of a volume.

    Parameters
    ----------
    labelmap : vtkOrientedImageData
        The label map.
    segmentation : vtkMRMLSegmentationNode
        Node that it belongs to.
    volume : vtkMRMLScalarVolumeNode
        Volume with the grid.

    Returns
    -------
    tuple of slices and array of bool, or None
        None where the label map lies on another grid, or holds no voxel on this one.
    """
    offset = _offset(labelmap, segmentation, volume)
    scalars = labelmap.GetPointData().GetScalars()
    if offset is None or scalars is None:
        return None
    extent = labelmap.GetExtent()
    starts = [extent[2 * axis] + offset[axis] for axis in (2, 1, 0)]
    size = [extent[2 * axis + 1] - extent[2 * axis] + 1 for axis in (2, 1, 0)]
    values = vtk_to_numpy(scalars).reshape(size) > 0
    shape = array_of(volume).shape
    inside = tuple(slice(max(-start, 0), min(n - start, length)) for start, n, length in zip(starts, shape, size, strict=True))
    if any(part.stop <= part.start for part in inside):
        return None
    values, box = values[inside], []
    for axis, (start, part) in enumerate(zip(starts, inside, strict=True)):
        filled = np.flatnonzero(values.any(axis=tuple(other for other in range(3) if other != axis)))
        if not filled.size:
            return None
        first, last = int(filled[0]), int(filled[-1])
        values = np.take(values, range(first, last + 1), axis=axis)
        box.append(slice(start + part.start + first, start + part.start + last + 1))
    return (box[0], box[1], box[2]), np.ascontiguousarray(values)


def _offset(labelmap: Any, segmentation: Any, volume: Any) -> tuple[int, int, int] | None:
    """Voxels (column, row, slice) between the origins of both grids, None where they differ in more."""
    if segmentation.GetParentTransformNode() is not volume.GetParentTransformNode():
        return None
    own, to_volume, between = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(own)
    volume.GetRASToIJKMatrix(to_volume)
    vtk.vtkMatrix4x4.Multiply4x4(to_volume, own, between)
    found = np.array([[between.GetElement(row, column) for column in range(4)] for row in range(3)])
    steps = np.round(found[:, 3])
    reach = max(labelmap.GetDimensions())
    if np.abs(found[:, :3] - np.eye(3)).max() * reach > ON_GRID or np.abs(found[:, 3] - steps).max() > ON_GRID:
        return None
    return int(steps[0]), int(steps[1]), int(steps[2])
