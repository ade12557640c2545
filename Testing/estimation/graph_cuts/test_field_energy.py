"""Moves of the field against every move there is, and the jumps they are made of."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from AIDEALLib.estimation.graph_cuts.field_energy import FieldEnergy
from AIDEALLib.estimation.graph_cuts.field_moves import Jumps, local_minima


def by_definition(residual: np.ndarray, labels: np.ndarray, smoothness: float, extra: float) -> float:
    """Misfit plus weighted squared differences of the eight neighbours, written out voxel by voxel."""
    bins, rows, columns = residual.shape
    curvature = np.empty((rows, columns))
    for r, c in np.ndindex(rows, columns):
        j = residual[:, r, c]
        k = int(j.argmin())
        curvature[r, c] = abs(j[k - 1] + j[(k + 1) % bins] - 2 * j[k])
    curvature += extra * curvature.mean()
    energy = 0.0
    for own in np.ndindex(rows, columns):
        energy += residual[labels[own] % bins, own[0], own[1]]
        for other in np.ndindex(rows, columns):
            if own < other and max(abs(own[0] - other[0]), abs(own[1] - other[1])) == 1:
                distance = np.hypot(own[0] - other[0], own[1] - other[1])
                weight = smoothness / distance * min(curvature[own], curvature[other])
                energy += weight * (labels[own] - labels[other]) ** 2
    return energy


@pytest.mark.parametrize("seed", range(12))
def test_a_move_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, columns, bins = ((3, 3), (2, 5), (4, 2), (1, 6))[seed % 4] + (7 + seed % 3,)
    residual = rng.random((bins, rows, columns))
    smoothness = 10 ** rng.uniform(-2.5, 0.5)
    energy = FieldEnergy.of(residual, smoothness, 0.05)
    labels = rng.integers(-bins, 2 * bins, rows * columns)
    step = rng.integers(0, bins, rows * columns) * rng.choice([-1, 1])
    values = [
        by_definition(residual, np.where(x, labels + step, labels).reshape(rows, columns), smoothness, 0.05)
        for x in itertools.product([False, True], repeat=rows * columns)
    ]
    moved = energy.best_move(labels, step)
    assert energy.value(moved) == pytest.approx(min(values), rel=1e-9)
    assert by_definition(residual, moved.reshape(rows, columns), smoothness, 0.05) == pytest.approx(min(values), rel=1e-9)


def test_energy_never_rises() -> None:
    rng = np.random.default_rng(1)
    energy = FieldEnergy.of(rng.random((16, 12, 14)), 0.02, 0.05)
    labels = rng.integers(0, 16, 12 * 14)
    values = [energy.value(labels)]
    for _ in range(30):
        labels = energy.best_move(labels, rng.integers(0, 9, labels.size) * rng.choice([-1, 1]))
        values.append(energy.value(labels))
    assert np.all(np.diff(values) <= 0)
    assert values[-1] < 0.5 * values[0]


def test_a_period_leaves_the_misfit_and_counts_as_a_jump() -> None:
    rng = np.random.default_rng(2)
    energy = FieldEnergy.of(rng.random((9, 3, 3)), 0.1, 0.0)
    labels = rng.integers(0, 9, 9)
    assert np.array_equal(energy.misfit(labels), energy.misfit(labels - 9))
    assert energy.value(labels + 9) == pytest.approx(energy.value(labels))
    torn = np.where(np.arange(9) < 3, 4, 4 + 9)
    assert energy.largest_jump(torn) == 9
    assert np.array_equal(energy.best_move(torn, np.full(9, -9)), np.full(9, 4))


def test_local_minima_are_deep_and_inside() -> None:
    turns = np.arange(24)[:, None] / 24 * 2 * np.pi
    residual = np.repeat(1.2 - np.cos(2 * turns) - 0.1 * np.cos(turns), 2, axis=1)
    mask = np.array([True, False])
    found = local_minima(residual, mask, 0.3)
    assert np.flatnonzero(found[:, 0]).tolist() == [0, 12]
    assert not found[:, 1].any()
    assert np.flatnonzero(local_minima(residual, mask, 0.01)[:, 0]).tolist() == [0]


def test_jumps_lead_to_the_next_minimum_around_the_circle() -> None:
    minima = np.zeros((10, 2), bool)
    minima[[2, 6], 0] = True
    jumps = Jumps.of(minima, nearest=2)
    for start, up, down in ((2, 4, 6), (6, 6, 4), (0, 2, 4), (5, 7, 3), (7, 5, 5)):
        labels = np.array([start + 30, start - 30])
        assert jumps.step(labels, True, 3).tolist() == [up, 3]
        assert jumps.step(labels, False, 3).tolist() == [-down, -3]
