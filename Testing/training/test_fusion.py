"""The fusion's weights and the calibration: gradients are right, learning helps, and what is stored is what is loaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.estimation.fusion.learned import Learned
from AIDEALLib.estimation.fusion.swap_calibration import SwapCalibration, SwapEvidence
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.models import load_networks
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.protocol import Protocol
from AIDEALLib.training import fusion_cases as cases_module
from AIDEALLib.training import fusion_fit
from AIDEALLib.training.fusion_cases import HARD, USUAL, FusionCase, Mixture, fusion_cases
from AIDEALLib.training.fusion_fit import calibrate, choose_balance, learn_weights, true_mode_nats
from AIDEALLib.training.settings import store_settings

POOR = FusionOptions(evidence_weight=0.1, network_weight=1.0, scale_hz=60.0)


@pytest.fixture(scope="module")
def cases() -> list[FusionCase]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cases_module, "MATRIX", 48)
        patch.setattr(cases_module, "RANDOM_SIZE", 40)
        return list(fusion_cases(4, 1, load_networks()))


def first_echoes(case: FusionCase, n: int) -> FusionCase:
    """The same slice, as a scan that ends after `n` echoes sees it."""
    given = case.given
    scan = Scan.of(given.scan.te_s[:n], given.scan.field_strength_t, given.scan.spectrum)
    field, body = torch.zeros(given.mask.shape), torch.zeros_like(given.mask)
    field[given.mask], body[given.mask] = case.true_field_hz, case.body
    return next(iter(cases_module._case(given.echoes[:n], scan, field, body, given.networks)))


def test_cases_know_their_truth(cases: list[FusionCase]) -> None:
    assert len(cases) >= 5
    for case in cases:
        assert not bool(case.swapped(case.true_field_hz).any())
        distance = case.given.scan.swap_hz
        assert bool(case.swapped(case.true_field_hz + distance).all())
        right = ~case.swapped(case.candidates.field_hz)
        assert float(right.any(0)[case.body].float().mean()) > 0.5


class Drawn(Exception):
    """Raised in place of a simulated scan."""


@pytest.mark.parametrize("mixture", [HARD, USUAL])
def test_what_goes_wrong_goes_wrong_as_often_as_told(mixture: Mixture, monkeypatch: pytest.MonkeyPatch) -> None:
    steep: list[bool] = []
    scans: list[dict[str, float]] = []

    def acquire(tissue: object, protocol: Protocol, rng: np.random.Generator, artefacts: Artefacts, **_: float) -> None:
        scans.append({"bipolar": protocol.bipolar_phase_rad, "ghost": artefacts.ghost, "motion_mm": artefacts.motion_mm})
        raise Drawn

    monkeypatch.setattr(cases_module, "abdomen", lambda *_, **__: None)
    monkeypatch.setattr(cases_module, "_with_steep_field", lambda *_: steep.append(True))
    monkeypatch.setattr(cases_module, "acquire", acquire)
    rng, generator, n = np.random.default_rng(0), torch.Generator().manual_seed(0), 600
    networks = load_networks()
    for patient in range(n):
        with pytest.raises(Drawn):
            next(iter(cases_module._of_abdomen(patient, mixture, rng, generator, networks)))
    still = [scan for scan in scans if not scan["motion_mm"]]
    found = {
        "steep": len(steep) / n,
        "motion": 1 - len(still) / n,
        "ghost": sum(scan["ghost"] > 0 for scan in still) / len(still),
        "bipolar": sum(scan["bipolar"] != 0 for scan in scans) / n,
    }
    assert found == pytest.approx({name: getattr(mixture, name) for name in found}, abs=0.05)


def test_what_is_calibrated_on_was_not_learned_from(monkeypatch: pytest.MonkeyPatch) -> None:
    patients: dict[Mixture, set[int]] = {HARD: set(), USUAL: set()}
    monkeypatch.setattr(cases_module, "_of_abdomen", lambda patient, mixture, *_: patients[mixture].add(patient) or ())
    monkeypatch.setattr(cases_module, "_case", lambda *_: ("a random slice",))
    drawn = {mixture: list(fusion_cases(9, 5, load_networks(), mixture)) for mixture in patients}
    assert [len(drawn[HARD]), len(drawn[USUAL])] == [3, 0]
    assert all(len(numbers) == 9 for numbers in patients.values())
    assert not patients[HARD] & patients[USUAL]


def test_weights_that_are_kept_stay_and_only_p_swap_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_module, "MATRIX", 48)
    asked = ["train", "fusion", "--keep-weights", "--calibration-cases", "4", "--seed", "1", "--to", str(tmp_path / "out")]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0, told.output
    before, after = Learned.of(load_networks().settings), Learned.of(load_networks(directory=tmp_path / "out").settings)
    assert after.fusion == before.fusion
    assert after.calibration != before.calibration
    card = " ".join((tmp_path / "out" / "G_phi.md").read_text(encoding="utf-8").split())
    assert "weights kept, P(swap) calibrated on 4 other abdomens, seed 1" in card


def test_networks_without_weights_have_none_to_keep(fresh_models: Path, tmp_path: Path) -> None:
    asked = ["train", "fusion", "--keep-weights", "--models", str(fresh_models), "--to", str(tmp_path / "out")]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code != 0
    assert "carry no weights of the fusion to keep" in " ".join(told.output.split())
    assert not (tmp_path / "out").exists()


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
    monkeypatch.setattr(fusion_fit, "BALANCES_THREE", (3.0, 0.1))
    monkeypatch.setattr(fusion_fit, "COUPLINGS", (1.0, 0.5))
    monkeypatch.setattr(fusion_fit, "SCALES", (1.0, 2.0))
    more = [case for case in cases if case.candidates.n_echoes > 3]
    three = [first_echoes(case, 3) for case in more]
    start = FusionOptions(cut=3.0, scale_hz=10.0, ring_weights=(0.1, 0.2, 0.3, 0.4))
    nats: list[float] = []
    found = choose_balance([*more, *three], start, lambda _, mean: nats.append(mean))
    assert len(nats) == 8
    assert nats[6] != nats[7]  # three echoes do follow the weight of their own
    best = [int(np.argmin(nats[n : n + 2])) for n in (0, 2, 4, 6)]
    assert (found.evidence_weight, found.network_weight) == fusion_fit.BALANCES[best[0]]
    assert found.ring_weights == pytest.approx([(1.0, 0.5)[best[1]] * w for w in start.ring_weights])
    assert found.scale_hz == (10.0, 20.0)[best[2]]
    assert found.network_weight_three == fusion_fit.BALANCES_THREE[best[3]]
    assert found.cut == 3.0


def test_without_cases_of_a_kind_its_weights_stay(cases: list[FusionCase], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion_fit, "BALANCES", ((1.0, 0.04),))
    more = [case for case in cases if case.candidates.n_echoes > 3][:1]
    found = choose_balance(more, FusionOptions(network_weight_three=0.33), lambda *_: None)
    assert found.network_weight_three == 0.33


def test_calibration_meets_the_rate_of_swaps_where_it_was_learned(cases: list[FusionCase]) -> None:
    seen: list[tuple[int, float]] = []
    found = calibrate(iter(cases), FusionOptions(), lambda done, share: seen.append((done, share)))
    assert [done for done, _ in seen] == list(range(1, len(cases) + 1))
    assert (found.score[0], found.score[-1]) == (0.0, 1.0)
    assert np.all(np.diff(found.score) > 0)
    assert np.all(np.diff(found.calibrated) >= 0)
    stated, swapped = [], []
    for case in cases:
        evidence, wrong = fusion_fit._swaps(case, FusionOptions())
        stated.append(found(evidence)[case.body])
        swapped.append(wrong[case.body])
    stated_all, rate = torch.cat(stated), torch.cat(swapped).float().mean()
    assert 0 < float(rate) < 0.5
    assert float(stated_all.mean()) == pytest.approx(float(rate), rel=0.15)


def test_regression_finds_the_weights_that_made_the_swaps() -> None:
    rng = np.random.default_rng(4)
    ranges = ((0.001, 0.6), (0.001, 0.6), (1.0, 9.0), (0.0, 1.0), (3.0, 100.0))
    evidence = SwapEvidence(*(torch.tensor(rng.uniform(low, high, 60_000)) for low, high in ranges))
    made = SwapCalibration(0.4, 0.3, 0.9, 0.5, 1.2, 0.4)
    wrong = (torch.rand(60_000, generator=torch.Generator().manual_seed(1)) < made(evidence)).double().numpy()
    found = fusion_fit._logistic_regression(evidence.terms().double().numpy(), wrong)
    for name in ("intercept", "own", "around", "misfit", "jumps", "snr"):
        assert getattr(found, name) == pytest.approx(getattr(made, name), abs=0.15)


def test_settings_are_stored_in_the_file_and_the_card(fresh_models: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(fresh_models, tmp_path / "models"))
    learned = Learned(
        FusionOptions(cut=3.5), SwapCalibration(-1.0, 0.5, 0.5, 0.3, 0.2, 0.1, (0.0, 1.0), (0.05, 0.7)), calibrated=True
    )
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
