"""How well a stated probability finds what went wrong: ROC area, reliability, share caught at a share of the area flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats

Numbers = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Bins of a probability: fine near 0, where nearly all voxels are."""


def roc_area(score: Numbers, wrong: Bools) -> float:
    """Chance that a wrong voxel scores above a right one, ties counting half (Mann and Whitney); NaN without either kind."""
    n_wrong = int(wrong.sum())
    n_right = wrong.size - n_wrong
    if not n_wrong or not n_right:
        return float("nan")
    ranks = scipy.stats.rankdata(score)
    return float((ranks[wrong].sum() - n_wrong * (n_wrong + 1) / 2) / (n_wrong * n_right))


def caught_percent(score: Numbers, wrong: Bools, area_percent: float) -> float:
    """Share of wrong voxels among the highest-scoring `area_percent` of all, in percent.

    Voxels that tie at the border of that area count by the share of them that still fits; NaN when none is wrong.
    """
    if not wrong.any():
        return float("nan")
    room = score.size * area_percent / 100
    limit = np.sort(score)[::-1][min(round(room), score.size - 1)]
    above, tied = score > limit, score == limit
    share = min(max((room - above.sum()) / tied.sum(), 0.0), 1.0)
    return float(100 * (wrong[above].sum() + share * wrong[tied].sum()) / wrong.sum())


@dataclass(frozen=True)
class Reliability:
    """Voxels whose stated probability lies from `low` to `high`: how many, their mean, and how many were wrong (percent)."""

    sample: str
    low: float
    high: float
    voxels: int
    stated_percent: float
    found_percent: float
    found_wrong_mode_percent: float


def reliability(sample: str, probability: Numbers, wrong: Bools, wrong_mode: Bools) -> list[Reliability]:
    """One row a bin of `EDGES` that has voxels."""
    rows = []
    index = np.clip(np.digitize(probability, EDGES) - 1, 0, len(EDGES) - 2)
    for k in range(len(EDGES) - 1):
        inside = index == k
        if inside.any():
            stated, found, mode = (float(100 * values[inside].mean()) for values in (probability, wrong, wrong_mode))
            rows.append(Reliability(sample, EDGES[k], EDGES[k + 1], int(inside.sum()), stated, found, mode))
    return rows


@dataclass(frozen=True)
class Detection:
    """How P(swap) ranks the swapped voxels of the body; areas under the ROC curve from 0 to 1, shares in percent.

    `wrong_mode` entries count only voxels further off than noise explains; `caught` is at 3 % of the area flagged.
    """

    method: str
    scene: str
    protocol: str
    swapped_voxels: int
    roc_area: float
    caught_percent: float
    wrong_mode_voxels: int
    wrong_mode_roc_area: float
    wrong_mode_caught_percent: float


@dataclass(frozen=True)
class LimitPoint:
    """What a limit flags: share of the area, and of the voxels that are wrong, in percent."""

    measure: str
    region: str
    limit: float
    flagged_percent: float
    large_errors_caught_percent: float
    swaps_caught_percent: float
    wrong_modes_caught_percent: float
    left_large_errors_percent: float


def limit_point(
    measure: str, region: str, limit: float, flagged: Bools, large: Bools, swapped: Bools, wrong_mode: Bools
) -> LimitPoint:
    """Count what a flag catches; `left_large_errors_percent` is the share of large errors among what is not flagged."""

    def share(of: Bools, among: Bools) -> float:
        return float(100 * of[among].mean()) if among.any() else float("nan")

    return LimitPoint(
        measure,
        region,
        limit,
        share(flagged, np.ones_like(flagged)),
        share(flagged, large),
        share(flagged, swapped),
        share(flagged, wrong_mode),
        share(large, ~flagged),
    )
