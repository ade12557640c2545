"""The comparison with systems that others proposed: whole, and tables of made-up results."""

from __future__ import annotations

import csv
import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from AIDEALLib.benchmark.comparators.accuracy import part_errors
from AIDEALLib.benchmark.comparators.estimates import Estimates
from AIDEALLib.benchmark.comparators.report import bold_where_better
from AIDEALLib.benchmark.comparators.scans import ECHO_TIME_SHIFTS, SHIFTS, patients
from AIDEALLib.benchmark.comparators.system import Estimated, System
from AIDEALLib.cli.main import app
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.resources import resource
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.training.comparators.registry import COMPARATORS, FOLDER


def test_a_system_that_is_two_points_high_has_a_bias_of_two(tmp_path: Path) -> None:
    scans = list(patients(2, 300, 48, PAPER))
    truth = {id(scan.series): scan.pdff for scan in scans}
    high = System("high", lambda series: Estimated(truth[id(series)] + 2))
    three = System("three", lambda series: pytest.fail("six echoes were given to a system for three"), echoes=3)
    rows = part_errors("paper", scans, [high, three, System("absent", reason="not installed")], Estimates(tmp_path))
    assert [row.bias for row in rows if row.system == "high"] == pytest.approx([2, 2], abs=1e-4)
    assert [row.sd for row in rows if row.system == "high"] == pytest.approx([0, 0], abs=1e-4)
    assert {row.reason for row in rows if row.system != "high"} == {"needs 3 echoes", "not installed"}


def test_finished_estimates_are_read_again_until_the_version_changes(tmp_path: Path) -> None:
    scan = next(patients(1, 300, 48, PAPER))
    calls = []

    def estimate(series: EchoSeries) -> Estimated:
        calls.append(series)
        return Estimated(scan.pdff, scan.pdff + 1)

    for version in ("1", "1", "2"):
        found = Estimates(tmp_path).estimate(System("s", estimate, version=version), scan)
        assert np.allclose(found.pdff[scan.tissue], scan.pdff[scan.tissue])
        assert found.score is not None and found.sd is None
    assert len(calls) == 2


def test_only_rivals_that_are_better_are_bold() -> None:
    lines = [
        ("refined", [("0.5", 0.5), ("-", math.nan)]),
        ("one-shot", [("0.4", 0.4), ("1", 1.0)]),
        ("rival", [("0.4", 0.4), ("1", 1.0)]),
        ("other", [("0.6", 0.6), ("-", math.nan)]),
    ]
    assert bold_where_better(lines) == [
        ["refined", "0.5", "-"],
        ["one-shot", "0.4", "1"],
        ["rival", "**0.4**", "1"],
        ["other", "0.6", "-"],
    ]


def test_every_domain_has_six_echoes_for_the_networks() -> None:
    assert all(len(shift.protocol.te_s) == 6 for shift in SHIFTS)
    assert len({p.name for p in ECHO_TIME_SHIFTS}) == 3
    assert len({shift.name for shift in SHIFTS}) == 9


def test_every_network_is_bundled_small_and_has_a_card() -> None:
    bundled = {file.stem: file for file in resource(FOLDER).glob("*.pt")}
    assert set(bundled) == set(COMPARATORS)
    for file in bundled.values():
        assert file.stat().st_size < 3_000_000
        card = file.with_suffix(".md").read_text(encoding="utf-8")
        assert "minutes of one CPU core" in card
        assert hashlib.sha256(file.read_bytes()).hexdigest() in card


def test_the_quick_comparison_writes_tables_and_figures(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["benchmark", "--comparators", "--quick", "--threads", "1", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    with (tmp_path / "lobes.csv").open(encoding="utf-8") as stream:
        lobes = {(r["system"], r["condition"], r["part"]): r for r in csv.DictReader(stream)}
    assert abs(float(lobes["refined", PAPER.name, "Right lobe"]["bias"])) < 0.6
    assert lobes["UP-Net", PAPER.name, "Right lobe"]["bias"]
    with (tmp_path / "uncertainty.csv").open(encoding="utf-8") as stream:
        scores = {(r["system"], r["domain"]): r for r in csv.DictReader(stream)}
    assert 0 < float(scores["refined", "dome"]["relative_area"]) < 1
    assert scores["UP-Net", "dome"]["coverage_68_percent"]
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for picture in ("error_left.png", "regression.png", "phantom.png", "uncertainty_dome.png"):
        assert picture in text
        assert (tmp_path / picture).stat().st_size > 10_000
    assert np.isfinite([float(r["mean_error"]) for r in scores.values() if r["mean_error"]]).all()
