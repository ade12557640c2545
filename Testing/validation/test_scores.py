"""Figures of the validation against brute force, hand calculation and independent solvers."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats

from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.validation.detection import EDGES, caught_percent, limit_point, reliability, roc_area
from AIDEALLib.validation.repeatability import agreement
from AIDEALLib.validation.rois import square_rois
from AIDEALLib.validation.scores import summary, within_chance
from AIDEALLib.validation.sensitivity import pdff_errors
from AIDEALLib.validation.spread import RoiSpread, regression
from AIDEALLib.validation.voxels import Voxels, joined, wrapped


def some_voxels(n: int = 6, **changes: object) -> Voxels:
    zero = np.zeros(n, np.float32)
    values = {
        "pdff": zero + 10,
        "true_pdff": zero + 10,
        "pdff_sd": zero + 2,
        "total_sd": zero + 3,
        "swap_probability": zero,
        "field_off_hz": zero,
        "swap_hz": zero + 200,
        "r2star": zero + 44,
        "true_r2star": zero + 40,
        "pdff_bound": zero + 2,
        "field_bound": zero + 10,
        "label": np.ones(n, np.uint8),
        "place": np.arange(n),
        "shape": (1, 1, n),
        "label_names": {1: "Right lobe"},
        "method": "refined",
        "left_out": 0,
    }
    return Voxels(**(values | changes))


def test_swapped_region_is_a_set_of_adjacent_swapped_voxels_of_one_slice():
    off = np.array([[[1, 1, 0, 1], [1, 0, 0, 1]], [[0, 0, 1, 0], [0, 1, 0, 0]]], np.float32).ravel() * 150
    voxels = some_voxels(16, field_off_hz=off, shape=(2, 2, 4))
    assert voxels.in_swapped_region(3).nonzero()[0].tolist() == [0, 1, 4]
    assert voxels.in_swapped_region(2).nonzero()[0].tolist() == [0, 1, 3, 4, 7]


def test_roc_area_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    score, wrong = np.round(rng.random(80), 1), rng.random(80) < 0.3
    pairs = score[wrong][:, None] - score[~wrong][None]
    assert roc_area(score, wrong) == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))
    assert math.isnan(roc_area(score, np.zeros(80, bool)))


def test_caught_at_a_share_of_the_area():
    score, wrong = np.arange(100.0), np.zeros(100, bool)
    wrong[[99, 98, 60, 10]] = True
    assert caught_percent(score, wrong, 3.0) == pytest.approx(50)
    assert caught_percent(score, wrong, 40.0) == pytest.approx(75)
    assert caught_percent(np.zeros(100), wrong, 3.0) == pytest.approx(3), "ties everywhere: what chance would catch"
    assert math.isnan(caught_percent(score, np.zeros(100, bool), 3.0))


def test_reliability_counts_every_voxel_once_and_sees_calibration():
    rng = np.random.default_rng(1)
    probability = rng.random(40_000) ** 3
    wrong = rng.random(40_000) < probability
    rows = reliability("all", probability, wrong, wrong)
    assert sum(row.voxels for row in rows) == 40_000
    assert {(row.low, row.high) for row in rows} == set(pairwise(EDGES))
    for row in rows:
        chance = 100 * math.sqrt(max(row.stated_percent / 100 * (1 - row.stated_percent / 100), 1e-6) / row.voxels)
        assert abs(row.found_percent - row.stated_percent) < 5 * chance + 0.1
    certain = reliability("edge", np.array([1.0]), np.array([True]), np.array([False]))
    assert (certain[0].high, certain[0].found_percent, certain[0].found_wrong_mode_percent) == (1.0, 100, 0)


def test_a_limit_counts_what_it_flags():
    flagged, large = np.array([1, 1, 0, 0, 0], bool), np.array([1, 0, 1, 0, 0], bool)
    found = limit_point("SD", "body", 5.0, flagged, large, large, np.zeros(5, bool))
    assert found.flagged_percent == pytest.approx(40)
    assert found.large_errors_caught_percent == found.swaps_caught_percent == pytest.approx(50)
    assert found.left_large_errors_percent == pytest.approx(100 / 3)
    assert math.isnan(found.wrong_modes_caught_percent)


def test_swaps_wrong_modes_and_confident_errors():
    off = np.array([0, 99, 101, -150, 101, 0], np.float32)
    bound = np.array([10, 10, 10, 10, 50, 10], np.float32)
    pdff = np.array([10, 10, 10, 10, 33, 23], np.float32)
    voxels = some_voxels(field_off_hz=off, field_bound=bound, pdff=pdff)
    assert voxels.swapped.tolist() == [False, False, True, True, True, False]
    assert voxels.wrong_mode.tolist() == [False, False, True, True, False, False], "at a bound of 50 Hz noise explains 101"
    assert voxels.confidently_wrong.tolist() == [False] * 4 + [True, False]
    assert replace(voxels, total_sd=np.full(6, 6, np.float32)).confidently_wrong.sum() == 0
    found = summary(voxels, "liver")
    assert (found.swap_percent, found.wrong_mode_percent) == (pytest.approx(50), pytest.approx(100 / 3))
    assert found.r2star_bias_percent == pytest.approx(10)
    assert found.coverage_68_percent == pytest.approx(100 * 4 / 6)
    assert math.isnan(summary(voxels.segment("Spleen"), "spleen").median_bias)


def test_coverage_of_normal_errors_is_nominal():
    rng = np.random.default_rng(2)
    sd = rng.uniform(0.5, 5, 100_000).astype(np.float32)
    error = (sd * rng.standard_normal(100_000)).astype(np.float32)
    voxels = some_voxels(100_000, pdff=10 + error, pdff_sd=sd)
    found = summary(voxels, "all")
    assert found.coverage_68_percent == pytest.approx(68, abs=0.6)
    assert found.coverage_95_percent == pytest.approx(95, abs=0.3)


def test_standard_error_of_the_median_is_its_spread_over_many_samples():
    rng = np.random.default_rng(3)
    errors = rng.exponential(4.0, (400, 900)).astype(np.float32)  # skewed, as in iron
    rows = [summary(some_voxels(900, pdff=10 + error), "all") for error in errors]
    spread = np.std([row.median_bias for row in rows])
    assert np.mean([row.median_bias_se for row in rows]) == pytest.approx(spread, rel=0.1)
    row, bias = rows[0], abs(rows[0].median_bias)
    assert within_chance(row, bias - row.median_bias_se)
    assert not within_chance(row, bias - 3 * row.median_bias_se)


def test_voxels_go_back_to_their_place():
    voxels = some_voxels(3, place=np.array([1, 4, 5]), shape=(1, 2, 3), pdff=np.array([1, 2, 3], np.float32))
    image = voxels.where(np.array([True, False, True])).image(np.array([7.0, 8.0]))
    assert np.array_equal(image, [[[np.nan, 7, np.nan], [np.nan, np.nan, 8]]], equal_nan=True)
    both = joined([voxels, replace(voxels, left_out=4)])
    assert (len(both), both.left_out) == (6, 4)
    assert wrapped(np.array([0.0, 260.0, -740.0]), 500.0).tolist() == [0, -240, 260 - 500]


def test_a_swap_is_counted_by_the_shift_of_its_own_scan():
    off = np.array([30.0, 60.0, 120.0], np.float32)
    near, far = (some_voxels(3, field_off_hz=off, swap_hz=np.full(3, hz, np.float32)) for hz in (90, 200))
    assert joined([far, near]).swapped.tolist() == [False, False, True, False, True, True]


def test_squares_lie_inside_the_lobe_off_its_edges():
    label = np.zeros((2, 80, 80), np.uint8)
    label[0, 10:40, 20:50] = 1
    label[0, 24, 34] = 0  # a vessel in its middle
    label[1, 70:73, 70:73] = 1  # too small
    voxels = some_voxels(label.size, label=label.ravel(), place=np.arange(label.size), shape=label.shape)
    (square,) = square_rois(voxels, "Right lobe")
    rows, columns = np.nonzero(square.reshape(label.shape)[0])
    side = np.ptp(rows) + 1
    assert square.sum() == side**2 and side == np.ptp(columns) + 1 == 3, "17/384 of 80 pixels is 3.5; whole odd pixels"
    assert (voxels.label[square] == 1).all()
    grown = label[0, rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2]
    assert grown.all()


def test_regression_against_permutations():
    rng = np.random.default_rng(3)
    error, spread = rng.random(40), rng.random(40)
    variance = 1 + 0.8 * error + 0.5 * spread + 0.6 * rng.standard_normal(40)

    def rows(values: np.ndarray) -> list[RoiSpread]:
        return [RoiSpread("p", "0", "Right lobe", 9, *triple) for triple in zip(values, error, spread, strict=True)]

    found = regression("all", rows(variance))
    fitted = found.per_error * error + found.per_range * spread
    assert found.r_squared == pytest.approx(np.corrcoef(fitted, variance)[0, 1] ** 2)
    by_chance = [regression("", rows(rng.permutation(variance))).r_squared >= found.r_squared for _ in range(2000)]
    low, high = scipy.stats.binomtest(sum(by_chance), 2000).proportion_ci(0.9999)
    assert low <= found.p_value <= high
    exact = regression("exact", rows(1 + 2 * error + 3 * spread))
    assert (exact.r_squared, exact.per_error, exact.per_range) == pytest.approx((1, 2, 3))
    assert math.isnan(regression("few", rows(variance)[:4]).p_value)


def test_agreement_by_hand():
    found = agreement("repeated", "square", [10.0, 20.0, 30.0], [11.0, 20.0, 32.0])
    assert (found.bias, found.sd) == pytest.approx((1.0, 1.0))
    assert (found.lower, found.upper) == pytest.approx((1 - 1.96, 1 + 1.96))
    assert (found.slope, found.intercept) == pytest.approx((1.05, 0.0))
    assert math.isnan(agreement("repeated", "square", [1.0], [2.0]).bias)


@pytest.mark.parametrize("pdff", [5.0, 50.0, 95.0])
def test_sensitivity_against_a_direct_solution(pdff):
    """Complex least squares on the echoes by numpy, field and R2* held off; nothing when they are right."""
    te = np.asarray(PAPER.te_s)[:, None]
    shifts, amplitudes = np.asarray(SIX_PEAK.shifts_hz(1.5)), np.asarray(SIX_PEAK.amplitudes)
    fat = (np.exp(2j * np.pi * te * shifts) * amplitudes).sum(1)
    signal = (1 - pdff / 100 + pdff / 100 * fat) * np.exp(-40 * te[:, 0])
    for field, decay in ((12.0, 0.0), (0.0, 25.0), (-20.0, -10.0)):
        model = np.stack([np.ones(6), fat], 1) * np.exp((2j * np.pi * field - 40 - decay) * te)
        water_fat = np.linalg.lstsq(model, signal, rcond=None)[0]
        expected = 100 * (water_fat[1] / water_fat.sum()).real - pdff
        assert pdff_errors(PAPER, pdff, np.array([field]), np.array([decay]))[0, 0] == pytest.approx(expected, abs=1e-6)
    assert np.abs(pdff_errors(PAPER, pdff, np.zeros(1), np.zeros(1))).max() < 1e-9
