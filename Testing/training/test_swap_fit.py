"""The calibration of P(swap) meets the rate of swaps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion.swap_calibration import SwapCalibration, SwapEvidence
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.training import swap_fit
from AIDEALLib.training.fusion_cases import FusionCase
from AIDEALLib.training.swap_fit import calibrate, estimated_swaps


def test_calibration_meets_the_rate_of_swaps_where_it_was_learned(cases: list[FusionCase]) -> None:
    seen: list[tuple[int, float]] = []
    found = calibrate(iter(cases), FusionOptions(), lambda done, share: seen.append((done, share)))
    assert [done for done, _ in seen] == list(range(1, len(cases) + 1))
    assert (found.score[0], found.score[-1]) == (0.0, 1.0)
    assert np.all(np.diff(found.score) > 0)
    assert np.all(np.diff(found.calibrated) >= 0)
    stated, swapped = [], []
    for case in cases:
        evidence, wrong = estimated_swaps(case, FusionOptions())
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
    found = swap_fit._logistic_regression(evidence.terms().double().numpy(), wrong)
    for name in ("intercept", "own", "around", "misfit", "jumps", "snr"):
        assert getattr(found, name) == pytest.approx(getattr(made, name), abs=0.15)
