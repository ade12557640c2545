"""Variance of the median of a region's voxels that correlated noise accounts for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .noise_correlation import NoiseCorrelation

Floats = npt.NDArray[np.float64]
NORMAL_IQR = 1.3489795003921634
"""Interquartile range of a standard normal variable."""


def robust_sd(values: Floats) -> float:
    """Standard deviation of normal values from their interquartile range; outlying values do not matter."""
    low, high = np.percentile(values, (25, 75))
    return float(high - low) / NORMAL_IQR


def median_noise_variance(values: Floats, noise_sd: Floats, correlation: NoiseCorrelation) -> float:
    """Variance of the median that noise accounts for.

    Parameters
    ----------
    values : np.ndarray, shape (voxel,)
        Values of the voxels.
    noise_sd : np.ndarray, shape (slice, row, column)
        Standard deviation of the noise of each voxel, 0 outside the region.
    correlation : NoiseCorrelation
        Correlation of the noise.

    Returns
    -------
    float

    Notes
    -----
    The median of normal values errs by the mean of their signs times T sqrt(pi / 2), T their standard deviation. Signs of two
    normal variables of correlation r have the covariance 2 / pi arcsin(r) (orthant probability). With noise of variance
    s^2 = x T^2 and correlation rho, and the rest of the values equal nearby, this leaves to the noise

        T^2 (arcsin(1 - (1 - rho) x) - arcsin(1 - x)),

    which is pi / 2 s^2 for rho = 1 where all spread is noise. Sheppard, Phil Trans R Soc A 1899;192:101.
    """
    n = values.size
    mean_square = float(np.sum(noise_sd * noise_sd)) / n
    if mean_square == 0:
        return 0.0
    spread = max(robust_sd(values), mean_square**0.5)
    share = mean_square / spread**2

    def of_pair(rho: Floats) -> Floats:
        result: Floats = np.arcsin(np.clip(1 - (1 - rho) * share, -1.0, 1.0)) - np.arcsin(1 - share)
        return result

    alone = float(of_pair(np.ones(1))[0])
    signs = NoiseCorrelation(of_pair(correlation.kernel) / alone)
    return spread**2 * alone / n * signs.inflation(noise_sd)
