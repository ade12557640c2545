"""Rice's distribution and the signal model of magnitudes, against sampling and the complex model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.physics.magnitude_signal import (
    magnitude_bound_pdff_sd,
    magnitude_model,
    rician_information,
    rician_log_likelihood,
    rician_mean,
    rician_score,
)
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK


def rice(true: float, count: int = 400_000) -> torch.Tensor:
    rng = np.random.default_rng(1)
    return torch.from_numpy(np.abs(true + rng.normal(size=count) + 1j * rng.normal(size=count)))


@pytest.mark.parametrize("true", [0.0, 0.5, 1.5, 4.0, 30.0])
def test_rices_mean_score_and_information_match_sampling(true: float) -> None:
    samples, value = rice(true), torch.tensor(true, dtype=torch.float64)
    assert float(rician_mean(value, torch.tensor(1.0))) == pytest.approx(float(samples.mean()), abs=0.006)
    score = rician_score(samples, value, torch.tensor(1.0))
    assert float(score.mean()) == pytest.approx(0, abs=0.006)
    assert float(rician_information(value)) == pytest.approx(float(score.square().mean()), abs=0.006)


def test_score_is_the_slope_of_the_likelihood() -> None:
    true = torch.linspace(0.1, 8, 40, dtype=torch.float64, requires_grad=True)
    measured, noise = torch.tensor(2.5, dtype=torch.float64), torch.tensor(1.3, dtype=torch.float64)
    (slope,) = torch.autograd.grad(rician_log_likelihood(measured, true, noise).sum(), true)
    torch.testing.assert_close(rician_score(measured, true, noise).detach() / noise**2, slope)


def test_model_is_the_length_of_the_complex_one(te_s: torch.Tensor) -> None:
    fraction = torch.linspace(-0.1, 1.1, 13, dtype=torch.float64)
    total, r2star = torch.full_like(fraction, 3.0), torch.linspace(0, 300, 13, dtype=torch.float64)
    modulation = SIX_PEAK.modulation(te_s, 1.5)
    phase = torch.polar(torch.ones_like(total), torch.linspace(0, 6, 13, dtype=torch.float64))
    field = torch.linspace(-90, 90, 13, dtype=torch.float64)
    echoes = synthesise(total * (1 - fraction) * phase, total * fraction * phase, field, r2star, te_s, modulation)
    torch.testing.assert_close(magnitude_model(total, fraction, r2star, te_s, modulation).values, echoes.abs())


def test_jacobian_is_the_derivative(te_s: torch.Tensor) -> None:
    theta = tuple(torch.tensor(v, dtype=torch.float64) for v in (2.0, 0.3, 60.0))
    modulation = SIX_PEAK.modulation(te_s, 3.0)

    def values(total: torch.Tensor, fraction: torch.Tensor, r2star: torch.Tensor) -> torch.Tensor:
        return magnitude_model(total, fraction, r2star, te_s, modulation).values

    by_autograd = torch.autograd.functional.jacobian(values, theta)
    found = magnitude_model(theta[0], theta[1], theta[2], te_s, modulation).jacobian
    torch.testing.assert_close(found, torch.stack(by_autograd))


def test_bound_scales_with_noise_and_grows_where_fat_cannot_be_distinguished(te_s: torch.Tensor) -> None:
    pdff = torch.tensor([10.0, 20.0])
    at_50, at_100 = (magnitude_bound_pdff_sd(pdff, 40.0, snr, te_s, 1.5, SIX_PEAK) for snr in (50.0, 100.0))
    torch.testing.assert_close(at_50, 2 * at_100, rtol=0.01, atol=0)
    turning = magnitude_bound_pdff_sd(torch.tensor([10.0, 60.0]), 40.0, 50.0, te_s, 1.5, SIX_PEAK)
    assert turning[1] > 2 * turning[0]
