"""Circular and square regions of interest."""

from __future__ import annotations

import numpy as np

from .map_arrays import BoolArray


def circle_roi(
    shape: tuple[int, int, int],
    center: tuple[int, float, float],
    radius_mm: float,
    spacing_mm: tuple[float, float, float],
) -> BoolArray:
    """Voxels of one slice within a circle.

    Parameters
    ----------
    shape : tuple of int
        Voxels along (slice, row, column).
    center : tuple
        Centre as (slice, row, column) indices; row and column may lie between voxels.
    radius_mm : float
        Radius.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).

    Returns
    -------
    np.ndarray, shape (slice, row, column), bool
    """
    slice_, row, column = center
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    region = np.zeros(shape, dtype=np.bool_)
    region[slice_] = np.hypot((rows - row) * spacing_mm[1], (columns - column) * spacing_mm[0]) <= radius_mm
    return region


def square_roi(shape: tuple[int, int, int], center: tuple[int, int, int], side_px: int = 17) -> BoolArray:
    """Voxels of one slice within a square, clipped to the image.

    Parameters
    ----------
    shape : tuple of int
        Voxels along (slice, row, column).
    center : tuple of int
        Centre as (slice, row, column) indices.
    side_px : int
        Side in voxels; 17 suits a 384 x 384 matrix.

    Returns
    -------
    np.ndarray, shape (slice, row, column), bool
    """
    slice_, row, column = center
    before = side_px // 2
    first_row, first_column = row - before, column - before
    region = np.zeros(shape, dtype=np.bool_)
    region[
        slice_,
        max(first_row, 0) : max(first_row + side_px, 0),
        max(first_column, 0) : max(first_column + side_px, 0),
    ] = True
    return region
