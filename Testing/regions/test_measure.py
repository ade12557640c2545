"""Segments measured as a run requests: rows, what is left, circles in the order of Couinaud."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.echoes import Geometry
from AIDEALLib.io.segmentation import Segmentation
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps, Provenance
from AIDEALLib.regions.exclude import LeaveOut
from AIDEALLib.regions.measure import RegionOptions, measure_segments
from AIDEALLib.regions.suggest import CircleRules
from AIDEALLib.scan_run.measured import measured, region_masks

SHAPE = (6, 90, 90)


@pytest.fixture
def maps() -> ParameterMaps:
    rng = np.random.default_rng(5)
    arrays = {name: np.zeros(SHAPE, np.float32) for name in MAP_INFO}
    for name, level, sd in (("water", 100, 3), ("r2star", 40, 4), ("pdff", 12, 1)):
        arrays[name] = (level + sd * rng.standard_normal(SHAPE)).astype(np.float32)
    arrays["pdff_total_sd"] += 1
    provenance = Provenance("1", "refined", "cpu", "2", (0.001, 0.002), 1.5, {}, {}, "as given", "monopolar", (1.0,))
    return ParameterMaps(**arrays, mask=np.ones(SHAPE, bool), geometry=Geometry((2.0, 2.0, 8.0)), provenance=provenance)


@pytest.fixture
def couinaud() -> tuple[np.ndarray, dict[int, str]]:
    """Segments 8, 4 and 2 of TotalSegmentator as columns of a liver, and a spleen beside it."""
    labels = np.zeros(SHAPE, np.int32)
    labels[:, 5:85, 3:27], labels[:, 5:85, 27:50], labels[:, 5:85, 50:75], labels[:, 5:85, 80:] = 1, 2, 3, 4
    return labels, {1: "liver_segment_8", 2: "liver_segment_4", 3: "liver_segment_2", 4: "spleen"}


def test_rows_of_couinaud_segments_and_circles(maps: ParameterMaps, couinaud: tuple[np.ndarray, dict[int, str]]) -> None:
    found = measure_segments(maps, *couinaud, RegionOptions(circles=CircleRules(dome_mm=8.0)))
    names = [row.name for row in found.rows]
    assert names[:6] == [*couinaud[1].values(), "left lobe (II-IV)", "whole liver"]
    assert names[6:] == ["liver_segment_2 ROI 1", "liver_segment_4 ROI 1", "liver_segment_8 ROI 1", "all circles"]
    rows = {row.name: row for row in found.rows}
    assert rows["whole liver"].voxels == sum(rows[f"liver_segment_{n}"].voxels for n in (2, 4, 8))
    assert rows["spleen"].steatosis_grade == ""
    assert all(row.steatosis_grade for name, row in rows.items() if name != "spleen")
    assert rows["all circles"].voxels == np.count_nonzero(found.circle_labels)
    assert len(found.notes) == 3


def test_volume_is_that_of_the_whole_segment(maps: ParameterMaps, couinaud: tuple[np.ndarray, dict[int, str]]) -> None:
    found = measure_segments(maps, *couinaud, RegionOptions(LeaveOut(5.0)))
    plain = measure_segments(maps, *couinaud, RegionOptions())
    for row, whole in zip(found.rows, plain.rows, strict=True):
        assert (row.voxels, row.volume_ml) == (whole.voxels, whole.volume_ml)
        assert row.used_voxels < whole.used_voxels
    assert len(found.notes) == 4


def test_nothing_recognised_as_liver(maps: ParameterMaps) -> None:
    labels = np.ones(SHAPE, np.int32)
    found = measure_segments(maps, labels, {1: "label 1"}, RegionOptions(circles=CircleRules()))
    assert found.circle_names == {}
    assert "none of the segments label 1 is recognised as liver" in found.notes[0]
    coded = measure_segments(maps, labels, {1: "label 1"}, RegionOptions(circles=CircleRules()), {1: "SCT^10200004^Liver"})
    assert coded.circle_names == {1: "label 1 ROI 1"}


def test_segments_that_share_voxels_are_each_measured_whole(maps: ParameterMaps) -> None:
    right, left = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, np.int32)
    right[:, 5:85, 3:50], left[:, 5:85, 40:75] = 1, 2
    maps.pdff[..., 50:] += 10
    drawn = Segmentation(right, {1: "right lobe"}, overlapping=(Segmentation(left, {2: "left lobe"}),))
    found = measured(maps, drawn)
    assert [(row.name, row.voxels) for row in found.rows] == [("right lobe", 6 * 80 * 47), ("left lobe", 6 * 80 * 35)]
    assert [row.pdff_mean for row in found.rows] == pytest.approx([12, 12 + 10 * 25 / 35], abs=0.1)
    assert {name: int(mask.sum()) for name, mask in region_masks(maps, drawn, found).items() if "lobe" in name} == {
        row.name: row.voxels for row in found.rows
    }
