"""What a provenance states about shared errors, and what rows make of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.statistics import Measuring, ModelSpread, RunErrors, region_statistics

SPREAD = {"pdff": [0.0, 100.0], "r2star": [0.0, 100.0], "low": [[-1.0, -2.0], [-3.0, -4.0]], "high": [[0.5, 0.5], [0.5, 0.5]]}
PROVENANCE = {"noise_correlation": [[[1.0]]], "model_spread": SPREAD}


@dataclass(frozen=True)
class Arrays:
    pdff: npt.NDArray[np.float64]
    pdff_sd: npt.NDArray[np.float64]
    pdff_total_sd: npt.NDArray[np.float64]
    swap_probability: npt.NDArray[np.float64]
    r2star: npt.NDArray[np.float64]
    mask: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Fit:
    pdff: float
    pdff_error: float
    r2star_per_s: float
    weights: npt.NDArray[np.float64]


def test_model_spread_is_bilinear() -> None:
    spread = RunErrors.of(PROVENANCE).model
    assert isinstance(spread, ModelSpread)
    assert spread.range_of(50.0, 50.0) == pytest.approx((50 - 2.5, 50.5))
    assert spread.range_of(-5.0, 500.0) == pytest.approx((-7.0, -4.5))
    assert all(math.isnan(end) for end in spread.range_of(math.nan, 3.0))


def test_runs_without_shared_errors_state_none() -> None:
    errors = RunErrors.of({"noise_correlation": (), "model_spread": {}})
    assert errors.noise_correlation is None and errors.model is None
    assert RunErrors.of({}).noise_correlation is None


@pytest.mark.parametrize(("sd", "chosen"), [(1.0, "median"), (9.0, "joint")])
def test_the_joint_estimate_is_reported_where_voxels_are_noisy(sd: float, chosen: str) -> None:
    shape = (1, 20, 20)
    level = np.full(shape, sd)
    maps = Arrays(
        np.random.default_rng(0).normal(12, sd, shape),
        level,
        level,
        np.zeros(shape),
        np.full(shape, 50.0),
        np.ones(shape, bool),
    )
    row = region_statistics(
        maps,
        maps.mask,
        "lobe",
        Measuring(1.0, errors=RunErrors.of(PROVENANCE), joint=lambda used: Fit(12.5, 0.4, 600.0, used.astype(np.float64))),
    )
    assert row.reported_from == chosen
    value, error = (12.5, row.joint_error) if chosen == "joint" else (row.pdff_median, row.median_error)
    assert row.reported == value
    assert row.reported_high - row.reported_low == pytest.approx(2 * 1.959964 * error)
    assert row.joint_error >= 0.4 and row.joint_r2star == 600.0
    assert row.model_low < row.reported < row.model_high
    assert row.chance_s0 + row.chance_s1 + row.chance_s2 + row.chance_s3 == pytest.approx(1.0)
