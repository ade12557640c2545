"""What neighbours propose: consensus against a direct count, and a lone voxel whose candidates all missed."""

from __future__ import annotations

import numpy as np
import torch

from AIDEALLib.estimation.fusion.proposals import NEAR_SHARE, consensus_field, with_proposals
from AIDEALLib.estimation.voxelwise.candidates import Candidates, wrap
from AIDEALLib.estimation.voxelwise.neighbours import OFFSETS, RINGS, Neighbours
from AIDEALLib.estimation.voxelwise.slice_input import Scan
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import fit

PERIOD = 476.0
SIZE = 9
MIDDLE = SIZE * (SIZE // 2) + SIZE // 2


def neighbours(size: int = SIZE) -> Neighbours:
    return Neighbours.of(torch.ones(size, size, dtype=torch.bool))


def test_consensus_is_the_field_most_neighbours_share() -> None:
    rng = np.random.default_rng(3)
    field = np.where(rng.random((SIZE, SIZE)) < 0.35, 180.0, 10.0) + rng.normal(0, 4, (SIZE, SIZE))
    field[4, 4] = -120.0
    found = consensus_field(torch.tensor(field).flatten(), neighbours(), PERIOD, 40.0)
    places = {(4 + row, 4 + column): 1 / RINGS[ring][0] for row, column, ring in OFFSETS}
    support = {place: sum(w for other, w in places.items() if abs(field[other] - field[place]) < 40) for place in places}
    centre = max(support, key=lambda place: support[place])
    members = [place for place in places if abs(field[place] - field[centre]) < 40]
    expected = np.average([field[m] for m in members], weights=[places[m] for m in members])
    assert abs(float(found[MIDDLE]) - expected) < 1e-4


def test_a_voxel_that_its_neighbours_agree_with_keeps_its_own() -> None:
    field = 10 + 5 * torch.randn(SIZE * SIZE, generator=torch.Generator().manual_seed(0))
    assert torch.equal(consensus_field(field, neighbours(), PERIOD, 40.0), field)


def test_the_seam_of_the_period_does_not_part_neighbours() -> None:
    field = torch.where(torch.arange(SIZE * SIZE) % 2 == 0, PERIOD / 2 - 4, -PERIOD / 2 + 4)
    field[MIDDLE] = 0.0
    found = consensus_field(field, neighbours(), PERIOD, 40.0)[MIDDLE]
    assert abs(float(wrap(found - PERIOD / 2, PERIOD))) < 6


def test_a_voxel_none_of_whose_candidates_is_right_gets_one(te_s: torch.Tensor, voxels) -> None:
    scan = Scan.of(te_s, 1.5, SIX_PEAK)
    n = SIZE * SIZE
    s = voxels(te_s, torch.full((n,), 20.0), 15.0, 40.0, noise_sd=0.02).to(torch.complex64)
    decay = torch.full((n,), 40.0)
    fields = torch.stack([torch.full((n,), 15.0), torch.full((n,), 15.0 + scan.fat_shift_hz), torch.full((n,), 120.0)])
    fields[:, MIDDLE] = torch.tensor([-200.0, 170.0, 120.0])
    candidates = Candidates(fields, decay.repeat(3, 1), tuple(fit(s, f, decay, scan.basis) for f in fields), 6, PERIOD)
    cost = torch.tensor([0.0, 3.0, 9.0])[:, None].repeat(1, n)
    chosen = torch.zeros(n, dtype=torch.long)
    found, numbers = with_proposals(candidates, cost, chosen, s, scan, neighbours(), torch.tensor(0.02))
    assert numbers.tolist() == [MIDDLE]
    assert torch.equal(found.field_hz[:2], fields[:2])  # the costliest gave way
    assert abs(float(found.field_hz[2, MIDDLE]) - 15.0) < 8
    assert float(found.residual_energy[2, MIDDLE]) < 0.2 * float(candidates.residual_energy[:, MIDDLE].min())
    rest = torch.arange(n) != MIDDLE
    assert torch.equal(found.field_hz[:, rest], fields[:, rest])
    unchanged, none = with_proposals(
        found, cost, chosen.clone().scatter(0, numbers, 2), s, scan, neighbours(), torch.tensor(0.02)
    )
    assert unchanged is found
    assert none.numel() == 0
    assert NEAR_SHARE * abs(scan.fat_shift_hz) > 8
