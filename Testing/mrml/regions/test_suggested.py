"""Circles suggested in a scene: those of the library, with their own diameter and reason; grades of liver segments alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.regions.measure import circles_in_liver
from AIDEALLib.regions.suggest import CircleRules
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import LowConfidence, segments_of
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")

Drawn = tuple[Any, Any, TissueMaps]
RULES = CircleRules(edge_mm=4.0, dome_mm=0.0)


def test_circles_are_those_of_the_library(drawn: Drawn, liver_maps: ParameterMaps, scene: Any) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.regions.suggested import add_circles, suggest

    maps, segmentation, truth = drawn
    found = suggest(maps, regions_of(segmentation, maps.pdff), LowConfidence(), RULES)
    scanned = replace(liver_maps, geometry=OBLIQUE)
    expected = circles_in_liver(scanned, segments_of(truth.labels, truth.label_names), RULES)
    assert found == expected
    assert found.circles
    points = add_circles(scene, maps, found)
    assert [node.GetNumberOfControlPoints() for node in points] == [1] * len(found.circles)
    drawn_regions = {r.name: r for r in regions_of(drawing.update_circles(scene, maps.pdff, 5.0), maps.pdff)}
    for circle, node in zip(found.circles, points, strict=True):
        voxels = circle.voxels(liver_maps.mask.shape, OBLIQUE.spacing_mm)
        region = drawn_regions[f"{circle.place} ROI 1"]
        assert np.count_nonzero(region.voxels) == np.count_nonzero(voxels)
        assert np.all(voxels[region.box][region.voxels])
        assert node.GetNthControlPointDescription(0) == circle.reason


def test_places_of_names() -> None:
    from AIDEALLib.mrml.regions.suggested import place_of

    names = ("liver_segment_5", "Segment IVb", "liver_segment_4", "rechter Leberlappen", "liver", "Spleen")
    assert [place_of(name) for name in names] == ["Segment V", "Segment IVb", "Segment IV", "Right lobe", "", ""]


def test_nothing_drawn_nothing_suggested(drawn: Drawn) -> None:
    from AIDEALLib.mrml.regions.suggested import NO_LIVER, suggest

    assert suggest(drawn[0], [], LowConfidence()).without == (NO_LIVER,)


def test_grades_are_for_liver_segments_alone(drawn: Drawn) -> None:
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of

    maps, segmentation, _ = drawn
    stored = segmentation.GetSegmentation()
    segment = stored.GetSegment(stored.GetNthSegmentID(0))
    segment.SetName("Spleen")
    rows = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())
    assert [bool(row.steatosis_grade) for row in rows] == [False, True]
    segment.SetName("Segment_1")  # its terminology is that of the right lobe
    assert measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())[0].steatosis_grade
