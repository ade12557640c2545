"""Scores of a stated uncertainty on errors of known kind."""

from __future__ import annotations

import math

import numpy as np
import pytest

from AIDEALLib.benchmark.comparators.uncertainty import (
    KEPT,
    RegionPoint,
    VoxelErrors,
    area_above_oracle,
    error_left,
    regression,
    uncertainty_score,
)


@pytest.fixture
def error() -> np.ndarray:
    return np.abs(np.random.default_rng(0).normal(0, 4, 20_000))


def test_the_oracle_leaves_least_and_a_constant_leaves_the_mean(error: np.ndarray) -> None:
    oracle, constant = error_left(error, error), error_left(error, np.ones_like(error))
    assert (oracle[0], constant[0]) == pytest.approx((error.mean(), error.mean()))
    assert (np.diff(oracle) < 0).all()
    assert np.allclose(constant, error.mean(), rtol=0.06)
    middle = int(np.argmin(np.abs(KEPT - 0.5)))
    assert oracle[middle] == pytest.approx(np.sort(error)[: round(KEPT[middle] * error.size)].mean())


def test_relative_area_is_0_for_the_oracle_and_1_for_a_random_score(error: np.ndarray) -> None:
    assert area_above_oracle(error, error) == 0
    noise = np.random.default_rng(1).random(error.size)
    found = uncertainty_score("s", "d", "u", VoxelErrors(error, noise, None))
    assert found.relative_area == pytest.approx(1, abs=0.05)
    assert found.roc == pytest.approx(0.5, abs=0.02)
    assert math.isnan(found.coverage_68_percent)
    assert uncertainty_score("s", "d", "u", VoxelErrors(error, error, None)).roc == 1


def test_true_sd_covers_as_it_states_and_finds_part_of_the_errors() -> None:
    rng = np.random.default_rng(2)
    sd = rng.uniform(0.5, 8, 50_000)
    found = uncertainty_score("s", "d", "u", VoxelErrors(np.abs(rng.normal(0, sd)), sd, sd))
    assert found.coverage_68_percent == pytest.approx(68.3, abs=1)
    assert found.coverage_95_percent == pytest.approx(95, abs=1)
    assert 0 < found.relative_area < 0.7
    assert found.half_left < found.mean_error


def test_no_statement_has_no_score(error: np.ndarray) -> None:
    found = uncertainty_score("s", "d", "", VoxelErrors(error, None, None))
    assert found.mean_error == pytest.approx(error.mean())
    assert found.large_percent == pytest.approx(100 * (error > 5).mean())
    assert math.isnan(found.area) and math.isnan(found.roc)


def test_regression_finds_a_plane_and_no_relation_in_noise() -> None:
    rng = np.random.default_rng(3)
    error, iqr = rng.uniform(0, 5, 60), rng.uniform(1, 6, 60)
    plane = [RegionPoint("s", "d", e, i, 2 + 3 * e + i) for e, i in zip(error, iqr, strict=True)]
    found = regression(plane)
    assert found.r_squared == pytest.approx(1)
    assert found.p_value < 1e-6
    assert found.rank_correlation > 0.8
    unrelated = regression([RegionPoint("s", "d", e, i, v) for e, i, v in zip(error, iqr, rng.random(60), strict=True)])
    assert unrelated.p_value > 0.01
    assert math.isnan(regression(plane[:3]).r_squared)
