"""Regions whose numbers mean nothing have none, but a reason; others keep theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.statistics import (
    WHOLE_LIVER,
    Measuring,
    RunErrors,
    SegmentStatistics,
    segment_statistics,
    segments_of,
    with_groups,
)
from AIDEALLib.statistics.interval import Interval
from AIDEALLib.statistics.usability import liver_reason, misfit_points

SHAPE = (1, 12, 12)
NAMES = {1: "Right lobe", 2: "Left lobe"}


def _filled(value: float) -> npt.NDArray[np.float32]:
    return np.full(SHAPE, value, np.float32)


@dataclass
class Arrays:
    pdff: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(12))
    pdff_sd: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(2))
    pdff_total_sd: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(2))
    swap_probability: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(0))
    r2star: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(40))
    water: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(88))
    fat: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(12))
    residual: npt.NDArray[np.float32] = field(default_factory=lambda: _filled(3))
    mask: npt.NDArray[np.bool_] = field(default_factory=lambda: np.ones(SHAPE, np.bool_))


@pytest.fixture
def lobes() -> npt.NDArray[np.int32]:
    labels = np.zeros(SHAPE, np.int32)
    labels[..., :6], labels[..., 6:] = 1, 2
    return labels


def rows(
    maps: Arrays, labels: npt.NDArray[np.int32], names: dict[int, str] = NAMES, **stated: object
) -> list[SegmentStatistics]:
    usability = {"everywhere": "", "doubtful": False, "noise_left": 2.0, **stated}
    errors = RunErrors.of({"usability": usability, "te_s": (0.0013, 0.0034, 0.0055, 0.0076)})
    segments = with_groups(segments_of(labels, names), maps.mask)
    return segment_statistics(maps, segments, Measuring(0.1, errors=errors))


def test_numbers_are_given_where_the_echoes_follow_the_model(lobes: npt.NDArray[np.int32]) -> None:
    assert [(row.withheld, row.pdff_median) for row in rows(Arrays(), lobes)] == [("", 12), ("", 12), ("", 12)]


def test_a_lobe_that_does_not_follow_the_model_has_no_number_and_the_other_one_has(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays()
    maps.residual[lobes == 2] = 34
    right, left, whole = rows(maps, lobes)
    assert (right.withheld, right.pdff_median) == ("", 12)
    assert left.withheld == "echoes do not follow the model (misfit 34 %)"
    assert whole.name == WHOLE_LIVER and whole.withheld == f"Left lobe: {left.withheld}"
    for row in (left, whole):
        assert all(math.isnan(v) for v in (row.pdff_mean, row.pdff_median, row.reported, row.r2star_mean, row.chance_s0))
        assert row.steatosis_grade == row.reported_from == "" and row.volume_ml > 0
    assert left.without_number == f"number withheld: {left.withheld}"


def test_noise_is_no_misfit(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays(residual=_filled(25))
    assert not any(row.withheld for row in rows(maps, lobes, noise_left=20.0))
    assert all(row.withheld for row in rows(maps, lobes, noise_left=2.0))


def test_in_a_doubtful_run_a_region_has_to_fit_well(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays(residual=_filled(10))
    assert not any(row.withheld for row in rows(maps, lobes))
    assert all(row.withheld for row in rows(maps, lobes, doubtful=True))
    maps.residual[lobes == 1] = 5
    assert [bool(row.withheld) for row in rows(maps, lobes, doubtful=True)] == [False, True, True]


def test_signal_that_grows_and_reasons_for_all_regions(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays()
    maps.r2star[lobes == 1] = -40
    assert [row.withheld[:12] for row in rows(maps, lobes)] == ["signal grows", "", "Right lobe: "]
    assert {row.withheld for row in rows(Arrays(), lobes, everywhere="phase has a wrong scale")} == {"phase has a wrong scale"}


def test_an_impossible_fat_fraction_is_no_number(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays()
    maps.pdff[lobes == 1] = 607
    assert rows(maps, lobes)[0].without_number == "number withheld: fat fraction of 607 % is impossible"


def test_a_region_without_signal_is_not_measured_and_no_part_of_the_liver(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays(mask=lobes == 1)
    right, left, nothing, whole = rows(maps, lobes, {**NAMES, 7: "Segment VIII of the liver"})
    assert left.without_number == "not measured: no signal" and math.isnan(left.pdff_median)
    assert nothing.without_number == "not measured: no voxel"
    assert whole.volume_ml == right.volume_ml and whole.pdff_median == 12


def test_a_run_without_check_states_nothing(lobes: npt.NDArray[np.int32]) -> None:
    found = segment_statistics(Arrays(residual=_filled(80)), segments_of(lobes, NAMES), Measuring(0.1, errors=RunErrors.of({})))
    assert not any(row.withheld for row in found)


def test_a_lobe_whose_voxels_are_mostly_noise_has_no_number(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays()
    maps.pdff_sd[lobes == 1] = 30
    right, left, _ = rows(maps, lobes)
    assert (right.withheld, left.withheld) == ("too noisy (SD of a voxel 30 points)", "")


def test_an_error_of_whole_echoes_withholds_where_it_moves_pdff_by_more_than_three_points(
    lobes: npt.NDArray[np.int32],
) -> None:
    along_columns = [0.0, 0.0, 12.0, *[0.0] * 6]  # at columns 0 to 5 -6 to -1 points, at 6 to 11 0 to 5
    error = {"name": "phase of the first echo", "coefficients": along_columns}
    right, left, _ = rows(Arrays(), lobes, echo_error=error)
    assert right.withheld == "phase of the first echo: 12 % as read, about 16 % without it"
    assert (left.withheld, left.pdff_median) == ("", 12)


def test_misfit_above_noise_stands_for_an_error() -> None:
    sensitivity = ((0.0, 50.0, 0.5), (10.0, 50.0, 1.0), (10.0, 400.0, 3.0))
    assert misfit_points(sensitivity, 12.0, 40.0, 8.0, 2.0) == pytest.approx(8 * math.sqrt(0.75))
    assert misfit_points(sensitivity, 12.0, 300.0, 8.0, 2.0) == pytest.approx(24 * math.sqrt(0.75))
    assert misfit_points(sensitivity, 12.0, 40.0, 8.0, 1.2) == misfit_points((), 12.0, 40.0, 8.0, 2.0) == 0.0


def test_a_liver_with_more_fat_than_any_has_no_number_and_another_organ_has(lobes: npt.NDArray[np.int32]) -> None:
    maps = Arrays(pdff=_filled(88))
    right, pancreas = rows(maps, lobes, {1: "Right lobe", 2: "Pancreas"})
    assert right.withheld == "no liver has 88 % fat, water and fat may be exchanged"
    assert (pancreas.withheld, pancreas.pdff_median) == ("", 88)
    assert not rows(Arrays(pdff=_filled(55)), lobes)[0].withheld


def test_a_liver_with_less_fat_than_none_has_no_number(lobes: npt.NDArray[np.int32]) -> None:
    right, pancreas = rows(Arrays(pdff=_filled(-12)), lobes, {1: "Right lobe", 2: "Pancreas"})
    assert right.withheld == "no liver has -12 % fat, echo times or phase may be wrong"
    assert not pancreas.withheld
    assert not rows(Arrays(pdff=_filled(-2)), lobes)[0].withheld
    assert not liver_reason(Interval(-12.0, 5.0)), "its interval reaches what a liver may read"


def test_phase_and_magnitudes_that_disagree_leave_both_readings(lobes: npt.NDArray[np.int32]) -> None:
    contradiction = {"across": 2, "blocks": [[0, row, column, 9.0, 0.04, 0.5] for row in range(2) for column in range(2)]}
    found = rows(Arrays(), lobes, magnitudes=contradiction)[0]
    assert found.withheld == "phase and magnitudes disagree: 12 % as read, 21 % by magnitudes alone"
    slight = {"across": 2, "blocks": [[0, row, column, 9.0, 0.04, 4.0] for row in range(2) for column in range(2)]}
    assert not rows(Arrays(), lobes, magnitudes=slight)[0].withheld
    widespread = rows(Arrays(), lobes, magnitudes=slight | {"widespread": True})[0].withheld
    assert widespread == "phase and magnitudes disagree in much of the body, and are not shown to agree here"
    agreeing = {"across": 2, "blocks": [[0, row, column, 0.4, 0.04, 0.5] for row in range(2) for column in range(2)]}
    assert not rows(Arrays(), lobes, magnitudes=agreeing | {"widespread": True})[0].withheld
