"""Agreement of methods, scanners, readers or protocols on the same participants."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...statistics import Agreement, bland_altman
from .values import Value

FEWEST = 3


@dataclass(frozen=True)
class Compared:
    """Two levels of a condition, on participants that have both.

    Attributes
    ----------
    condition : str
        What differs, such as 'scanner' or 'method'.
    first : str
        Level that is taken for the reference.
    second : str
        The other one.
    pairs : tuple of tuple of Value
        Values at both levels.
    agreement : Agreement
        Bias and limits of second minus first.
    bias_error : float
        Standard error of the bias.
    limit_error : float
        Standard error of each limit.
    """

    condition: str
    first: str
    second: str
    pairs: tuple[tuple[Value, Value], ...]
    agreement: Agreement
    bias_error: float
    limit_error: float

    def interval(self, value: float, error: float) -> tuple[float, float]:
        """95 % interval of the bias or of a limit, from the t distribution."""
        from scipy.stats import t

        half = float(t.ppf(0.975, len(self.pairs) - 1)) * error
        return value - half, value + half


def comparisons(values: Sequence[Value]) -> list[Compared]:
    """Agreement of each two levels of each condition that participants have both of.

    Parameters
    ----------
    values : sequence of Value
        Values of the cohort.

    Returns
    -------
    list of Compared
        Those with most pairs first; a participant counts once in each.

    Notes
    -----
    A pair is of one session where both levels have one. A condition whose levels come with other levels of another condition,
    as protocols do with scanners, is listed for each.

    References
    ----------
    Bland and Altman, Stat Methods Med Res 1999;8:135, for the errors of the limits.
    """
    found = []
    names = sorted({name for value in values for name in value.conditions})
    for condition in names:
        levels = sorted({value.conditions.get(condition, "") for value in values} - {""})
        for first, second in combinations(levels, 2):
            pairs = _pairs(values, condition, first, second)
            if len(pairs) >= FEWEST:
                found.append(_compared(condition, first, second, pairs))
    return sorted(found, key=lambda compared: -len(compared.pairs))


def _pairs(values: Sequence[Value], condition: str, first: str, second: str) -> list[tuple[Value, Value]]:
    by_participant: dict[str, tuple[list[Value], list[Value]]] = defaultdict(lambda: ([], []))
    for value in values:
        level = value.conditions.get(condition, "")
        if level in (first, second):
            by_participant[value.participant][level == second].append(value)
    pairs = []
    for a, b in by_participant.values():
        if a and b:
            ordered = [sorted(group, key=lambda value: (value.session, value.scan)) for group in (a, b)]
            same = ((x, y) for x in ordered[0] for y in ordered[1] if x.session == y.session)
            pairs.append(next(same, (ordered[0][0], ordered[1][0])))
    return pairs


def _compared(condition: str, first: str, second: str, pairs: Sequence[tuple[Value, Value]]) -> Compared:
    before, after = (np.array([pair[n].pdff for pair in pairs]) for n in (0, 1))
    agreement, count = bland_altman(after, before), len(pairs)
    bias_error = agreement.sd / np.sqrt(count)
    limit_error = agreement.sd * np.sqrt(1 / count + 1.96**2 / (2 * (count - 1)))
    return Compared(condition, first, second, tuple(pairs), agreement, float(bias_error), float(limit_error))
