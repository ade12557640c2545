"""How far a part of a lobe differs from the whole lobe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .map_arrays import BoolArray
from .median_noise import robust_sd

ASSUMED_SHARE = 0.1
"""Standard deviation of a circle's PDFF about that of its lobe, as a share of the PDFF, where the lobe is not known."""
INSIDE = 0.9
"""Share of a part's voxels that must lie in the lobe at another place."""
FEWEST_PLACES = 20
OUTLYING_SDS = 3.0


@dataclass(frozen=True, eq=False)
class Sample:
    """A region is a sample of something larger, whose PDFF it stands for.

    Attributes
    ----------
    lobe : np.ndarray, shape (slice, row, column), bool, or None
        The larger region, on the grid of the maps; None where it is not known.
    """

    lobe: BoolArray | None = None


def variance_of_parts(pdff: npt.NDArray[np.float64], noise_variance: float, lobe: BoolArray, part: BoolArray) -> float | None:
    """Variance of the mean PDFF of parts of a lobe about the mean of the lobe, without the part that noise explains.

    Parameters
    ----------
    pdff : np.ndarray, shape (slice, row, column), percent
        PDFF; only voxels of the lobe are used.
    noise_variance : float, percent^2
        Variance of the mean of one part that noise accounts for.
    lobe : np.ndarray, shape (slice, row, column), bool
        Voxels of the lobe with an estimate.
    part : np.ndarray, shape (slice, row, column), bool
        The part; its shape is moved over the lobe.

    Returns
    -------
    float or None
        Variance, not below 0; None where the part fits into the lobe at fewer than `FEWEST_PLACES` places.

    Notes
    -----
    Mean square of (mean of a part - mean of the lobe) over all places at which `INSIDE` of the part lies within the lobe.
    Differences are limited to `OUTLYING_SDS` robust standard deviations of their median: swapped patches are counted elsewhere.
    """
    where = np.nonzero(part)
    if not where[0].size or not np.any(lobe):
        return None
    shape = part[tuple(slice(int(w.min()), int(w.max()) + 1) for w in where)].astype(np.float64)
    lobe_at = np.nonzero(lobe)
    box = tuple(slice(int(w.min()), int(w.max()) + 1) for w in lobe_at)
    inside = lobe[box].astype(np.float64)
    mean = float(pdff[lobe].mean())
    padded = [n + m for n, m in zip(inside.shape, shape.shape, strict=True)]
    moved = np.fft.rfftn(shape, padded, axes=(0, 1, 2)).conj()

    def sums(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        result: npt.NDArray[np.float64] = np.fft.irfftn(
            np.fft.rfftn(values, padded, axes=(0, 1, 2)) * moved, padded, axes=(0, 1, 2)
        )
        return result

    count = sums(inside)
    fits = count > INSIDE * shape.sum() - 0.5
    if np.count_nonzero(fits) < FEWEST_PLACES:
        return None
    difference = sums(np.where(lobe[box], pdff[box] - mean, 0.0))[fits] / count[fits]
    middle = float(np.median(difference))
    limit = OUTLYING_SDS * robust_sd(difference)
    usual = np.clip(difference - middle, -limit, limit)
    return max(middle**2 + float(np.mean(usual**2)) - noise_variance, 0.0)
