"""Scans that stand apart from others of their protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

SDS_OF_MAD = 1.4826
"""Standard deviation of normally distributed values whose median absolute deviation is 1."""
FEWEST = 8
"""Scans of a protocol below which none is called an outlier."""
LIMIT = 4.5
"""Robust z from which a scan is an outlier: expected of one in 150,000 normally distributed values."""
LEAST_SPREAD = 0.1
"""Of a logarithm: scans that differ by less than a few tenths are alike, however closely the others agree."""
_SHIFT: dict[str, float] = {"pdff": 2.0, "r2star": 10.0, "sd": 0.2, "snr": 1.0, "residual": 0.5, "swap": 0.03}
"""Added to a quantity before its logarithm, in which scans of a population are spread evenly."""


def robust_z(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distance of logarithms from their median in robust standard deviations.

    Parameters
    ----------
    values : np.ndarray, shape (scan,)
        Logarithms; NaN where unknown.

    Returns
    -------
    np.ndarray, shape (scan,)
        0 where there are too few values.
    """
    known = np.isfinite(values)
    found = np.zeros(values.shape)
    if known.sum() < FEWEST:
        return found
    middle = np.median(values[known])
    spread = SDS_OF_MAD * np.median(np.abs(values[known] - middle))
    found[known] = (values[known] - middle) / max(spread, LEAST_SPREAD)
    return found


def distances(quantities: Mapping[str, Sequence[float | None]], protocols: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Robust z of each scan among those of its protocol.

    Parameters
    ----------
    quantities : Mapping of str to sequence of float
        Values by name of the quantity, one a scan; None where unknown.
    protocols : sequence of str
        Protocol of each scan.

    Returns
    -------
    dict of str to np.ndarray, shape (scan,)
    """
    groups = np.asarray(protocols)
    found = {}
    for name, values in quantities.items():
        known = np.array([np.nan if value is None else value for value in values], np.float64)
        logarithm = np.log(np.maximum(known, -0.9 * _SHIFT[name]) + _SHIFT[name])
        z = np.zeros(known.shape)
        for group in np.unique(groups):
            z[groups == group] = robust_z(logarithm[groups == group])
        found[name] = z
    return found
