"""Section on regions: coverage and bias of rows whose errors are set by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from AIDEALLib.validation import regions
from AIDEALLib.validation.plan import Plan
from AIDEALLib.validation.region_patients import RegionRow
from AIDEALLib.validation.regions import RegionCoverage
from AIDEALLib.validation.tables import Table


def row(name: str, mean_off: float, median_off: float, *, joint_off: float | None = None) -> RegionRow:
    """A lobe with standard errors of 1; its joint estimate is reported where there is one."""
    median = 11.0 + median_off
    reported = median if joint_off is None else 10.0 + joint_off
    return RegionRow(
        protocol="one",
        seed=1,
        snr=20.0,
        zoom=1.0,
        liver_r2star=math.nan,
        kind="lobe",
        name=name,
        voxels=100,
        stated_sd=1.0,
        true_mean=10.0,
        true_median=11.0,
        best_error=0.5,
        mean=10.0 + mean_off,
        mean_error=1.0,
        median=median,
        median_error=1.0,
        joint=10.0 + (joint_off or 0.0),
        joint_error=1.0,
        reported=reported,
        reported_error=1.0,
    )


@pytest.fixture
def by_group(monkeypatch) -> dict[str, RegionCoverage]:
    rows = [
        row("Right lobe", 0.9, 1.2),
        row("Right lobe", 1.1, 0.2),
        row("Left lobe", -3.0, 0.0, joint_off=-2.0),
        row("Left lobe", 0.5, 0.0, joint_off=math.nan),
    ]
    rows[-1] = RegionRow(**vars(rows[-1]) | {"reported_error": math.nan})
    patient = SimpleNamespace(protocol=SimpleNamespace(name="one"))
    monkeypatch.setattr(regions, "patients", lambda *given: [patient])
    monkeypatch.setattr(regions, "rows_of", lambda *given: rows)
    chapter = regions.chapter(Plan(), SimpleNamespace(progress=lambda title, slices: None))
    (table,) = [part for part in chapter.parts if isinstance(part, Table) and part.name == "coverage"]
    return {found.group: found for found in table.rows}


def test_bias_of_each_lobe_is_the_mean_error(by_group):
    assert by_group["Right lobe"].mean_off == pytest.approx(1.0)
    assert by_group["Left lobe"].mean_off == pytest.approx(-1.25)
    assert by_group["all"].mean_off == pytest.approx(-0.125)


def test_reported_value_is_compared_with_the_truth_of_what_is_reported(by_group):
    assert by_group["Right lobe"].reported_off == pytest.approx(0.7)  # medians, against the true median
    assert by_group["Left lobe"].reported_off == pytest.approx(-2.0)  # joint estimate, against the true mean


def test_regions_without_an_interval_do_not_count(by_group):
    assert by_group["Right lobe"].reported_68 == 50.0
    assert by_group["Left lobe"].reported_95 == 0.0
    assert by_group["all"].reported_95 == pytest.approx(200 / 3)
