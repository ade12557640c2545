"""The fusion's weights and the calibration: gradients are right, learning helps, and what is stored is what is loaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion_options import FusionOptions
from AIDEALLib.estimation.learned import Learned
from AIDEALLib.estimation.swap_probability import SwapCalibration
from AIDEALLib.models import load_networks
from AIDEALLib.training import fusion_cases as cases_module
from AIDEALLib.training import fusion_fit
from AIDEALLib.training.fusion_cases import FusionCase, fusion_cases
from AIDEALLib.training.fusion_fit import calibrate, choose_balance, learn_weights, true_mode_nats
from AIDEALLib.training.settings import store_settings

POOR = FusionOptions(evidence_weight=0.1, network_weight=1.0, scale_hz=60.0)


@pytest.fixture(scope="module")
def cases() -> list[FusionCase]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases_module, "MATRIX", 48)
        patch.setattr(cases_module, "RANDOM_SIZE", 40)
        return list(fusion_cases(4, 1, load_networks()))


def test_cases_know_their_truth(cases: list[FusionCase]) -> None:
    assert len(cases) >= 5
    for case in cases:
        assert not bool(case.swapped(case.true_field_hz).any())
        distance = cases_module.swap_distance_hz(case.given.scan)
        assert bool(case.swapped(case.true_field_hz + distance).all())
        right = ~case.swapped(case.candidates.field_hz)
        assert float(right.any(0)[case.body].float().mean()) > 0.5


@pytest.mark.parametrize("name", ["evidence_weight", "misfit", "network_weight", "scale_hz", "cut", "distance_power"])
def test_gradient_of_the_unrolled_sweeps(cases: list[FusionCase], name: str) -> None:
    start = replace(FusionOptions(), sweeps=6)
    value = torch.tensor(float(getattr(start, name)), requires_grad=True)
    true_mode_nats(cases[0], replace(start, **{name: value})).backward()
    step = 0.02 * float(value.detach())
    up, down = (float(true_mode_nats(cases[0], replace(start, **{name: float(value.detach()) + s * step}))) for s in (1, -1))
    assert value.grad is not None
    assert float(value.grad) == pytest.approx((up - down) / (2 * step), rel=0.15, abs=2e-5)


def test_learning_lowers_the_loss_and_leaves_the_rest(cases: list[FusionCase]) -> None:
    def loss(options: FusionOptions) -> float:
        return float(np.mean([float(true_mode_nats(case, options)) for case in cases]))

    seen: list[int] = []
    learned = learn_weights(cases, POOR, 4, 0, lambda done, _: seen.append(done))
    assert seen == [1, 2, 3, 4]
    assert loss(learned) < loss(POOR)
    assert (learned.sweeps, learned.damping, learned.evidence_cap) == (POOR.sweeps, POOR.damping, POOR.evidence_cap)


def test_the_balance_chosen_predicts_best(cases: list[FusionCase], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion_fit, "BALANCES", ((0.02, 2.0), (1.0, 0.04)))
    nats: list[float] = []
    found = choose_balance(cases, FusionOptions(cut=3.0), lambda _, mean: nats.append(mean))
    assert (found.evidence_weight, found.network_weight) == fusion_fit.BALANCES[int(np.argmin(nats))]
    assert found.cut == 3.0
    assert len(nats) == 2


def test_calibration_rises_and_meets_the_rate_of_swaps(cases: list[FusionCase]) -> None:
    found = calibrate(cases, FusionOptions())
    assert found.raw[0] == 0.0
    assert found.raw[-1] == 1.0
    assert np.all(np.diff(found.raw) > 0)
    assert np.all(np.diff(found.calibrated) >= 0)


def test_settings_are_stored_in_the_file_and_the_card(fresh_models: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(fresh_models, tmp_path / "models"))
    learned = Learned(FusionOptions(cut=3.5), SwapCalibration((0.0, 1.0), (0.05, 0.7)), calibrated=True)
    before = load_networks(directory=source)
    store_settings(source, tmp_path / "out", learned.as_settings(), "a few slices")
    store_settings(tmp_path / "out", tmp_path / "out", learned.as_settings(), "some more slices")
    after = load_networks(directory=tmp_path / "out")
    assert Learned.of(after.settings) == learned
    assert not before.settings
    card = (tmp_path / "out" / "G_phi.md").read_text(encoding="utf-8")
    assert after.checksums["G_phi"] in card
    assert card.count("alibrated:") == 1
    assert "some more slices" in card
    assert all(torch.equal(a, b) for a, b in zip(before.field.parameters(), after.field.parameters(), strict=True))
