"""Conversion between arrays (slice, row, column; LPS) and volume nodes (IJK; RAS)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ..echoes import Geometry

_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def ijk_to_ras(geometry: Geometry) -> Any:
    """Matrix (vtkMatrix4x4) from voxel indices (column, row, slice) to RAS."""
    columns = _LPS_TO_RAS @ np.asarray(geometry.direction, dtype=float).reshape(3, 3) * np.asarray(geometry.spacing_mm)
    matrix = vtk.vtkMatrix4x4()
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, float(columns[row, column]))
        matrix.SetElement(row, 3, float((_LPS_TO_RAS @ np.asarray(geometry.origin_mm))[row]))
    return matrix


def geometry_of(volume: Any) -> Geometry:
    """Geometry of a volume node, without the transforms it may be under."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(3)])
    lps = _LPS_TO_RAS @ ras
    spacing = np.linalg.norm(lps[:, :3], axis=0)
    direction = lps[:, :3] / spacing
    return Geometry(
        spacing_mm=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        origin_mm=(float(lps[0, 3]), float(lps[1, 3]), float(lps[2, 3])),
        direction=tuple(float(v) for v in direction.ravel()),
    )


def fill_volume(volume: Any, array: npt.NDArray[Any], geometry: Geometry) -> Any:
    """Put an array and its place into a volume node, and return the node.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
        The node, which need not be in a scene.
    array : array, shape (slice, row, column)
        Voxels.
    geometry : Geometry
        Place of the voxels.
    """
    slicer.util.updateVolumeFromArray(volume, np.ascontiguousarray(array))
    volume.SetIJKToRASMatrix(ijk_to_ras(geometry))
    return volume


def array_of(volume: Any) -> npt.NDArray[Any]:
    """Voxels (slice, row, column) of a volume node, as a view."""
    return slicer.util.arrayFromVolume(volume)


def voxel_at(volume: Any, ras: tuple[float, float, float]) -> tuple[int, int, int] | None:
    """Voxel (slice, row, column) of a volume at a position in the world, None outside it."""
    local = [0.0, 0.0, 0.0]
    if volume.GetImageData() is None:
        return None
    to_volume = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(None, volume.GetParentTransformNode(), to_volume)
    to_volume.TransformPoint(ras, local)
    matrix = vtk.vtkMatrix4x4()
    volume.GetRASToIJKMatrix(matrix)
    i, j, k, _ = matrix.MultiplyPoint((*local, 1.0))
    column, row, slice_ = round(i), round(j), round(k)
    columns, rows, slices = volume.GetImageData().GetDimensions()
    inside = 0 <= column < columns and 0 <= row < rows and 0 <= slice_ < slices
    return (slice_, row, column) if inside else None


def world_position(volume: Any, slice_: float, row: float, column: float) -> tuple[float, float, float]:
    """Position of a voxel in the world.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
        The volume.
    slice_, row, column : float
        Indices of the voxel, whole numbers at its centre.

    Returns
    -------
    tuple of float, mm
        Position in RAS, transforms of the volume included.
    """
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    x, y, z, _ = matrix.MultiplyPoint((column, row, slice_, 1.0))
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(volume.GetParentTransformNode(), None, to_world)
    out = [0.0, 0.0, 0.0]
    to_world.TransformPoint((x, y, z), out)
    return out[0], out[1], out[2]
