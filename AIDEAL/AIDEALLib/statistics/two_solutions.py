"""Fat fractions of a liver from magnitudes alone, both solutions of every voxel weighed.

Magnitudes fit almost as well with water and fat exchanged. The maps hold the likelier solution and the probability that it is
the wrong one; the distance of the other one follows from the standard deviations with and without it. In a liver, a fat
fraction above 50 % is rare, which decides voxels that the echoes and their neighbours leave open.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .map_arrays import BoolArray, FloatArray, MapArrays

ABOVE_HALF = 0.01
"""Probability that a fat fraction in a liver is above 50 %: an assumption, since such livers are exceptional."""
LEAST_PROBABILITY = 1e-9


@dataclass(frozen=True, eq=False)
class WeighedMaps:
    """Maps with both solutions weighed (`MapArrays`); every array is (slice, row, column).

    Attributes
    ----------
    pdff : np.ndarray, percent
        Expected fat fraction.
    pdff_sd, pdff_total_sd : np.ndarray, percentage points
        Standard deviation within the reported solution, and about the expected value.
    swap_probability : np.ndarray
        Probability of the less probable solution.
    r2star, water, fat, residual, mask : np.ndarray
        As in the maps.
    """

    pdff: FloatArray
    pdff_sd: FloatArray
    pdff_total_sd: FloatArray
    swap_probability: FloatArray
    r2star: FloatArray
    water: FloatArray
    fat: FloatArray
    residual: FloatArray
    mask: BoolArray


def weighed_as_liver(maps: MapArrays) -> WeighedMaps:
    """Expected fat fraction of each voxel, given that it is liver.

    Parameters
    ----------
    maps : MapArrays
        Maps of an estimate from magnitudes.

    Returns
    -------
    WeighedMaps
        `pdff` is the mean of both solutions by their probability, `pdff_total_sd` the standard deviation about it, and
        `swap_probability` that of the less probable solution.

    Notes
    -----
    With s the probability of the other solution and v the variance within the reported one, the stated total variance is
    v + s d^2 (both solutions taken to be equally precise), so that d = sqrt((total - v) / s). The other solution lies on the
    other side of 50 %. The prior multiplies the odds of a solution below by (1 - p) / p.
    """
    s = np.clip(maps.swap_probability.astype(np.float64), LEAST_PROBABILITY, 0.5)
    pdff, within = maps.pdff.astype(np.float64), maps.pdff_sd.astype(np.float64) ** 2
    beyond = np.maximum(maps.pdff_total_sd.astype(np.float64) ** 2 - within, 0.0)
    distance = np.where(maps.swap_probability > LEAST_PROBABILITY, np.sqrt(beyond / s), 0.0)
    other = np.where(pdff > 50, pdff - distance, pdff + distance)
    weights = [np.where(values > 50, ABOVE_HALF, 1 - ABOVE_HALF) for values in (pdff, other)]
    q = s * weights[1] / (s * weights[1] + (1 - s) * weights[0])
    return WeighedMaps(
        pdff=(1 - q) * pdff + q * other,
        pdff_sd=maps.pdff_sd,
        pdff_total_sd=np.sqrt(within + q * (1 - q) * distance**2),
        swap_probability=np.where(maps.swap_probability > 0, np.minimum(q, 1 - q), 0.0),
        r2star=maps.r2star,
        water=maps.water,
        fat=maps.fat,
        residual=maps.residual,
        mask=maps.mask,
    )
