"""Group figures of a simulated cohort give back what it was made with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cohort_records import REPEATED_SD, SCANNER_BIAS, records
from scipy.stats import binom

from AIDEALLib.cohort.group.agreement import comparisons
from AIDEALLib.cohort.group.prevalence import count_distribution, prevalences
from AIDEALLib.cohort.group.repeatability import repeatability
from AIDEALLib.cohort.group.report import PAGE, save_group_report
from AIDEALLib.cohort.group.values import Value, usable_values
from AIDEALLib.cohort.marks import Mark
from AIDEALLib.cohort.record import Record


@pytest.fixture(scope="module")
def values() -> list[Value]:
    return usable_values(records(1000), {})


def test_failed_rejected_and_unusable_scans_are_left_out(values: list[Value]) -> None:
    made = records(1000)
    assert len(values) == sum(not record.failure for record in made)
    good = [record for record in made if not record.failure][:2]
    stopped = replace(good[1], card={**good[1].card, "severity": "stop"})
    assert usable_values([good[0], stopped], {good[0].id: Mark("reject")}) == []


def test_repeatability_is_that_of_the_scans(values: list[Value]) -> None:
    found = repeatability(values)
    assert found is not None and len(found.groups) > 300
    assert found.sd_low < REPEATED_SD < found.sd_high
    assert found.coefficient[0] == pytest.approx(2.77 * found.sd, rel=1e-3)
    assert all(pair[0].conditions == pair[1].conditions and pair[0].session != pair[1].session for pair in found.pairs)
    assert found.within_stated < 0.7, "the stated errors hold noise alone, which is smaller here"
    assert repeatability(values[:2]) is None


def test_agreement_of_scanners(values: list[Value]) -> None:
    found = {(c.condition, c.first, c.second): c for c in comparisons(values)}
    scanners = found["scanner", "A", "B"]
    low, high = scanners.interval(scanners.agreement.bias, scanners.bias_error)
    assert low < SCANNER_BIAS < high
    assert len({pair[0].participant for pair in scanners.pairs}) == len(scanners.pairs)
    assert scanners.agreement.upper_limit - scanners.agreement.bias == pytest.approx(1.96 * 2**0.5 * REPEATED_SD, rel=0.15)
    assert {key[0] for key in found} == {"scanner", "protocol"}


def test_prevalence_and_its_intervals(values: list[Value]) -> None:
    found = prevalences(values)
    assert [(entry.study, entry.grade) for entry in found] == [("Tang 2015", g) for g in (1, 2, 3)] + [
        ("Tang 2013", g) for g in (1, 2, 3)
    ]
    for entry in found:
        assert entry.low < entry.measured_low <= entry.expected <= entry.measured_high < entry.high
        assert entry.expected == pytest.approx(entry.counted, abs=0.02)
    assert prevalences([replace(value, error=float("nan")) for value in values]) == []


def test_count_distribution_of_equal_probabilities_is_binomial() -> None:
    np.testing.assert_allclose(count_distribution(np.full(101, 0.3)), binom.pmf(np.arange(102), 101, 0.3), atol=1e-12)
    np.testing.assert_allclose(count_distribution(np.array([0.0, 1.0, 0.5])), [0, 0.5, 0.5, 0], atol=1e-12)


def test_page(values: list[Value], tmp_path: Path) -> None:
    odd = [
        replace(value, conditions={**value.conditions, "scanner": f"<{value.conditions['scanner']}> $x$"}) for value in values
    ]
    save_group_report(tmp_path, odd, 3)
    page = (tmp_path / PAGE).read_text(encoding="utf-8")
    assert page.count("data:image/png") >= 3 and "&lt;A&gt; $x$" in page and "<A>" not in page
    save_group_report(tmp_path, [], 0)
    assert "prevalence needs segments" in (tmp_path / PAGE).read_text(encoding="utf-8")


def test_records_survive_json() -> None:
    record = records(5)[0]
    assert Record.from_dict(json.loads(json.dumps(record.as_dict()))) == record
