"""`aideal train adapt`: adapted networks, a table, and no overwriting."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.io.npz import write_npz
from AIDEALLib.model_files import model_directory
from AIDEALLib.models import load_networks
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.training import before_after
from AIDEALLib.training.before_after import metrics


def test_adapt_command(fresh_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(before_after, "METHODS", ("one-shot",))
    monkeypatch.setattr(before_after, "metrics", partial(metrics, batches=1, size=48))
    write_npz(tmp_path / "scan.npz", demo_liver(matrix=(2, 64, 64))[0])
    run = CliRunner().invoke
    small = ["--steps", "1", "--batch", "1", "--size", "32", "--models", str(fresh_models), "--trust-models"]
    to = tmp_path / "adapted"
    done = run(app, ["train", "adapt", str(tmp_path / "scan.npz"), "--to", str(to), *small])
    assert done.exit_code == 0, done.output
    assert "scan 1, one-shot" in done.output
    rows = list(csv.DictReader((to / "adaptation.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["data"] for row in rows] == ["scan 1", "simulated, held out"]
    assert rows[0]["swapped_percent_before"] == ""
    assert float(rows[1]["swapped_percent_after"]) >= 0
    load_networks(directory=to, trusted=True)
    card = (to / "G_phi.md").read_text(encoding="utf-8")
    assert "1 unlabelled scan(s), 2 slices" in card
    assert "scan.npz" not in card
    for bundled in (model_directory(), fresh_models):
        refused = run(app, ["train", "adapt", str(tmp_path / "scan.npz"), "--to", str(bundled), *small])
        assert refused.exit_code == 1
        assert "never overwritten" in refused.stderr
