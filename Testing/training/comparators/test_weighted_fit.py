"""The linear step of AI-DEAL as published."""

from __future__ import annotations

import torch

from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.training.comparators.weighted_fit import weighted_fit

TE = torch.tensor(PAPER.te_s)


def test_noise_free_water_and_fat_are_found_and_the_covariance_is_that_of_repeated_noise() -> None:
    modulation = SIX_PEAK.modulation(TE.double(), 1.5).to(torch.complex64)
    field, r2star = torch.full((1, 1, 4000), 35.0), torch.full((1, 1, 4000), 60.0)
    water, fat = torch.full_like(field, 0.8) * (1 + 0j), torch.full_like(field, 0.2) * (1 + 0j)
    echoes = synthesise(water, fat, field, r2star, TE, modulation)
    clean = weighted_fit(echoes, field, r2star, TE, modulation, torch.ones_like(echoes.real))
    assert torch.allclose(clean.water, water, atol=1e-4)
    assert torch.allclose(clean.fat, fat, atol=1e-4)
    sd = torch.tensor([0.02, 0.02, 0.03, 0.03, 0.05, 0.05]).reshape(6, 1, 1, 1)
    noise = torch.view_as_complex(torch.randn(*echoes.shape, 2, generator=torch.Generator().manual_seed(0)))
    noisy = weighted_fit(echoes + sd * noise, field, r2star, TE, modulation, (sd**2).expand(echoes.shape))
    assert torch.allclose(noisy.fat.real.var(), noisy.fat_variance.mean(), rtol=0.1)
    assert torch.allclose(noisy.water.real.var(), noisy.water_variance.mean(), rtol=0.1)
