"""How well a stated probability detects errors: ROC area, reliability, sensitivity at a share of the area flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats

Numbers = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]

EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Bins of a probability; narrow near 0, where nearly all voxels lie."""


def roc_area(score: Numbers, wrong: Bools) -> float:
    """Area under the ROC curve, ties counting half (Mann and Whitney 1947); NaN unless there are wrong and right voxels."""
    n_wrong = int(wrong.sum())
    n_right = wrong.size - n_wrong
    if not n_wrong or not n_right:
        return float("nan")
    ranks = scipy.stats.rankdata(score)
    return float((ranks[wrong].sum() - n_wrong * (n_wrong + 1) / 2) / (n_wrong * n_right))


def caught_percent(score: Numbers, wrong: Bools, area_percent: float) -> float:
    """Share of the wrong voxels that lie among those of highest score.

    Parameters
    ----------
    score : numpy.ndarray, shape (voxel,)
        Score; high where an error is probable.
    wrong : numpy.ndarray, shape (voxel,), bool
        Voxels with an error.
    area_percent : float
        Share of all voxels that is flagged, percent.

    Returns
    -------
    float
        Percent; voxels of equal score at the limit count in proportion. NaN when no voxel is wrong.
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
    """Voxels of one bin of the stated probability.

    Attributes
    ----------
    sample : str
        Name of the sample.
    low : float
        Lower edge of the bin.
    high : float
        Upper edge of the bin.
    voxels : int
        Number of voxels.
    stated_percent : float
        Mean stated probability.
    found_percent : float
        Share that is wrong.
    found_wrong_mode_percent : float
        Share in a wrong mode.
    """

    sample: str
    low: float
    high: float
    voxels: int
    stated_percent: float
    found_percent: float
    found_wrong_mode_percent: float


def reliability(sample: str, probability: Numbers, wrong: Bools, wrong_mode: Bools) -> list[Reliability]:
    """Compare stated with observed frequencies.

    Parameters
    ----------
    sample : str
        Name of the sample.
    probability : numpy.ndarray, shape (voxel,)
        Stated probability, 0 to 1.
    wrong : numpy.ndarray, shape (voxel,), bool
        Voxels with an error.
    wrong_mode : numpy.ndarray, shape (voxel,), bool
        Voxels in a wrong mode.

    Returns
    -------
    list of Reliability
        One row per bin of `EDGES` that has voxels.
    """
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
    """How P(swap) ranks the swapped voxels of the body.

    Attributes
    ----------
    method : str
        Name of the method.
    scene : str
        Name of the scene.
    protocol : str
        Name of the protocol.
    swapped_voxels : int
        Number of swapped voxels.
    roc_area : float
        Area under the ROC curve of swaps, 0 to 1.
    caught_percent : float
        Share of swaps flagged at 3 % of the area.
    wrong_mode_voxels : int
        Number of swapped voxels whose error noise does not explain.
    wrong_mode_roc_area : float
        Area under the ROC curve of wrong modes, 0 to 1.
    wrong_mode_caught_percent : float
        Share of wrong modes flagged at 3 % of the area.
    region_voxels : int
        Number of voxels in swapped regions (`Voxels.in_swapped_region`).
    region_caught_percent : float
        Share of these flagged at 5 % of the area.
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
    region_voxels: int
    region_caught_percent: float


@dataclass(frozen=True)
class LimitPoint:
    """Voxels that a limit flags.

    Attributes
    ----------
    measure : str
        Quantity that is limited.
    region : str
        Name of the region.
    limit : float
        The limit.
    flagged_percent : float
        Share of all voxels that is flagged.
    large_errors_caught_percent : float
        Share of the large errors that is flagged.
    swaps_caught_percent : float
        Share of the swaps that is flagged.
    wrong_modes_caught_percent : float
        Share of the wrong modes that is flagged.
    left_large_errors_percent : float
        Share of large errors among the voxels that are not flagged.
    """

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
    """Count the errors that a flag catches.

    Parameters
    ----------
    measure : str
        Quantity that is limited.
    region : str
        Name of the region.
    limit : float
        The limit.
    flagged : numpy.ndarray, shape (voxel,), bool
        Voxels beyond the limit.
    large : numpy.ndarray, shape (voxel,), bool
        Voxels with a large error.
    swapped : numpy.ndarray, shape (voxel,), bool
        Swapped voxels.
    wrong_mode : numpy.ndarray, shape (voxel,), bool
        Voxels in a wrong mode.

    Returns
    -------
    LimitPoint
        Shares; NaN of an empty set.
    """

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
