"""`aideal train fusion`: weights are kept on request, where there are any."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.estimation.fusion.learned_settings import LearnedSettings
from AIDEALLib.models import load_networks
from AIDEALLib.training import fusion_cases as cases_module


def test_kept_weights_stay_and_only_the_calibration_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_module, "MATRIX", 48)
    arguments = ["train", "fusion", "--keep-weights", "--calibration-cases", "4", "--seed", "1", "--to", str(tmp_path / "out")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    before, after = (
        LearnedSettings.of(load_networks().settings),
        LearnedSettings.of(load_networks(directory=tmp_path / "out", trusted=True).settings),
    )
    assert after.fusion == before.fusion
    assert after.calibration != before.calibration
    card = " ".join((tmp_path / "out" / "G_phi.md").read_text(encoding="utf-8").split())
    assert "weights kept, P(swap) calibrated on 4 other abdomens, seed 1" in card


def test_networks_without_weights_have_none_to_keep(fresh_models: Path, tmp_path: Path) -> None:
    arguments = [
        "train",
        "fusion",
        "--keep-weights",
        "--models",
        str(fresh_models),
        "--trust-models",
        "--to",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code != 0
    assert "carry no weights of the fusion to keep" in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
