"""Region statistics equal those of numpy, count the voxels left out, and are defined without voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from AIDEALLib.estimation.region_fit import RegionEstimate
from AIDEALLib.statistics import (
    LowConfidence,
    Measuring,
    liver_groups,
    region_statistics,
    segment_statistics,
    segments_of,
    with_groups,
)
from AIDEALLib.statistics.regions import SKEWED_SD_POINTS

SHAPE = (2, 8, 10)


@dataclass(frozen=True)
class Arrays:
    pdff: npt.NDArray[np.float32]
    pdff_sd: npt.NDArray[np.float32]
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
        rng.uniform(0.5, 3, SHAPE).astype(np.float32),
        np.zeros(SHAPE, np.float32),
        rng.uniform(20, 60, SHAPE).astype(np.float32),
        np.ones(SHAPE, np.bool_),
    )


@settings(max_examples=50, deadline=None)
@given(
    pdff=st_numpy.arrays(np.float32, SHAPE, elements=st.floats(-10, 110, width=32)),
    sd=st_numpy.arrays(np.float32, SHAPE, elements=st.floats(0.125, 24, width=32)),
    region=st_numpy.arrays(np.bool_, SHAPE),
)
def test_numbers_equal_those_of_numpy(
    pdff: npt.NDArray[np.float32], sd: npt.NDArray[np.float32], region: npt.NDArray[np.bool_]
) -> None:
    region[0, 0, :2] = True
    maps = Arrays(pdff, sd, sd, np.zeros(SHAPE, np.float32), 2 * sd, np.ones(SHAPE, np.bool_))
    row = region_statistics(maps, region, "x", Measuring(0.5, cutoffs=None))
    values, spreads = pdff[region].astype(float), sd[region].astype(float)
    assert row.voxels == row.used_voxels == np.count_nonzero(region)
    assert row.volume_ml == 0.5 * row.voxels
    assert row.pdff_mean == pytest.approx(np.mean(values), abs=1e-9)
    assert row.pdff_sd == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    assert row.pdff_median == pytest.approx(np.median(values), abs=1e-9)
    assert row.pdff_iqr == pytest.approx(np.subtract(*np.percentile(values, [75, 25])), abs=1e-9)
    assert row.stated_sd_mean == pytest.approx(np.mean(spreads))
    assert row.reported_from == ("median" if np.median(spreads) <= SKEWED_SD_POINTS else "mean")
    assert row.reported == (row.pdff_median if row.reported_from == "median" else row.pdff_mean)
    assert row.r2star_mean == pytest.approx(2 * row.stated_sd_mean)


def test_unsure_voxels_at_edges_do_not_make_a_region_noisy(maps: Arrays) -> None:
    region = np.ones(SHAPE, np.bool_)
    maps.pdff_total_sd[..., 0] = 100.0
    row = region_statistics(maps, region, "x", Measuring(0.5))
    assert row.stated_sd_mean > SKEWED_SD_POINTS
    assert row.reported_from == "median"
    maps.pdff_total_sd[..., 1:] = SKEWED_SD_POINTS + 1
    assert region_statistics(maps, region, "x", Measuring(0.5)).reported_from == "mean"


def test_voxels_outside_the_foreground_are_counted_and_left_out(maps: Arrays) -> None:
    mask = maps.mask.copy()
    mask[0, :, :5] = False
    pdff = maps.pdff.copy()
    pdff[0, 0, 5] = np.nan
    region = np.zeros(SHAPE, np.bool_)
    region[0] = True
    row = region_statistics(replace(maps, mask=mask, pdff=pdff), region, "x", Measuring(1.0))
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
    row = region_statistics(spoiled, every, "x", Measuring(1.0))
    assert row.low_confidence_percent == pytest.approx(100 * 21 / 160)
    assert row.swap_suspect_percent == pytest.approx(100 * 10 / 160)
    assert row.used_voxels == 160
    strict = region_statistics(spoiled, every, "x", Measuring(1.0, exclude_low_confidence=True))
    assert strict.used_voxels == 139
    assert strict.low_confidence_percent == row.low_confidence_percent
    assert strict.pdff_mean < 12 < row.pdff_mean
    loose = LowConfidence(swap_probability=0.5, total_sd_points=10.0)
    assert region_statistics(spoiled, every, "x", Measuring(1.0, low_confidence=loose)).low_confidence_percent == pytest.approx(
        100 / 160
    )


def test_empty_and_single_voxel_segments(maps: Arrays) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[0, 3, 3] = 2
    empty, single = segment_statistics(maps, segments_of(labels, {1: "empty", 2: "single"}), Measuring(0.1))
    assert (empty.voxels, empty.volume_ml, empty.steatosis_grade) == (0, 0.0, "")
    for value in (empty.pdff_mean, empty.pdff_median, empty.reported, empty.outside_percent, empty.r2star_mean):
        assert math.isnan(value)
    assert single.pdff_mean == single.pdff_median == single.reported == pytest.approx(maps.pdff[0, 3, 3])
    assert math.isnan(single.pdff_sd)
    assert (empty.reported_from, single.reported_from) == ("", "median")


def test_whole_liver_is_the_union_of_the_lobes(maps: Arrays) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[:, :, :4], labels[:, :, 4:6], labels[:, :, 6:] = 1, 2, 5
    segments = segments_of(labels, {1: "Right lobe", 2: "left hepatic lobe", 5: "spleen"})
    rows = segment_statistics(maps, with_groups(segments, maps.mask), Measuring(1.0))
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
def test_lobes_are_recognised_by_name(names: dict[int, str], lobes: list[int]) -> None:
    assert liver_groups(names).get("whole liver", []) == lobes


def test_shapes_must_match(maps: Arrays) -> None:
    with pytest.raises(ValueError, match="Liver has shape"):
        segment_statistics(maps, segments_of(np.zeros((1, 8, 10), np.int32), {1: "Liver"}), Measuring(1.0))


def test_grades_are_for_the_liver_alone(maps: Arrays) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[:, :, :3], labels[:, :, 3:5], labels[:, :, 5:] = 1, 2, 3
    names = {1: "Liver", 2: "Spleen", 3: "label 3"}
    grades = [row.steatosis_grade for row in segment_statistics(maps, segments_of(labels, names), Measuring(1.0))]
    assert grades[0].startswith("S")
    assert grades[1:] == ["", ""]
    coded = segment_statistics(maps, segments_of(labels, names, {3: "SCT^10200004^Liver"}), Measuring(1.0))
    assert coded[2].steatosis_grade.startswith("S")


def test_maps_and_joint_estimate_of_opposite_modes_give_no_number() -> None:
    flat = np.full(SHAPE, 92.0, np.float32)
    maps = Arrays(flat, 0 * flat + 8, 0 * flat + 8, 0 * flat, flat, np.ones(SHAPE, np.bool_))
    region = np.ones(SHAPE, np.bool_)
    fit = RegionEstimate(9.0, 0.2, 40.0, 1.0, np.ones(SHAPE))
    row = region_statistics(maps, region, "Liver", Measuring(1.0, joint=lambda used: fit))
    assert row.withheld == "water and fat undecided, 92 % in the maps, 9 % in the joint estimate"
    assert np.isnan(row.reported) and np.isnan(row.pdff_mean)
    other = Measuring(1.0, cutoffs=None, joint=lambda used: replace(fit, pdff=90.0))
    near = region_statistics(maps, region, "Spleen", other)
    assert near.reported_from == "joint" and near.reported == 90.0


def test_voxels_of_noise_alone_give_a_number_only_with_a_joint_estimate() -> None:
    flat = np.full(SHAPE, 20.0, np.float32)
    maps = Arrays(flat, 0 * flat + 30, 0 * flat + 30, 0 * flat, flat, np.ones(SHAPE, np.bool_))
    region = np.ones(SHAPE, np.bool_)
    alone = region_statistics(maps, region, "Liver", Measuring(1.0))
    assert alone.withheld == "too noisy (SD of a voxel 30 points)" and np.isnan(alone.reported)
    fit = RegionEstimate(9.0, 0.2, 40.0, 1.0, np.ones(SHAPE))
    joint = region_statistics(maps, region, "Liver", Measuring(1.0, joint=lambda used: fit))
    assert joint.withheld == "" and joint.reported == 9.0 and joint.reported_from == "joint"
