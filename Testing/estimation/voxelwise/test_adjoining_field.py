"""The cost of a field unlike that of the adjoining slice."""

from __future__ import annotations

import pytest
import torch

from AIDEALLib.estimation.voxelwise.adjoining_field import HALF_AT, MOST_NATS, AdjoiningField

PERIOD_HZ, TYPICAL_HZ = 400.0, 10.0
BESIDE = AdjoiningField(torch.tensor([0.0, 30.0]), torch.tensor([1.0, 0.25]), TYPICAL_HZ)
BOTH, NO_NOISE = torch.arange(2), torch.zeros(2)


def cost(apart_hz: float, variance: torch.Tensor = NO_NOISE) -> list[float]:
    return BESIDE.cost_nats((BESIDE.field_hz + apart_hz)[None], variance, PERIOD_HZ, BOTH)[0].tolist()


def test_equal_fields_cost_nothing_also_a_period_apart() -> None:
    assert cost(0.0) == [0.0, 0.0]
    assert cost(PERIOD_HZ) == pytest.approx([0.0, 0.0], abs=1e-6)


def test_cost_is_half_at_the_stated_difference_and_in_proportion_to_the_weight() -> None:
    assert cost(HALF_AT * TYPICAL_HZ) == pytest.approx([MOST_NATS / 2, MOST_NATS / 8])


def test_cost_is_bounded_and_less_where_noise_may_have_moved_the_field() -> None:
    assert cost(195.0)[0] < MOST_NATS
    assert cost(60.0, torch.full((2,), 900.0))[0] < 0.8 * cost(60.0)[0]
