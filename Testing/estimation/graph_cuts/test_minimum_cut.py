"""The binary minimum against every assignment there is."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from AIDEALLib.estimation.graph_cuts.minimum_cut import BinaryEnergy


def value(energy: BinaryEnergy, x: np.ndarray) -> float:
    apart = x[energy.first] != x[energy.second]
    return float(energy.unary[x].sum() + energy.weight[apart].sum())


def random_energy(seed: int, voxels: int, coupling: float) -> BinaryEnergy:
    rng = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(voxels), 2)))
    pairs = pairs[rng.random(len(pairs)) < 0.6]
    return BinaryEnergy(rng.normal(size=voxels), pairs[:, 0], pairs[:, 1], coupling * rng.random(len(pairs)))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), voxels=st.integers(2, 10), log_coupling=st.floats(-2, 1.5))
def test_no_assignment_is_lower(seed: int, voxels: int, log_coupling: float) -> None:
    energy = random_energy(seed, voxels, 10**log_coupling)
    least = min(value(energy, np.array(x)) for x in itertools.product([False, True], repeat=voxels))
    assert value(energy, energy.minimiser()) == pytest.approx(least, abs=1e-7)


def test_many_of_these_need_a_cut() -> None:
    left = [random_energy(seed, 8, 0.5)._decided_alone()[1].sum() for seed in range(50)]
    assert np.mean(np.array(left) > 0) > 0.3


def test_costs_over_many_orders_of_magnitude() -> None:
    energy = BinaryEnergy(np.array([-1e9, 1e-3, 3e8]), np.array([0, 1]), np.array([1, 2]), np.array([5e8, 1e8]))
    assert energy.minimiser().tolist() == [True, True, False]


def test_nothing_to_gain_leaves_everything() -> None:
    pairs = np.array([0, 1])
    assert not BinaryEnergy(np.zeros(3), pairs, pairs + 1, np.ones(2)).minimiser().any()
    assert not BinaryEnergy(np.zeros(3), pairs, pairs + 1, np.zeros(2)).minimiser().any()
    assert BinaryEnergy(np.array([-1.0]), pairs[:0], pairs[:0], np.zeros(0)).minimiser().tolist() == [True]
