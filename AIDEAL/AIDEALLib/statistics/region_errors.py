"""Standard errors of the mean and the median PDFF of a region."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .heterogeneity import ASSUMED_SHARE, Sample, variance_of_parts
from .map_arrays import BoolArray, MapArrays
from .median_noise import median_noise_variance, robust_sd
from .noise_correlation import NoiseCorrelation

Floats = npt.NDArray[np.float64]
SHARED_PER_POINT = 0.003
"""Error that all voxels share, in percentage points per squared point of their SD: the bias of a ratio of noisy amplitudes and
of priors on the field. About the largest bias of a lobe's mean in simulated patients."""
EDGE_SHARE = 0.8
"""Share of the difference between a region and its interior that counts as error of ringing and of partial volume."""
LARGEST_SD = 100.0
"""A fat fraction is bounded, so its SD is too, percentage points."""
SWAP_BLOCK = 4
"""Voxels of a slice within a square of this side are swapped together."""
BASE_RATE = 0.01
"""P(swap) up to here is not specific to the voxel."""
OUTLYING_SDS, OUTLYING_POINTS, OUTLYING_SHARE = 4.0, 20.0, 0.5
"""Voxels off the median by more than so many stated SDs and so many points, and the share of what they move the mean by that
counts as error: they may be swapped, or truly differ."""
NAN = float("nan")


@dataclass(frozen=True)
class RegionErrors:
    """Standard errors of a region's PDFF, percentage points; NaN where unknown.

    Attributes
    ----------
    mean : float
        Of the mean.
    median : float
        Of the median.
    beyond_noise : float
        What edges and, of a sample, heterogeneity contribute to either.
    """

    mean: float = NAN
    median: float = NAN
    beyond_noise: float = NAN


def region_errors(
    maps: MapArrays, used: BoolArray, correlation: NoiseCorrelation | None, sample: Sample | None = None
) -> RegionErrors:
    """Standard errors of the mean and the median of the voxels of a region.

    Parameters
    ----------
    maps : MapArrays
        The maps.
    used : np.ndarray, shape (slice, row, column), bool
        Voxels behind mean and median; all have an estimate.
    correlation : NoiseCorrelation or None
        Correlation of the noise; without it the errors are unknown.
    sample : Sample, optional
        What the region is a sample of; None for a region that stands for itself.

    Returns
    -------
    RegionErrors

    Notes
    -----
    Variances of five sources are summed. Noise: sum_ij rho_ij s_i s_j / n^2 of the mean, s the stated SD within the mode.
    Swaps: the excess of the mixture's variance over s^2, shared within blocks of a slice. An error shared by all voxels that
    grows with s^2. Edges: how far the region differs from its interior beyond noise. Heterogeneity of a sample. The median of
    noisy values is also off where their errors are skewed: by the difference of mean and median, to the share that noise has
    in the spread. Outlying voxels add a sixth, whatever their swap probability: `OUTLYING_SHARE` of what they move the mean by.
    """
    n = int(np.count_nonzero(used))
    if not n or correlation is None:
        return RegionErrors()
    whole, box = used, _bounding_box(used)
    used = used[box]
    pdff, sd, total = (np.where(used, m[box], 0.0).astype(np.float64) for m in (maps.pdff, maps.pdff_sd, maps.pdff_total_sd))
    if not np.all(np.isfinite(sd)) or not np.all(np.isfinite(total)):
        return RegionErrors()
    sd, total = np.minimum(sd, LARGEST_SD), np.minimum(total, LARGEST_SD)
    noise = correlation.variance_of_sum(sd) / n**2
    mean_square = float(np.sum(sd * sd)) / n
    inflation = noise * n / mean_square if mean_square > 0 else 1.0
    values = pdff[used]
    if sample is None:
        beyond = _edge_variance(pdff, used, mean_square * inflation, correlation.width)
    else:
        beyond = _sample_variance(maps, sample, whole, noise, float(values.mean()), correlation.width)
    shared = (SHARED_PER_POINT * mean_square) ** 2
    swaps = _swap_variance(used, np.maximum(total**2 - sd**2, 0.0))
    middle, spread = float(np.median(values)), max(robust_sd(values), math.sqrt(mean_square))
    off = values - middle
    outlying = np.abs(off) > np.maximum(OUTLYING_SDS * total[used], OUTLYING_POINTS)
    of_outlying = (OUTLYING_SHARE * float(off[outlying].sum()) / n) ** 2
    skew = 0.0
    if not np.all(outlying):
        share = min(mean_square / spread**2, 1.0) if spread > 0 else 0.0
        skew = share * max(float(off[~outlying].mean()) ** 2 - noise * 0.5, 0.0)
    probability = np.where(used, np.clip(maps.swap_probability[box] - BASE_RATE, 0.0, 0.5), 0.0).astype(np.float64)
    swapped = _swap_variance(used, probability * (1 - probability)) + (OUTLYING_SHARE * float(outlying.mean())) ** 2
    median_swaps = min(swapped * (spread * math.sqrt(2 * math.pi) / 2) ** 2, swaps + of_outlying)
    return RegionErrors(
        mean=math.sqrt(noise + swaps + of_outlying + shared + beyond),
        median=math.sqrt(median_noise_variance(values, sd, correlation) + skew + median_swaps + shared + beyond),
        beyond_noise=math.sqrt(beyond),
    )


def _swap_variance(used: BoolArray, variance: Floats) -> float:
    """Variance of a mean whose voxels err together within blocks of a slice and independently across blocks."""
    slices, rows, columns = used.shape
    sd = np.zeros((slices, -(-rows // SWAP_BLOCK) * SWAP_BLOCK, -(-columns // SWAP_BLOCK) * SWAP_BLOCK))
    sd[:, :rows, :columns] = np.sqrt(variance)
    blocks = sd.reshape(slices, sd.shape[1] // SWAP_BLOCK, SWAP_BLOCK, sd.shape[2] // SWAP_BLOCK, SWAP_BLOCK).sum((2, 4))
    return float(np.sum(blocks**2)) / float(np.count_nonzero(used)) ** 2


def _edge_variance(pdff: Floats, used: BoolArray, noise_variance: float, width: int) -> float:
    """Squared difference of a region's mean from that of its interior, less what noise explains; 0 without an interior."""
    interior = _interior(used, width)
    n, inside = int(np.count_nonzero(used)), int(np.count_nonzero(interior))
    if not inside or inside == n:
        return 0.0
    difference = float(pdff[used].mean() - pdff[interior].mean())
    by_noise = noise_variance * (1 / inside - 1 / n)
    return EDGE_SHARE**2 * max(difference**2 - by_noise, 0.0)


def _interior(region: BoolArray, width: int) -> BoolArray:
    """Voxels of a region at least so many voxels from its edge within the slice."""
    for _ in range(width):
        padded = np.pad(region, ((0, 0), (1, 1), (1, 1)))
        region = region & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1] & padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return region


def _sample_variance(maps: MapArrays, sample: Sample, used: BoolArray, noise: float, mean: float, width: int) -> float:
    """Variance of a sample's mean about that of the interior of its lobe."""
    if sample.lobe is not None:
        lobe = _interior(sample.lobe & maps.mask & np.isfinite(maps.pdff), width)
        found = variance_of_parts(maps.pdff.astype(np.float64), noise, lobe, used)
        if found is not None:
            return found
    return (ASSUMED_SHARE * mean) ** 2


def _bounding_box(region: BoolArray) -> tuple[slice, ...]:
    return tuple(slice(int(w.min()), int(w.max()) + 1) for w in np.nonzero(region))
