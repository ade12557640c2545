"""P(swap) before calibration, by Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion.swap_probability import raw_swap_probability

PERIOD, SHIFT = 476.0, -192.0


def test_raw_probability_is_that_of_a_mixture_of_normals() -> None:
    posterior = torch.tensor([[0.7], [0.2], [0.1]])
    field = torch.tensor([[10.0], [-180.0], [200.0]])
    variance = torch.tensor([[40.0**2], [5.0**2], [60.0**2]])
    found = raw_swap_probability(posterior, field, variance, torch.tensor([10.0]), PERIOD, SHIFT)
    rng = np.random.default_rng(0)
    mode = rng.choice(3, 400_000, p=posterior[:, 0].numpy() / posterior[:, 0].numpy().sum())
    drawn = field[:, 0].numpy()[mode] + variance[:, 0].sqrt().numpy()[mode] * rng.standard_normal(mode.size)
    apart = drawn - 10.0
    apart -= PERIOD * np.round(apart / PERIOD)
    assert float(found) == pytest.approx(np.mean(np.abs(apart) > 96.0), abs=0.004)


def test_modes_in_one_minimum_and_no_noise_leave_no_swap() -> None:
    posterior = torch.tensor([[0.5], [0.5]])
    field, variance = torch.tensor([[3.0], [4.0]]), torch.full((2, 1), 1.0)
    assert float(raw_swap_probability(posterior, field, variance, field[0], PERIOD, SHIFT)) == pytest.approx(0.0, abs=1e-6)


def test_where_nothing_is_known_it_is_about_the_share_of_the_period_beyond_half_a_shift() -> None:
    posterior = torch.full((3, 1), 1 / 3)
    field = torch.tensor([[0.0], [SHIFT], [-SHIFT]])
    found = raw_swap_probability(posterior, field, torch.full((3, 1), 1.0), field[0], PERIOD, SHIFT)
    assert float(found) == pytest.approx(2 / 3, abs=1e-3)
