"""Whole regions: islands that are swapped together move together, and only when that lowers the energy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from AIDEALLib.estimation.fusion.mode_energy import ModeEnergy
from AIDEALLib.estimation.fusion.regions import connected, move_regions
from AIDEALLib.estimation.fusion.smoothness import Smoothness
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.candidates import wrap
from AIDEALLib.estimation.voxelwise.neighbours import RINGS, Neighbours

PERIOD, SWAP = 476.0, -192.0
OPTIONS = FusionOptions(ring_weights=(0.5, 0.35, 0.25, 0.12), scale_hz=20.0, distance_power=1.0, cut=9.0)


def scene(island_evidence: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A 16x16 foreground with an island of 5x5: mask, fields and costs of (right, swapped, swapped the other way)."""
    mask = torch.ones(16, 16, dtype=torch.bool)
    field = torch.tensor([10.0, 10 + SWAP, 10 - SWAP])[:, None] + torch.linspace(0, 8, 256)
    unary = torch.tensor([0.0, 3.0, 6.0])[:, None].repeat(1, 256)
    inside = torch.zeros(16, 16, dtype=torch.bool)
    inside[5:10, 5:10] = True
    unary[:, inside.flatten()] = torch.tensor([island_evidence, 0.0, 6.0])[:, None]
    return mask, field, unary


def mode_energy(mask: torch.Tensor, unary: torch.Tensor, field: torch.Tensor) -> ModeEnergy:
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    return ModeEnergy(unary, field, torch.zeros(256), smoothness, PERIOD, SWAP)


def total_energy(chosen: torch.Tensor, unary: torch.Tensor, field: torch.Tensor) -> float:
    """Energy of an assignment on the 16x16 scene, pair by pair."""
    own = field.gather(0, chosen[None])[0].reshape(16, 16)
    energy = float(unary.gather(0, chosen[None]).sum())
    for (distance, half), weight in zip(RINGS, OPTIONS.ring_weights, strict=True):
        for rows, columns in half:
            for i in range(16):
                for j in range(16):
                    if 0 <= i + rows < 16 and 0 <= j + columns < 16:
                        jump = float(wrap(own[i, j] - own[i + rows, j + columns], PERIOD)) / (OPTIONS.scale_hz * distance)
                        energy += weight * OPTIONS.cut * jump**2 / (jump**2 + OPTIONS.cut)
    return energy


def island(mask: torch.Tensor) -> torch.Tensor:
    chosen = torch.zeros(16, 16, dtype=torch.long)
    chosen[5:10, 5:10] = 1
    return chosen.flatten()


def test_a_swapped_island_returns_as_a_whole() -> None:
    mask, field, unary = scene(island_evidence=1.0)  # each voxel alone slightly prefers the swap
    start = island(mask)
    found = move_regions(start, mode_energy(mask, unary, field))
    assert not torch.any(found)
    assert total_energy(found, unary, field) < total_energy(start, unary, field)


def test_an_island_with_strong_evidence_stays() -> None:
    mask, field, unary = scene(island_evidence=60.0)
    start = island(mask)
    result = move_regions(start, mode_energy(mask, unary, field))
    assert torch.equal(result, start)


def test_the_largest_region_is_the_reference() -> None:
    mask, field, unary = scene(island_evidence=60.0)
    start = torch.ones(256, dtype=torch.long)  # all swapped: only the evidence of every voxel shows which is right
    result = move_regions(start, mode_energy(mask, unary, field))
    assert torch.equal(result, start)


def test_a_candidate_that_counts_for_nothing_bars_no_region() -> None:
    """Two candidates in one minimum, the first of them made costly since it would count twice."""
    mask, field, unary = scene(island_evidence=1.0)
    field = torch.cat([field[:1] + 0.5, field])
    unary = torch.cat([unary[:1] + 30.0, unary])
    start = island(mask) + 1
    found = move_regions(start, mode_energy(mask, unary, field))
    assert bool((found == 1).all())


def test_noise_in_the_fields_lowers_what_a_border_costs() -> None:
    mask, field, _ = scene(island_evidence=1.0)
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    region = island(mask)
    now, then = field[0], torch.where(region > 0, field[1], field[0])
    quiet, noisy = (smoothness.border_change(now, then, torch.full((256,), v), region, PERIOD) for v in (0.0, 60.0**2))
    inside = region > 0
    assert float(quiet[inside].sum()) > float(noisy[inside].sum()) > 0
    pairs = smoothness.penalties(torch.stack([now, then]), torch.full((256,), 60.0**2), PERIOD).reshape(256, 2, -1, 2)
    voxel = int(torch.arange(256)[inside][0])
    across = (smoothness.neighbours.index[voxel] < 256) & (region[smoothness.neighbours.index[voxel].clamp_max(255)] == 0)
    expected = (pairs[voxel, 1, :, 0] - pairs[voxel, 0, :, 0])[across].sum()
    assert float(noisy[voxel]) == pytest.approx(float(expected), rel=1e-4)


def test_borders_of_some_voxels_are_those_of_all() -> None:
    mask, field, _ = scene(island_evidence=1.0)
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    region, variance, some = island(mask), torch.full((256,), 9.0), torch.tensor([70, 85, 86, 200])
    both = smoothness.border_change(field[0], field[1:], variance, region, PERIOD)
    assert both.shape == (2, 256)
    for then, change in zip(field[1:], both, strict=True):
        assert torch.equal(change, smoothness.border_change(field[0], then, variance, region, PERIOD))
    found = smoothness.border_change(field[0], field[1:, some], variance, region, PERIOD, some)
    assert torch.allclose(found, both[:, some])
    assert bool((found != 0).any())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7, 0.98, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 50)])
def test_components_are_those_of_scipy(shape: tuple[int, int], share: float) -> None:
    draw = torch.Generator().manual_seed(round(100 * share))
    mask = torch.rand(shape, generator=draw) < 0.9
    mask[0, 0] = True
    first, second = Neighbours.of(mask).adjacent_pairs()
    joined = torch.rand(len(first), generator=draw) < share
    voxels, first, second = int(mask.sum()), first[joined], second[joined]
    found, count = connected(voxels, first, second)
    graph = coo_array((np.ones(len(first)), (first.numpy(), second.numpy())), shape=(voxels, voxels))
    expected_count, expected = connected_components(graph, directed=False)
    assert count == expected_count
    np.testing.assert_array_equal(found, expected)
