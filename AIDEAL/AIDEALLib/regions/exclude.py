"""Leave out the edges of a region and the vessels in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating]

SMOOTHING_VOXELS = 0.7
TREND_MM = 20.0
SDS_OF_MAD = 1.4826
"""Standard deviation of normally distributed values whose median absolute deviation is 1."""


@dataclass(frozen=True)
class LeaveOut:
    """What is left out of a region.

    Attributes
    ----------
    edge_mm : float
        Voxels whose centre lies closer to a voxel outside; 0 leaves no edge out.
    vessels : bool
        Voxels that differ from the rest of the region as vessels and ducts do, and their neighbours in the slice.
    limit : float
        Robust z from which they differ.
    """

    edge_mm: float = 0.0
    vessels: bool = False
    limit: float = 3.8

    def __bool__(self) -> bool:
        return self.edge_mm > 0 or self.vessels


@dataclass(frozen=True, eq=False)
class Kept:
    """What is left of a region.

    Attributes
    ----------
    voxels : np.ndarray, shape (slice, row, column), bool
        Voxels that are left.
    edge_percent : float
        Share of the region left out as edge.
    vessel_percent : float
        Share of the region left out as vessels, beyond the edge.
    """

    voxels: BoolArray
    edge_percent: float
    vessel_percent: float

    @property
    def percent(self) -> float:
        """Share of the region that is left."""
        return 100.0 - self.edge_percent - self.vessel_percent

    def sentence(self, name: str) -> str:
        """What is left, for people."""
        return (
            f"{name}: {self.percent:.0f} % of the voxels are left; {self.edge_percent:.0f} % were left out as edge, "
            f"{self.vessel_percent:.0f} % as vessels."
        )


def leave_out(
    region: BoolArray,
    organ: BoolArray,
    contrasts: Sequence[FloatArray],
    spacing_mm: tuple[float, float, float],
    options: LeaveOut,
) -> Kept:
    """Leave edges and vessels out of a region.

    Parameters
    ----------
    region : np.ndarray, shape (slice, row, column), bool
        Voxels of the region.
    organ : np.ndarray, same shape, bool
        Voxels of the organ, whose edge counts: the border between two lobes is none. The region itself where it is alone.
    contrasts : sequence of np.ndarray, same shape, float
        Maps in which vessels differ: water, R2* and PDFF.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).
    options : LeaveOut
        What is left out.

    Returns
    -------
    Kept
    """
    inside = region & (edge_distance(organ | region, spacing_mm) > options.edge_mm) if options.edge_mm > 0 else region
    kept = inside & ~vessel_like(inside, contrasts, spacing_mm, options.limit) if options.vessels else inside
    voxels = max(int(np.count_nonzero(region)), 1)
    edge = int(np.count_nonzero(region)) - int(np.count_nonzero(inside))
    vessels = int(np.count_nonzero(inside)) - int(np.count_nonzero(kept))
    return Kept(kept, 100.0 * edge / voxels, 100.0 * vessels / voxels)


def edge_distance(organ: BoolArray, spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Distance of each voxel's centre from the nearest voxel outside an organ, mm; the border of the scan is no edge."""
    from scipy.ndimage import distance_transform_edt

    if organ.all():
        return np.full(organ.shape, np.inf)
    return np.asarray(distance_transform_edt(organ, sampling=spacing_mm[::-1]))


def vessel_like(
    region: BoolArray, contrasts: Sequence[FloatArray], spacing_mm: tuple[float, float, float], limit: float = LeaveOut.limit
) -> BoolArray:
    """Voxels of a region that differ from its trend in several maps together, grown by one voxel within the slice.

    Parameters
    ----------
    region : np.ndarray, shape (slice, row, column), bool
        Voxels of the region.
    contrasts : sequence of np.ndarray, same shape, float
        Maps in which vessels differ.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).
    limit : float
        Limit of the root of the sum of the squared z over the maps; 3.8 leaves out 0.3 % of normally distributed noise in
        three maps before growing.

    Returns
    -------
    np.ndarray, shape (slice, row, column), bool

    Notes
    -----
    z: each map smoothed over `SMOOTHING_VOXELS` minus itself smoothed over `TREND_MM`, both with voxels of the region alone
    (normalised convolution), in units of 1.4826 times its median absolute deviation. Vessels form lines, noise does not: so
    the smoothing raises one over the other, and limits the bias that cutting off the tails of skewed noise brings.
    """
    from scipy.ndimage import binary_dilation

    if not region.any():
        return np.zeros_like(region)
    wide = (0.0, TREND_MM / spacing_mm[1], TREND_MM / spacing_mm[0])
    squares = np.zeros(region.shape)
    for contrast in contrasts:
        difference = _smoothed(contrast, region, (0.0, SMOOTHING_VOXELS, SMOOTHING_VOXELS)) - _smoothed(contrast, region, wide)
        centred = difference - np.median(difference[region])
        spread = SDS_OF_MAD * float(np.median(np.abs(centred[region])))
        if spread > 0:
            squares += (centred / spread) ** 2
    outliers = region & (squares > limit**2)
    cross = np.zeros((3, 3, 3), np.bool_)
    cross[1, 1, :] = cross[1, :, 1] = True
    return np.asarray(binary_dilation(outliers, cross) & region)


def _smoothed(values: FloatArray, region: BoolArray, sigma: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """Gaussian mean over voxels of the region alone."""
    from scipy.ndimage import gaussian_filter

    weight = gaussian_filter(region.astype(np.float64), sigma)
    total = gaussian_filter(np.where(region, values, 0.0).astype(np.float64), sigma)
    return np.asarray(np.where(region, total / np.maximum(weight, 1e-12), 0.0))
