"""Sentences of the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.advice import advise
from AIDEALLib.echoes import Geometry
from AIDEALLib.quality.findings import Finding, QualityReport, Severity
from AIDEALLib.report import sentences
from AIDEALLib.report.content import ReportContent
from AIDEALLib.report.places import bounding_box, dome_slice, middle_slice, typical_voxel
from AIDEALLib.statistics.usability import without_numbers


def test_the_whole_liver_comes_first(report_content: ReportContent) -> None:
    assert report_content.main is not None and report_content.main.name == "whole liver"
    lobes = replace(report_content, regions=report_content.regions[:2])
    assert lobes.main is not None and lobes.main.name == "Right lobe"
    assert sentences.headline(lobes).startswith("Fat in the right lobe (liver): ")
    assert replace(report_content, regions=()).main is None


def test_interval_is_that_of_the_table(report_content: ReportContent) -> None:
    assert report_content.main is not None
    row = report_content.main.statistics
    low, high = row.reported_low, row.reported_high
    assert (low + high) / 2 == pytest.approx(row.reported)
    assert high - low == pytest.approx(2 * 1.96 * row.reported_error, rel=1e-4)
    assert f"({'95 % interval'} {max(low, 0):.1f} to {high:.1f} %)" in sentences.headline(report_content)


def test_grade_names_its_scheme(report_content: ReportContent) -> None:
    said = sentences.grade(report_content.main, report_content.cutoffs)
    assert "Tang 2015" in said and "5.2 %" in said and "median" in said
    assert sentences.grade(None, report_content.cutoffs) == ""


def test_grade_states_its_probability_and_that_of_others(report_content: ReportContent) -> None:
    main = report_content.main
    assert main is not None
    row = replace(main.statistics, steatosis_grade="S2", chance_s0=0.0, chance_s1=0.39, chance_s2=0.6, chance_s3=0.01)
    assert sentences.likely_grades(row) == [("S2", 0.6), ("S1", 0.39)]
    said = sentences.grade(replace(main, statistics=row), report_content.cutoffs)
    assert "probability: S2 with 60 %, S1 with 39 %" in said


@pytest.mark.parametrize(
    ("severities", "said"),
    [
        ((), "found nothing"),
        ((Severity.INFO,), "found nothing"),
        ((Severity.WARN, Severity.WARN), "use with caution (1 more in the full report). Found."),
        ((Severity.STOP, Severity.WARN), "do not use these numbers. Found."),
    ],
)
def test_quality_in_one_sentence(report_content: ReportContent, severities: tuple[Severity, ...], said: str) -> None:
    report = QualityReport(tuple(Finding("code", s, "Found.", advise("Look.")) for s in severities))
    content = replace(report_content, quality=report)
    assert said in sentences.quality_sentence(content)
    left = replace(content.regions[1], statistics=without_numbers(content.regions[1].statistics, "too noisy"))
    one_withheld = sentences.quality_sentence(replace(content, regions=(content.regions[0], left)))
    assert ("no number for Left lobe (Left lobe: too noisy)" in one_withheld) is (Severity.STOP not in severities)
    assert "found nothing" not in one_withheld


def test_changes_are_those_of_the_statistics(report_content: ReportContent) -> None:
    region = report_content.main
    assert region is not None
    found = {change.choice: change.points for change in sentences.changes(region, report_content.maps)}
    row = region.statistics
    assert row.reported_from == "median"
    assert found["the mean instead of the median"] == pytest.approx(row.pdff_mean - row.pdff_median)
    assert sentences.Change("x", -0.12).sentence() == "x: −0.1"
    assert sentences.Change("x", 0.01).sentence() == "x: no change"


def test_slices_in_ranges() -> None:
    assert sentences.slice_ranges((0, 1, 2, 6)) == "1-3, 7"


def test_places_of_a_region() -> None:
    region = np.zeros((6, 10, 10), dtype=bool)
    for index, size in enumerate((0, 4, 8, 6, 3, 1)):
        region[index, :size, :size] = True
    assert middle_slice(region) == 2
    upright, turned = Geometry(), Geometry(direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    assert dome_slice(region, upright) == 3
    assert dome_slice(region, turned) == 1
    coronal = Geometry(direction=(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0))
    assert dome_slice(region, coronal) is None
    assert bounding_box(region, 0) == (slice(0, 8), slice(0, 8))


def test_typical_voxel_is_in_the_region(report_content: ReportContent) -> None:
    region = report_content.regions[0]
    voxel = typical_voxel(report_content.maps, region.mask)
    assert voxel is not None and region.mask[voxel]
    assert report_content.maps.pdff[voxel] == pytest.approx(region.statistics.pdff_median, abs=1.5)
