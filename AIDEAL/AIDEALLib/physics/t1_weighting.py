"""T1 weighting of a spoiled gradient echo: how it changes PDFF, and the correction with literature values of T1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating]
Fraction = TypeVar("Fraction", float, Array)


@dataclass(frozen=True)
class T1Values:
    """T1 of water in liver and of fat, with the spread between people.

    Attributes
    ----------
    water_s, fat_s : float, seconds
        Means.
    water_sd_s, fat_sd_s : float, seconds
        Standard deviations.
    """

    water_s: float
    fat_s: float
    water_sd_s: float
    fat_sd_s: float


T1_BY_FIELD_T: dict[float, T1Values] = {
    1.5: T1Values(0.586, 0.343, 0.039, 0.037),
    3.0: T1Values(0.809, 0.382, 0.071, 0.013),
}
"""Liver and subcutaneous fat: de Bazelaire et al., Radiology 2004;230:652."""
SPREAD_OF_OCTAVE = 0.15
"""Share of T1 added to its SD for each doubling or halving of the field beyond those measured: an assumption."""


def t1_values(field_strength_t: float) -> T1Values:
    """T1 at a field strength: a power of it through the measured values.

    Parameters
    ----------
    field_strength_t : float, tesla
        Main field.

    Returns
    -------
    T1Values
        As measured at the fields of `T1_BY_FIELD_T`; beyond them with a larger spread.

    References
    ----------
    T1 as a power of the field: Bottomley et al., Med Phys 1984;11:425.
    """
    low_t, high_t = min(T1_BY_FIELD_T), max(T1_BY_FIELD_T)
    low, high = T1_BY_FIELD_T[low_t], T1_BY_FIELD_T[high_t]
    octaves = math.log2(high_t / low_t)
    place = math.log2(field_strength_t / low_t) / octaves
    inside = min(max(place, 0.0), 1.0)
    beyond = abs(place - inside) * octaves * SPREAD_OF_OCTAVE

    def at(a: float, b: float, sd_a: float, sd_b: float) -> tuple[float, float]:
        mean = a * (b / a) ** place
        return mean, mean * math.hypot((1 - inside) * sd_a / a + inside * sd_b / b, beyond)

    water_s, water_sd_s = at(low.water_s, high.water_s, low.water_sd_s, high.water_sd_s)
    fat_s, fat_sd_s = at(low.fat_s, high.fat_s, low.fat_sd_s, high.fat_sd_s)
    return T1Values(water_s, fat_s, water_sd_s, fat_sd_s)


def steady_state(flip_angle_deg: float, repetition_time_s: float, t1_s: float) -> float:
    """Signal of a spoiled gradient echo in the steady state, as a share of the magnetisation.

    Parameters
    ----------
    flip_angle_deg : float, degrees
        Flip angle.
    repetition_time_s : float, seconds
        Repetition time.
    t1_s : float, seconds
        Longitudinal relaxation time.

    Returns
    -------
    float
        sin a (1 - E) / (1 - E cos a), E = exp(-TR / T1).

    References
    ----------
    Ernst and Anderson, Rev Sci Instrum 1966;37:93.
    """
    angle, e = math.radians(flip_angle_deg), math.exp(-repetition_time_s / t1_s)
    return math.sin(angle) * (1 - e) / (1 - e * math.cos(angle))


@dataclass(frozen=True)
class T1Weighting:
    """Weight of water over that of fat under a protocol.

    Attributes
    ----------
    ratio : float
        Steady-state signal of water over that of fat, 1 without T1 weighting.
    ratio_sd : float
        Standard deviation of `ratio` from the spread of T1 between people.
    """

    ratio: float
    ratio_sd: float

    @classmethod
    def of(cls, flip_angle_deg: float, repetition_time_s: float, field_strength_t: float) -> T1Weighting:
        """T1 weighting of a protocol, with T1 of its field strength (`t1_values`).

        Parameters
        ----------
        flip_angle_deg : float, degrees
            Flip angle.
        repetition_time_s : float, seconds
            Repetition time.
        field_strength_t : float, tesla
            Main field.

        Returns
        -------
        T1Weighting
            The weighting.
        """
        t1 = t1_values(field_strength_t)

        def ratio(water_s: float, fat_s: float) -> float:
            return steady_state(flip_angle_deg, repetition_time_s, water_s) / steady_state(
                flip_angle_deg, repetition_time_s, fat_s
            )

        by_water = (ratio(t1.water_s + t1.water_sd_s, t1.fat_s) - ratio(t1.water_s - t1.water_sd_s, t1.fat_s)) / 2
        by_fat = (ratio(t1.water_s, t1.fat_s + t1.fat_sd_s) - ratio(t1.water_s, t1.fat_s - t1.fat_sd_s)) / 2
        return cls(ratio(t1.water_s, t1.fat_s), math.hypot(by_water, by_fat))

    def apparent(self, pdff_percent: Fraction) -> Fraction:
        """PDFF (percent) that a true one reads under the weighting."""
        f = pdff_percent / 100
        return 100 * f / (f + (1 - f) * self.ratio)

    def corrected(self, pdff_percent: Array) -> Array:
        """PDFF (percent) without the weighting: the inverse of `apparent`."""
        f = pdff_percent / 100
        return 100 * f * self.ratio / self._denominator(f)

    def corrected_sd(self, pdff_percent: Array, sd_points: Array) -> Array:
        """Standard deviation (points) of the corrected PDFF, with the uncertainty of T1 (delta method)."""
        f = pdff_percent / 100
        squared = np.square(self._denominator(f))
        by_noise = sd_points * self.ratio / squared
        by_t1 = 100 * f * (1 - f) / squared * self.ratio_sd
        return np.hypot(by_noise, by_t1)

    def _denominator(self, f: Array) -> Array:
        # Noise puts fractions beyond 0 and 1; the correction is not to blow up there.
        return np.maximum(f * self.ratio + (1 - f), 0.2)
