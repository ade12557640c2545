"""Region statistics say what numpy says, count what they leave out, and do not fall over nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from AIDEALLib.statistics import (
    TANG_2013,
    TANG_2015,
    LowConfidence,
    bland_altman,
    circle_roi,
    inverse_variance_mean,
    liver_lobes,
    region_statistics,
    segment_statistics,
    square_roi,
)

SHAPE = (2, 8, 10)


@dataclass(frozen=True)
class Arrays:
    pdff: npt.NDArray[np.float32]
    pdff_total_sd: npt.NDArray[np.float32]
    swap_probability: npt.NDArray[np.float32]
    r2star: npt.NDArray[np.float32]
    mask: npt.NDArray[np.bool_]


@pytest.fixture
def maps() -> Arrays:
    rng = np.random.default_rng(3)
    return Arrays(
        rng.normal(8, 3, SHAPE).astype(np.float32),
        rng.uniform(0.5, 3, SHAPE).astype(np.float32),
        np.zeros(SHAPE, np.float32),
        rng.uniform(20, 60, SHAPE).astype(np.float32),
        np.ones(SHAPE, np.bool_),
    )


@settings(max_examples=50, deadline=None)
@given(
    pdff=st_numpy.arrays(np.float32, SHAPE, elements=st.floats(-10, 110, width=32)),
    sd=st_numpy.arrays(np.float32, SHAPE, elements=st.floats(0.125, 50, width=32)),
    region=st_numpy.arrays(np.bool_, SHAPE),
)
def test_numbers_equal_those_of_numpy(
    pdff: npt.NDArray[np.float32], sd: npt.NDArray[np.float32], region: npt.NDArray[np.bool_]
) -> None:
    region[0, 0, :2] = True
    maps = Arrays(pdff, sd, np.zeros(SHAPE, np.float32), 2 * sd, np.ones(SHAPE, np.bool_))
    row = region_statistics(maps, region, "x", voxel_volume_ml=0.5)
    values, spreads = pdff[region].astype(float), sd[region].astype(float)
    assert row.voxels == row.used_voxels == np.count_nonzero(region)
    assert row.volume_ml == 0.5 * row.voxels
    assert row.pdff_mean == pytest.approx(np.mean(values), abs=1e-9)
    assert row.pdff_sd == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert row.pdff_median == pytest.approx(np.median(values), abs=1e-9)
    assert row.pdff_iqr == pytest.approx(np.subtract(*np.percentile(values, [75, 25])), abs=1e-9)
    assert row.stated_sd_mean == pytest.approx(np.mean(spreads))
    assert row.weighted_mean == pytest.approx(np.average(values, weights=spreads**-2.0), abs=1e-6)
    assert row.weighted_standard_error == pytest.approx(np.sum(spreads**-2.0) ** -0.5)
    assert values.min() - 1e-6 <= row.weighted_mean <= values.max() + 1e-6
    assert row.r2star_mean == pytest.approx(2 * row.stated_sd_mean)


def test_weighted_standard_error_is_that_of_repeated_measurements() -> None:
    rng = np.random.default_rng(5)
    sd = rng.uniform(0.5, 4, 40)
    means = [inverse_variance_mean(rng.normal(7, sd), sd)[0] for _ in range(4000)]
    assert np.mean(means) == pytest.approx(7, abs=0.02)
    assert np.std(means) == pytest.approx(inverse_variance_mean(sd, sd)[1], rel=0.04)


def test_voxels_outside_the_foreground_are_counted_and_left_out(maps: Arrays) -> None:
    mask = maps.mask.copy()
    mask[0, :, :5] = False
    pdff = maps.pdff.copy()
    pdff[0, 0, 5] = np.nan
    region = np.zeros(SHAPE, np.bool_)
    region[0] = True
    row = region_statistics(replace(maps, mask=mask, pdff=pdff), region, "x", voxel_volume_ml=1.0)
    assert (row.voxels, row.used_voxels) == (80, 39)
    assert row.outside_percent == pytest.approx(100 * 41 / 80)
    assert row.volume_ml == 80
    assert row.pdff_mean == pytest.approx(np.nanmean(np.where(mask[0], pdff[0], np.nan)), rel=1e-6)


def test_low_confidence_is_counted_and_excluded_on_request(maps: Arrays) -> None:
    swap, sd, pdff = maps.swap_probability.copy(), maps.pdff_total_sd.copy(), maps.pdff.copy()
    swap[0, 0], sd[0, 1], sd[0, 2, 0] = 0.3, 9.0, np.nan
    pdff[0, :2] = 90
    spoiled = replace(maps, swap_probability=swap, pdff_total_sd=sd, pdff=pdff)
    every = np.ones(SHAPE, np.bool_)
    row = region_statistics(spoiled, every, "x", voxel_volume_ml=1.0)
    assert row.low_confidence_percent == pytest.approx(100 * 21 / 160)
    assert row.swap_suspect_percent == pytest.approx(100 * 10 / 160)
    assert row.used_voxels == 160
    strict = region_statistics(spoiled, every, "x", voxel_volume_ml=1.0, exclude_low_confidence=True)
    assert strict.used_voxels == 139
    assert strict.low_confidence_percent == row.low_confidence_percent
    assert strict.pdff_mean < 12 < row.pdff_mean
    loose = LowConfidence(swap_probability=0.5, total_sd_points=10.0)
    assert region_statistics(
        spoiled, every, "x", voxel_volume_ml=1.0, low_confidence=loose
    ).low_confidence_percent == pytest.approx(100 / 160)


def test_empty_and_single_voxel_segments(maps: Arrays) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[0, 3, 3] = 2
    empty, single = segment_statistics(maps, labels, {1: "empty", 2: "single"}, voxel_volume_ml=0.1)
    assert (empty.voxels, empty.volume_ml, empty.steatosis_grade) == (0, 0.0, "")
    for value in (empty.pdff_mean, empty.pdff_median, empty.weighted_mean, empty.outside_percent, empty.r2star_mean):
        assert math.isnan(value)
    assert single.pdff_mean == single.pdff_median == single.weighted_mean == pytest.approx(maps.pdff[0, 3, 3])
    assert math.isnan(single.pdff_sd)
    dead = replace(maps, pdff_total_sd=np.zeros(SHAPE, np.float32))
    assert math.isnan(region_statistics(dead, labels == 2, "x", voxel_volume_ml=1.0).weighted_mean)


def test_whole_liver_is_the_union_of_the_lobes(maps: Arrays) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[:, :, :4], labels[:, :, 4:6], labels[:, :, 6:] = 1, 2, 5
    rows = segment_statistics(maps, labels, {1: "Right lobe", 2: "left hepatic lobe", 5: "spleen"}, voxel_volume_ml=1.0)
    assert [row.name for row in rows] == ["Right lobe", "left hepatic lobe", "spleen", "whole liver"]
    assert rows[-1].voxels == rows[0].voxels + rows[1].voxels
    assert rows[-1].pdff_mean == pytest.approx(np.mean(maps.pdff[:, :, :6]), rel=1e-6)


@pytest.mark.parametrize(
    ("names", "lobes"),
    [
        ({1: "liver_right", 2: "liver_left"}, [1, 2]),
        ({1: "right lobe", 2: "left kidney"}, []),
        ({1: "right lobe", 2: "left lobe", 3: "Liver"}, []),
        ({4: "right liver lobe", 2: "left liver lobe"}, [2, 4]),
        ({1: "label 1"}, []),
    ],
)
def test_lobes_are_told_by_name(names: dict[int, str], lobes: list[int]) -> None:
    assert liver_lobes(names) == lobes


def test_steatosis_grades() -> None:
    assert [TANG_2015.grade(v) for v in (-1, 5.1, 5.2, 11.3, 17.1, 60)] == ["S0", "S0", "S1", "S2", "S3", "S3"]
    assert [TANG_2013.grade(v) for v in (6.3, 6.4, 17.4, 22.1)] == ["S0", "S1", "S2", "S3"]
    assert TANG_2015.grade(float("nan")) == ""


def test_shapes_must_match(maps: Arrays) -> None:
    with pytest.raises(ValueError, match="labels have shape"):
        segment_statistics(maps, np.zeros((1, 8, 10), np.int32), {}, voxel_volume_ml=1.0)


def test_regions_of_interest() -> None:
    square = square_roi((2, 40, 40), (1, 20, 15))
    assert square.sum() == 17 * 17
    assert square[1, 12:29, 7:24].all()
    assert square_roi((2, 40, 40), (0, 0, 39), 5).sum() == 9
    circle = circle_roi((2, 60, 60), (0, 30.0, 30.0), 20.0, (1.0, 2.0, 5.0))
    assert circle.sum() * 2 == pytest.approx(np.pi * 400, rel=0.02)
    assert not circle[1].any()
    rows, columns = np.nonzero(circle[0])
    assert (np.ptp(rows), np.ptp(columns)) == (20, 40)


def test_bland_altman_finds_bias_and_limits_of_known_noise() -> None:
    rng = np.random.default_rng(5)
    reference = rng.uniform(0, 40, 20_000)
    found = bland_altman(reference + 1.5 + 2.0 * rng.standard_normal(20_000), reference)
    assert found.voxels == 20_000
    assert found.bias == pytest.approx(1.5, abs=0.06)
    assert found.sd == pytest.approx(2.0, abs=0.04)
    assert (found.lower_limit, found.upper_limit) == pytest.approx((1.5 - 3.92, 1.5 + 3.92), abs=0.12)


def test_bland_altman_by_hand_and_without_voxels() -> None:
    found = bland_altman(np.array([[3.0, 5.0]]), np.array([[2.0, 1.0]]))  # differences 1 and 4
    assert (found.voxels, found.bias) == (2, 2.5)
    assert found.sd == pytest.approx(np.sqrt(4.5))
    assert found.upper_limit == pytest.approx(2.5 + 1.96 * np.sqrt(4.5))
    empty = bland_altman(np.zeros(0), np.zeros(0))
    assert empty.voxels == 0 and np.isnan(empty.bias) and np.isnan(empty.lower_limit)
    with pytest.raises(ValueError, match="shape"):
        bland_altman(np.zeros(2), np.zeros(3))
