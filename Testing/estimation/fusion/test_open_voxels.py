"""Voxels whose mode is beyond doubt: which they are, and that leaving them out of the fusion changes nothing."""

from __future__ import annotations

import pytest
import torch
from fixture_types import Voxels

from AIDEALLib.estimation.fusion.open_voxels import open_voxels
from AIDEALLib.estimation.fusion.posterior import mode_posterior
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.candidates import largest, pick, wrap
from AIDEALLib.estimation.voxelwise.neighbours import Neighbours
from AIDEALLib.estimation.voxelwise.refinement import main_candidate, with_other_candidates
from AIDEALLib.estimation.voxelwise.slice_input import Scan, SliceInput
from AIDEALLib.physics.spectrum import SIX_PEAK

SIZE, NOISE = 24, 0.02
OPTIONS = FusionOptions()
MIDDLE = SIZE * SIZE // 2 + SIZE // 2


def square(te_s: torch.Tensor, voxels: Voxels, field: torch.Tensor) -> tuple[SliceInput, Neighbours]:
    """A square of tissue with lean and fat halves under a given field, as the network would hand it over without an error."""
    scan, mask = Scan.of(te_s, 1.5, SIX_PEAK), torch.ones(SIZE, SIZE, dtype=torch.bool)
    pdff = torch.where(torch.arange(SIZE * SIZE) % SIZE < SIZE // 2, 10.0, 60.0)
    echoes = voxels(te_s, pdff, field, 40.0, noise_sd=NOISE).to(torch.complex64)
    given = SliceInput(
        scan=scan,
        networks=None,  # type: ignore[arg-type]
        echoes=echoes.reshape(-1, SIZE, SIZE),
        mask=mask,
        voxels=echoes,
        q=torch.full((32, SIZE * SIZE), 1 / 32),
        field_hz=field.reshape(SIZE, SIZE),
        field_variance=torch.ones(SIZE * SIZE),
        rough_noise=torch.tensor(NOISE),
    )
    return given, Neighbours.of(mask)


def smooth_field() -> torch.Tensor:
    return torch.linspace(-40, 60, SIZE).repeat(SIZE)


def opened(given: SliceInput, neighbours: Neighbours, start_hz: torch.Tensor) -> torch.Tensor:
    main = main_candidate(given.voxels, start_hz, given.scan.period_hz, given.scan.basis)
    return open_voxels(main, len(given.voxels), torch.tensor(NOISE), given.scan, neighbours, OPTIONS)


def test_the_fusion_of_open_voxels_is_that_of_all(te_s: torch.Tensor, voxels: Voxels) -> None:
    given, neighbours = square(te_s, voxels, smooth_field())
    scan = given.scan
    start = smooth_field()
    start[MIDDLE : MIDDLE + 3] += scan.fat_shift_hz  # the network is wrong there
    main = main_candidate(given.voxels, start, scan.period_hz, scan.basis)
    free = open_voxels(main, len(given.voxels), torch.tensor(NOISE), scan, neighbours, OPTIONS)
    assert 0 < len(free) < 0.5 * SIZE * SIZE
    every = torch.arange(SIZE * SIZE)
    chosen = []
    for voxels_refined in (free, every):
        candidates = with_other_candidates(main, voxels_refined, given.voxels, scan.fat_shift_hz, scan.basis)
        found = mode_posterior(given, candidates, torch.tensor(NOISE), neighbours, OPTIONS, voxels_refined)
        assert torch.allclose(found.posterior.sum(0), torch.ones(SIZE * SIZE), atol=1e-5)
        chosen.append(pick(found.candidates.field_hz, largest(found.posterior)))
    assert float(wrap(chosen[0] - chosen[1], scan.period_hz).abs().max()) < 0.5
    assert float(wrap(chosen[0] - smooth_field(), scan.period_hz).abs().max()) < 40


def test_a_swapped_start_and_its_surroundings_are_open(te_s: torch.Tensor, voxels: Voxels) -> None:
    given, neighbours = square(te_s, voxels, smooth_field())
    start = smooth_field()
    start[MIDDLE] += given.scan.fat_shift_hz
    free = set(opened(given, neighbours, start).tolist())
    assert {MIDDLE, MIDDLE - 1, MIDDLE + 1, MIDDLE - SIZE, MIDDLE + SIZE} <= free


def test_voxels_beside_a_jump_of_the_field_are_open(te_s: torch.Tensor, voxels: Voxels) -> None:
    rows = torch.arange(SIZE * SIZE) // SIZE
    field = torch.where(rows < SIZE // 2, 0.0, 100.0)
    given, neighbours = square(te_s, voxels, field)
    free = set(opened(given, neighbours, field).tolist())
    assert {MIDDLE, MIDDLE - SIZE} <= free


@pytest.mark.parametrize("swapped", [False, True])
def test_three_echoes_are_all_open(te_s: torch.Tensor, voxels: Voxels, swapped: bool) -> None:
    given, neighbours = square(te_s[:3], voxels, smooth_field())
    start = smooth_field() + (given.scan.fat_shift_hz if swapped else 0.0)
    assert opened(given, neighbours, start).tolist() == list(range(SIZE * SIZE))


def test_noise_opens_voxels(te_s: torch.Tensor, voxels: Voxels) -> None:
    given, neighbours = square(te_s, voxels, smooth_field())
    main = main_candidate(given.voxels, smooth_field(), given.scan.period_hz, given.scan.basis)
    few, many = (
        len(open_voxels(main, 6, torch.tensor(noise), given.scan, neighbours, OPTIONS)) for noise in (NOISE, 10 * NOISE)
    )
    assert few < 0.3 * SIZE * SIZE
    assert many == SIZE * SIZE
