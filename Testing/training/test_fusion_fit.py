"""The fusion's weights: gradients are right, and learning lowers the loss."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.training import fusion_cases as cases_module
from AIDEALLib.training import fusion_fit
from AIDEALLib.training.fusion_cases import FusionCase
from AIDEALLib.training.fusion_fit import choose_balance, learn_weights, true_mode_nats

POOR = FusionOptions(evidence_weight=0.1, network_weight=1.0, scale_hz=60.0)


def first_echoes(case: FusionCase, n: int) -> FusionCase:
    """The same slice, as a scan that ends after `n` echoes sees it."""
    given = case.given
    scan = Scan.of(given.scan.te_s[:n], given.scan.field_strength_t, given.scan.spectrum)
    field, body = torch.zeros(given.mask.shape), torch.zeros_like(given.mask)
    field[given.mask], body[given.mask] = case.true_field_hz, case.body
    return next(iter(cases_module._case(given.echoes[:n], scan, field, body, given.networks)))


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
