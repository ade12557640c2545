"""Repeatability: how far values of one participant differ between sessions under the same conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .values import Value

FEWEST = 3


@dataclass(frozen=True)
class Repeated:
    """Repeated scans of participants, and the differences within them.

    Attributes
    ----------
    groups : tuple of tuple of Value
        Values of one participant under the same conditions, two or more.
    sd : float
        Within-subject standard deviation, percentage points.
    sd_low : float
        Lower end of its 95 % interval.
    sd_high : float
        Upper end.
    within_stated : float
        Share of the differences of first and second scan that the stated errors of both explain (95 % of them should be).
    """

    groups: tuple[tuple[Value, ...], ...]
    sd: float
    sd_low: float
    sd_high: float
    within_stated: float

    @property
    def coefficient(self) -> tuple[float, float, float]:
        """Repeatability coefficient, 1.96 sqrt(2) times the standard deviation, with the ends of its 95 % interval."""
        factor = 1.96 * 2**0.5
        return factor * self.sd, factor * self.sd_low, factor * self.sd_high

    @property
    def pairs(self) -> tuple[tuple[Value, Value], ...]:
        """First and second scan of each participant."""
        return tuple((group[0], group[1]) for group in self.groups)


def repeatability(values: Sequence[Value]) -> Repeated | None:
    """Within-subject standard deviation of participants who were scanned again under the same conditions.

    Parameters
    ----------
    values : sequence of Value
        Values of the cohort.

    Returns
    -------
    Repeated or None
        None where fewer than three participants were.

    Notes
    -----
    The variances within participants are pooled by their degrees of freedom; the interval follows from their chi-squared
    distribution.

    References
    ----------
    Bland and Altman, BMJ 1996;313:744. Obuchowski and Bullen, Stat Methods Med Res 2018;27:1857.
    """
    from scipy.stats import chi2

    groups: dict[tuple[object, ...], list[Value]] = defaultdict(list)
    for value in values:
        groups[value.participant, tuple(sorted(value.conditions.items()))].append(value)
    repeated = tuple(tuple(sorted(g, key=lambda v: (v.session, v.scan))) for g in groups.values() if len(g) > 1)
    if len(repeated) < FEWEST:
        return None
    squares = sum(float(np.var([v.pdff for v in group], ddof=1)) * (len(group) - 1) for group in repeated)
    freedom = sum(len(group) - 1 for group in repeated)
    low, high = (float(np.sqrt(squares / chi2.ppf(share, freedom))) for share in (0.975, 0.025))
    return Repeated(repeated, float(np.sqrt(squares / freedom)), low, high, _within(repeated))


def _within(groups: Sequence[Sequence[Value]]) -> float:
    difference = np.array([group[1].pdff - group[0].pdff for group in groups])
    error = np.array([np.hypot(group[0].error, group[1].error) for group in groups])
    known = np.isfinite(error) & (error > 0)
    return float(np.mean(np.abs(difference[known]) <= 1.96 * error[known])) if known.any() else float("nan")
