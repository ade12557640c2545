"""Settings of the fusion are stored in G_phi's file and described in its card."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from AIDEALLib.estimation.fusion.learned_settings import LearnedSettings
from AIDEALLib.estimation.fusion.swap_calibration import SwapCalibration
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.models import load_networks
from AIDEALLib.training.settings import store_settings


def test_settings_are_stored_in_the_file_and_the_card(fresh_models: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(fresh_models, tmp_path / "models"))
    learned = LearnedSettings(
        FusionOptions(cut=3.5), SwapCalibration(-1.0, 0.5, 0.5, 0.3, 0.2, 0.1, (0.0, 1.0), (0.05, 0.7)), calibrated=True
    )
    before = load_networks(directory=source, trusted=True)
    store_settings(source, tmp_path / "out", learned.as_settings(), "a few slices")
    store_settings(tmp_path / "out", tmp_path / "out", learned.as_settings(), "some more slices")
    after = load_networks(directory=tmp_path / "out", trusted=True)
    assert LearnedSettings.of(after.settings) == learned
    assert not before.settings
    card = (tmp_path / "out" / "G_phi.md").read_text(encoding="utf-8")
    assert after.checksums["G_phi"] in card
    assert card.count("alibrated:") == 1
    assert "some more slices" in card
    assert all(torch.equal(a, b) for a, b in zip(before.field.parameters(), after.field.parameters(), strict=True))
