"""Shift within the slice that is left between two images, block by block."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BLOCK_MM = 40.0
REACH_MM = 12.0
LEAST_CORRELATION = 0.7
"""Blocks that correlate less at the best shift have too little in common to know it."""
INSIDE = 0.5
"""Share of a block that lies in the region."""


def residual_shifts_mm(
    fixed: npt.NDArray[np.floating],
    moved: npt.NDArray[np.floating],
    region: npt.NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
) -> npt.NDArray[np.float64]:
    """Shift of each block that touches a region and has structure in common.

    Parameters
    ----------
    fixed : np.ndarray, shape (slice, row, column), float
        First image.
    moved : np.ndarray, same shape, float
        Second image on the same grid.
    region : np.ndarray, same shape, bool
        Where blocks are placed: at least `INSIDE` of each lies in it.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).

    Returns
    -------
    np.ndarray, shape (block,), float64, mm
        Length of the shift.

    Notes
    -----
    Normalised cross-correlation of blocks of `BLOCK_MM`, half overlapping, with the second image shifted by up to `REACH_MM`;
    the peak is refined by a parabola along each axis.
    """
    block = tuple(max(6, round(BLOCK_MM / spacing_mm[axis])) for axis in (1, 0))
    reach = tuple(max(1, int(REACH_MM / spacing_mm[axis])) for axis in (1, 0))
    shifts = []
    for slice_ in np.flatnonzero(region.any(axis=(1, 2))):
        for row in range(reach[0], fixed.shape[1] - block[0] - reach[0] + 1, block[0] // 2):
            for column in range(reach[1], fixed.shape[2] - block[1] - reach[1] + 1, block[1] // 2):
                part = (slice_, slice(row, row + block[0]), slice(column, column + block[1]))
                if region[part].mean() < INSIDE:
                    continue
                around = moved[
                    slice_, row - reach[0] : row + block[0] + reach[0], column - reach[1] : column + block[1] + reach[1]
                ]
                shift = _shift_mm(fixed[part].astype(float), around.astype(float), spacing_mm)
                if shift is not None:
                    shifts.append(shift)
    return np.asarray(shifts, dtype=np.float64)


def _shift_mm(
    block: npt.NDArray[np.float64], around: npt.NDArray[np.float64], spacing_mm: tuple[float, float, float]
) -> float | None:
    """Length of the shift of a block to where it fits best, None where it fits nowhere."""
    windows = np.lib.stride_tricks.sliding_window_view(around, block.shape)
    windows = windows - windows.mean(axis=(2, 3), keepdims=True)
    block = block - block.mean()
    scale = np.sqrt((windows**2).sum(axis=(2, 3)) * (block**2).sum())
    correlation = (windows * block).sum(axis=(2, 3)) / np.maximum(scale, np.finfo(float).tiny)
    row, column = (int(v) for v in np.unravel_index(int(np.argmax(correlation)), correlation.shape))
    if correlation[row, column] < LEAST_CORRELATION:
        return None
    down = (row - correlation.shape[0] // 2 + _vertex(correlation[:, column], row)) * spacing_mm[1]
    across = (column - correlation.shape[1] // 2 + _vertex(correlation[row], column)) * spacing_mm[0]
    return float(np.hypot(down, across))


def _vertex(values: npt.NDArray[np.float64], peak: int) -> float:
    """Offset of the vertex of the parabola through a peak and its neighbours; 0 at the end of the range."""
    if not 0 < peak < values.size - 1:
        return 0.0
    before, at_peak, after = values[peak - 1 : peak + 2]
    curvature = before - 2 * at_peak + after
    return float(0.5 * (before - after) / curvature) if curvature < 0 else 0.0
