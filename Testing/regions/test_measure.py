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
from AIDEALLib.scan_run.measured import measured, measured_regions
from AIDEALLib.statistics import Segment, segments_of

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
def couinaud() -> list[Segment]:
    """Segments 8, 4 and 2 of TotalSegmentator as columns of a liver, and a spleen beside it."""
    labels = np.zeros(SHAPE, np.int32)
    labels[:, 5:85, 3:27], labels[:, 5:85, 27:50], labels[:, 5:85, 50:75], labels[:, 5:85, 80:] = 1, 2, 3, 4
    return segments_of(labels, {1: "liver_segment_8", 2: "liver_segment_4", 3: "liver_segment_2", 4: "spleen"})


def test_rows_of_couinaud_segments_and_circles(maps: ParameterMaps, couinaud: list[Segment]) -> None:
    found = measure_segments(maps, couinaud, RegionOptions(circles=CircleRules(dome_mm=8.0)))
    names = [row.name for row in found.rows]
    assert names[:6] == [*(segment.name for segment in couinaud), "left lobe (II-IV)", "whole liver"]
    assert names[6:] == ["liver_segment_2 ROI 1", "liver_segment_4 ROI 1", "liver_segment_8 ROI 1", "all circles"]
    rows = {row.name: row for row in found.rows}
    assert rows["whole liver"].voxels == sum(rows[f"liver_segment_{n}"].voxels for n in (2, 4, 8))
    assert rows["spleen"].steatosis_grade == ""
    assert all(row.steatosis_grade for name, row in rows.items() if name != "spleen")
    assert rows["all circles"].voxels == sum(np.count_nonzero(circle.mask) for circle in found.circles)
    assert len(found.notes) == 3


def test_volume_is_that_of_the_whole_segment(maps: ParameterMaps, couinaud: list[Segment]) -> None:
    found = measure_segments(maps, couinaud, RegionOptions(LeaveOut(5.0)))
    plain = measure_segments(maps, couinaud, RegionOptions())
    for row, whole in zip(found.rows, plain.rows, strict=True):
        assert (row.voxels, row.volume_ml) == (whole.voxels, whole.volume_ml)
        assert row.used_voxels < whole.used_voxels
    assert len(found.notes) == 4


def test_nothing_recognised_as_liver(maps: ParameterMaps) -> None:
    found = measure_segments(maps, [Segment("label 1", maps.mask)], RegionOptions(circles=CircleRules()))
    assert found.circles == []
    assert "none of the segments label 1 is recognised as liver" in found.notes[0]
    coded = measure_segments(maps, [Segment("label 1", maps.mask, "SCT^10200004^Liver")], RegionOptions(circles=CircleRules()))
    assert [circle.name for circle in coded.circles] == ["label 1 ROI 1"]


def test_segments_that_share_voxels_are_each_measured_whole(maps: ParameterMaps) -> None:
    """Two readers have drawn the right lobe under one name, and both share voxels with the left lobe."""
    right, wider, left = (np.zeros(SHAPE, bool) for _ in range(3))
    right[:, 5:85, 3:50], wider[:, 5:85, 3:53], left[:, 5:85, 40:75] = True, True, True
    maps.pdff[..., 50:] += 10
    drawn = Segmentation.of([Segment("right lobe", right), Segment("right lobe", wider), Segment("left lobe", left)])
    assert [layer.names for layer in drawn.layers] == [{1: "right lobe"}, {2: "right lobe (2)"}, {3: "left lobe"}]
    found = measured(maps, drawn)
    sizes = {"right lobe": 47, "right lobe (2)": 50, "left lobe": 35, "whole liver": 72}
    assert {row.name: row.voxels // (6 * 80) for row in found.rows} == sizes, "each voxel of the whole liver counts once"
    assert [row.pdff_mean for row in found.rows[:3]] == pytest.approx([12, 12 + 10 * 3 / 50, 12 + 10 * 25 / 35], abs=0.1)
    regions = measured_regions(found)
    assert [(region.name, int(region.mask.sum())) for region in regions] == [(row.name, row.voxels) for row in found.rows]


def test_circles_of_segments_that_overlap_lie_apart(maps: ParameterMaps) -> None:
    right, wider, liver = (np.zeros(SHAPE, bool) for _ in range(3))
    right[:, 5:85, 3:43], wider[:, 5:85, 23:85], liver[:, 5:85, 3:85] = True, True, True
    segments = [Segment("Liver", liver), Segment("right lobe", right), Segment("left lobe", wider)]
    found = measure_segments(maps, segments, RegionOptions(circles=CircleRules(dome_mm=8.0)))
    assert [circle.name for circle in found.circles] == ["right lobe ROI 1", "left lobe ROI 1"]
    assert not np.any(found.circles[0].mask & found.circles[1].mask)
