"""Mean weighted by the inverse variance."""

from __future__ import annotations

import numpy as np

from .map_arrays import FloatArray


def inverse_variance_mean(values: FloatArray, sd: FloatArray) -> tuple[float, float]:
    """Mean weighted by 1 / sd^2, and its standard error.

    Parameters
    ----------
    values : np.ndarray, any shape, float
        Measurements.
    sd : np.ndarray, same shape, float
        Their standard deviations. Values whose SD is not a positive number are left out.

    Returns
    -------
    mean : float
        Weighted mean; NaN when no value is left.
    standard_error : float
        1 / sqrt(sum 1 / sd^2); NaN when no value is left.

    Notes
    -----
    Closed form: the minimum-variance unbiased mean of independent measurements. Correlated errors make the true standard
    error larger.
    """
    good = np.isfinite(values) & np.isfinite(sd) & (sd > 0)
    if not np.any(good):
        return float("nan"), float("nan")
    smallest = float(sd[good].min())
    weights = (smallest / sd[good]) ** 2  # relative to the best voxel, so that no square overflows
    total = float(weights.sum())
    return float(np.sum(weights * values[good]) / total), smallest / float(np.sqrt(total))
