"""Prior of a voxel's field from its neighbours: against a direct sum, over edges, and by Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion import field_prior as module
from AIDEALLib.estimation.fusion.field_prior import (
    BEND_HZ,
    OUTLIER_SD,
    PREDICTION_FLOOR_HZ,
    ROUGHNESS_HZ,
    UNKNOWN_HZ2,
    field_prior,
)
from AIDEALLib.estimation.voxelwise.neighbours import RINGS, Neighbours

PERIOD = 476.0


def everyone(size: int) -> Neighbours:
    return Neighbours.of(torch.ones(size, size, dtype=torch.bool))


def test_one_pass_is_the_inverse_variance_mean_of_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PASSES", 1)
    rng = np.random.default_rng(0)
    field, variance = rng.normal(30, 6, (9, 9)), rng.uniform(1, 40, (9, 9))
    mean, spread = field_prior(
        torch.tensor(field).flatten(),
        torch.tensor(variance).flatten(),
        Neighbours.of(torch.ones(9, 9, dtype=torch.bool)),
        PERIOD,
        3.0,
    )
    weights, values = [], []

    def near(apart: float, other: float) -> bool:
        return bool(apart**2 < OUTLIER_SD**2 * (other + variance[4, 4]))

    def alone(place: tuple[int, int], distance: float) -> float:
        return float(variance[place] + (2 * ROUGHNESS_HZ * distance) ** 2)

    for distance, half in RINGS:
        for rows, columns in half:
            sides = (4 + rows, 4 + columns), (4 - rows, 4 - columns)
            good = [place for place in sides if near(field[place] - field[4, 4], alone(place, distance))]
            middle = (field[sides[0]] + field[sides[1]]) / 2
            between = (variance[sides[0]] + variance[sides[1]]) / 4 + (2 * BEND_HZ * distance) ** 2
            if len(good) == 2 and near(middle - field[4, 4], between):
                weights.append(1 / between)
                values.append(middle)
            else:
                weights += [1 / alone(place, distance) for place in good]
                values += [field[place] for place in good]
    assert float(mean[40]) == pytest.approx(np.average(values, weights=weights), abs=1e-5)
    assert float(spread[40]) == pytest.approx(1 / sum(weights) + (2 * PREDICTION_FLOOR_HZ) ** 2, rel=1e-5)


@pytest.mark.parametrize("shape", ["step", "corner"])
def test_a_pair_that_straddles_an_edge_is_no_pair(shape: str) -> None:
    y, x = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    beyond = (x >= 8) if shape == "step" else (x >= 8) | (y >= 8)
    field = torch.where(beyond, 200.0, 0.0)
    mean, variance = field_prior(field.flatten(), torch.full((256,), 100.0), everyone(16), PERIOD, 1.5)
    assert torch.allclose(mean, field.flatten(), atol=1e-3)
    assert float(variance.max()) < 12.0**2  # those on the voxel's own side still count


def test_where_one_side_is_missing_the_neighbour_alone_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PASSES", 1)
    mask = torch.zeros(3, 3, dtype=torch.bool)
    mask[1, 1] = mask[1, 2] = True
    mean, spread = field_prior(torch.tensor([10.0, 16.0]), torch.tensor([50.0, 4.0]), Neighbours.of(mask), PERIOD, 1.5)
    assert float(mean[0]) == pytest.approx(16.0)
    assert float(spread[0]) == pytest.approx(4.0 + ROUGHNESS_HZ**2 + PREDICTION_FLOOR_HZ**2)


def test_a_slope_is_followed() -> None:
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    slope = 9 * x + 6 * y - 150
    mean, variance = field_prior(slope.flatten(), torch.full((400,), 400.0), everyone(20), PERIOD, 1.5)
    inner = torch.zeros(20, 20, dtype=torch.bool)
    inner[8:-8, 8:-8] = True  # each pass reaches four voxels
    assert torch.allclose(mean[inner.flatten()], slope[inner], atol=1e-3)
    assert float(variance[inner.flatten()].max()) < 8.0**2


def test_neighbours_across_an_edge_do_not_count() -> None:
    field = torch.zeros(12, 12)
    field[:, 6:] = 200.0
    variance = torch.full((144,), 4.0)
    mean, _ = field_prior(field.flatten(), variance, everyone(12), PERIOD, 1.5)
    assert torch.allclose(mean, field.flatten(), atol=1e-3)


def test_the_seam_of_the_period_is_no_edge() -> None:
    field = torch.where(torch.arange(100) % 2 == 0, PERIOD / 2 - 3, -PERIOD / 2 + 3)
    mean, _ = field_prior(field, torch.full((100,), 4.0), everyone(10), PERIOD, 1.5)
    distance = mean - PERIOD / 2
    assert float((distance - PERIOD * torch.round(distance / PERIOD)).abs().max()) < 4


def test_an_isolated_voxel_has_no_prior() -> None:
    mask = torch.zeros(5, 5, dtype=torch.bool)
    mask[2, 2] = True
    mean, variance = field_prior(torch.tensor([12.0]), torch.tensor([9.0]), Neighbours.of(mask), PERIOD, 1.5)
    assert float(mean) == 12.0
    assert float(variance) >= UNKNOWN_HZ2


def test_stated_variance_covers_the_error_of_the_prediction() -> None:
    """A smooth field measured with noise: the prediction's error over its stated SD stays within a normal's spread."""
    generator = torch.Generator().manual_seed(3)
    y, x = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1, 1, 48), indexing="ij")
    true = 60 * x + 40 * y * y
    own = torch.full((48 * 48,), 20.0**2)
    noisy = true.flatten() + 20 * torch.randn(48 * 48, generator=generator)
    mean, variance = field_prior(noisy, own, everyone(48), PERIOD, 1.5)
    inner = torch.zeros(48, 48, dtype=torch.bool)
    inner[4:-4, 4:-4] = True
    z = ((mean - true.flatten()) / variance.sqrt())[inner.flatten()]
    assert float(z.square().mean().sqrt()) < 1.0
    assert float((mean - true.flatten())[inner.flatten()].std()) < 8.0  # of 20 before
