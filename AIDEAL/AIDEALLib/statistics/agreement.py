"""Agreement of two measurements of the same voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .map_arrays import FloatArray


@dataclass(frozen=True)
class Agreement:
    """Bias and limits of agreement, in the unit of the values.

    Attributes
    ----------
    voxels : int
        Number of voxels.
    bias : float
        Mean of the differences.
    sd : float
        Standard deviation (n - 1) of the differences.
    lower_limit : float
        bias - 1.96 sd.
    upper_limit : float
        bias + 1.96 sd.
    """

    voxels: int
    bias: float
    sd: float
    lower_limit: float
    upper_limit: float


def bland_altman(values: FloatArray, reference: FloatArray) -> Agreement:
    """Bias and 95 % limits of agreement of values minus reference.

    Parameters
    ----------
    values : np.ndarray, any shape, float
        Measurements.
    reference : np.ndarray, same shape, float
        Measurements to compare with.

    Returns
    -------
    Agreement
        NaN without voxels.

    Raises
    ------
    ValueError
        The shapes differ.

    Notes
    -----
    The limits, mean difference -+ 1.96 SD, take differences for normally distributed.

    References
    ----------
    Bland and Altman, Lancet 1986;327:307.
    """
    if values.shape != reference.shape:
        raise ValueError(f"values have shape {values.shape}, the reference {reference.shape}")
    difference = (values.astype(np.float64) - reference).ravel()
    bias = float(np.mean(difference)) if difference.size else float("nan")
    sd = float(np.std(difference, ddof=1)) if difference.size > 1 else float("nan")
    return Agreement(difference.size, bias, sd, bias - 1.96 * sd, bias + 1.96 * sd)
