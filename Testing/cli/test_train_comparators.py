"""`aideal train comparator` and `aideal train compare`."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.training.comparators.supervised import COMPARATORS


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("AIDEALLib.training.comparators.compare.SHIFTED", ())
    run = CliRunner().invoke
    for name in COMPARATORS:
        done = run(app, ["train", "comparator", name, "--steps", "1", "--batch", "1", "--size", "32", "-d", str(tmp_path)])
        assert done.exit_code == 0, done.output
    run(app, ["train", "field", "--steps", "1", "--batch", "1", "--size", "32", "-d", str(tmp_path)])
    arguments = ["--out", str(tmp_path / "o"), "-d", str(tmp_path), "--patients", "2", "--matrix", "64"]
    done = run(app, ["train", "compare", *arguments])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "o" / "comparators.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["method"] for row in rows} == {*COMPARATORS, "refined", "one-shot", "refined, same budget"}
    paper = {row["method"]: row for row in rows if row["protocol"] == PAPER.name and row["lobe"] == "Right lobe"}
    assert abs(float(paper["refined"]["bias"])) < abs(float(paper["unet"]["bias"])), "one step teaches nothing"
