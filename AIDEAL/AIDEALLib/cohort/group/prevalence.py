"""Prevalence of steatosis by cut-off, with its interval from the uncertainty of every scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...statistics import CUTOFFS, Interval
from .values import Value


@dataclass(frozen=True)
class Prevalence:
    """Share of participants at or above a cut-off.

    Attributes
    ----------
    study : str
        Where the cut-off comes from.
    grade : int
        Grade that begins at it.
    cutoff : float
        PDFF in percent.
    participants : int
        Participants with a known error.
    counted : float
        Share whose estimate lies at or above the cut-off.
    expected : float
        Share expected from the probability of each participant.
    measured_low : float
        Lower end of the 95 % interval of the share of these participants, from the errors of their scans.
    measured_high : float
        Upper end.
    low : float
        Lower end of the 95 % interval for the population that they were drawn from.
    high : float
        Upper end.
    """

    study: str
    grade: int
    cutoff: float
    participants: int
    counted: float
    expected: float
    measured_low: float
    measured_high: float
    low: float
    high: float


def prevalences(values: Sequence[Value]) -> list[Prevalence]:
    """Prevalence at each published cut-off.

    Parameters
    ----------
    values : sequence of Value
        Values of the cohort; the first scan of each participant with a known error counts.

    Returns
    -------
    list of Prevalence
        Empty where no error is known.

    Notes
    -----
    The number of participants above a cut-off is a sum of independent draws with the probability of each (Poisson binomial
    distribution), which gives the interval of these participants. Drawing the participants as well makes it binomial with the
    mean probability, whose exact interval (Clopper and Pearson) is that of the population. A probability takes every true value
    for equally likely beforehand, so that errors spread the expected share towards the middle; compare it with the counted one.
    """
    first: dict[str, Value] = {}
    for value in sorted(values, key=lambda value: (value.session, value.scan)):
        if np.isfinite(value.error):
            first.setdefault(value.participant, value)
    if not first:
        return []
    intervals = [Interval(value.pdff, value.error) for value in first.values()]
    found = []
    for study, cutoffs in CUTOFFS.items():
        for grade, cutoff in enumerate((cutoffs.grade_1, cutoffs.grade_2, cutoffs.grade_3), start=1):
            above = np.array([1.0 - interval.below(cutoff) for interval in intervals])
            counted = float(np.mean([interval.value >= cutoff for interval in intervals]))
            shares = _ends(count_distribution(above)) / len(above)
            found.append(
                Prevalence(
                    study,
                    grade,
                    cutoff,
                    len(above),
                    counted,
                    float(above.mean()),
                    float(shares[0]),
                    float(shares[1]),
                    *_exact(float(above.sum()), len(above)),
                )
            )
    return found


def count_distribution(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Distribution of the number of successes of independent draws.

    Parameters
    ----------
    probabilities : np.ndarray, shape (draw,)
        Probability of success of each.

    Returns
    -------
    np.ndarray, shape (draw + 1,)
        Probability of each number.
    """
    from scipy.signal import fftconvolve

    parts = [np.array([1.0 - p, p]) for p in probabilities]
    while len(parts) > 1:
        joined = [np.maximum(fftconvolve(a, b), 0.0) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = joined + ([parts[-1]] if len(parts) % 2 else [])
    return parts[0] / parts[0].sum()


def _ends(distribution: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Numbers between which 95 % lie."""
    return np.searchsorted(np.cumsum(distribution), (0.025, 0.975)).astype(np.int64)


def _exact(successes: float, count: int) -> tuple[float, float]:
    from scipy.stats import beta

    low = float(beta.ppf(0.025, successes, count - successes + 1)) if successes > 0 else 0.0
    high = float(beta.ppf(0.975, successes + 1, count - successes)) if successes < count else 1.0
    return low, high
