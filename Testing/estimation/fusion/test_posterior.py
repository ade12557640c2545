"""Partial updates after proposals and between sweeps equal a full computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.fusion import mean_field as module
from AIDEALLib.estimation.fusion.mean_field import fuse, mean_field, network_mass, unary_nats
from AIDEALLib.estimation.fusion.mode_energy import ModeEnergy
from AIDEALLib.estimation.fusion.posterior import PROPOSAL_ROUNDS, mode_posterior
from AIDEALLib.estimation.fusion.proposals import with_proposals
from AIDEALLib.estimation.fusion.smoothness import Smoothness
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.candidates import Candidates, wrap
from AIDEALLib.estimation.voxelwise.neighbours import OFFSETS, Neighbours
from AIDEALLib.estimation.voxelwise.refinement import refined_candidates
from AIDEALLib.estimation.voxelwise.slice_input import Scan, SliceInput
from AIDEALLib.physics.spectrum import SIX_PEAK

PERIOD, SWAP = 476.0, -192.0
OPTIONS = FusionOptions()


def disc(size: int) -> torch.Tensor:
    """A round foreground with a hole."""
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    distance = ((x - size / 2) ** 2 + (y - size / 2) ** 2).sqrt()
    return (distance < size / 2 - 1) & (distance > 2)


def problem(mask: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Costs and fields (candidate, voxels), variances: mostly clear, in doubt here and there."""
    generator = torch.Generator().manual_seed(seed)
    voxels = int(mask.sum())
    field = torch.tensor([0.0, SWAP, -SWAP])[:, None] + 8 * torch.randn(3, voxels, generator=generator)
    unary = torch.tensor([0.0, 14.0, 20.0])[:, None] + 2 * torch.rand(3, voxels, generator=generator)
    doubtful = torch.rand(voxels, generator=generator) < 0.1
    unary[:, doubtful] = 3 * torch.rand(3, int(doubtful.sum()), generator=generator)
    return unary, field, 30 * torch.rand(voxels, generator=generator)


def swept(unary: np.ndarray, penalties: np.ndarray, index: np.ndarray, q: np.ndarray, sweeps: int) -> np.ndarray:
    """Damped mean-field sweeps over all voxels, one after the other, in double precision; (candidate, voxels)."""
    candidates, voxels = unary.shape
    pairs = penalties.reshape(voxels, candidates, -1, candidates)
    for _ in range(sweeps):
        new = np.empty_like(q)
        for v in range(voxels):
            cost = unary[:, v].copy()
            for offset, other in enumerate(index[v]):
                if other < voxels:
                    cost += pairs[v, :, offset] @ q[:, other]
            odds = np.exp(cost.min() - cost)
            new[:, v] = OPTIONS.damping * q[:, v] + (1 - OPTIONS.damping) * odds / odds.sum()
        q = new
    return q


@pytest.mark.parametrize("restarted", [False, True])
def test_sweeps_over_what_moves_are_sweeps_over_everything(restarted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    mask = disc(28)
    unary, field, variance = problem(mask, 3)
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    start = None
    if restarted:  # at the end of other sweeps, with other candidates at a few places since
        start = mean_field(unary, smoothness.penalties(field, variance, PERIOD), smoothness, FusionOptions(sweeps=15))
        unary[:, 100:110] = torch.tensor([6.0, 0.0, 5.0])[:, None]
        field[1, 100:110] = 5.0
    penalties = smoothness.penalties(field, variance, PERIOD)
    updated = []
    message = module._message

    def counted(q: torch.Tensor, penalties: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
        updated.append(len(index))
        return message(q, penalties, index)

    monkeypatch.setattr(module, "_message", counted)
    options = FusionOptions(sweeps=12)
    found = mean_field(unary, penalties, smoothness, options, start)
    first = torch.softmax(-unary, 0) if start is None else start
    arrays = (x.double().numpy() for x in (unary, penalties))
    expected = swept(*arrays, smoothness.neighbours.index.numpy(), first.double().numpy(), options.sweeps)
    assert np.abs(found.numpy() - expected).max() < 2e-3
    assert np.abs(first.numpy() - expected).max() > 0.1  # there was something to find
    assert updated[0] == int(mask.sum())
    assert sum(updated) < (0.3 if restarted else 0.9) * options.sweeps * updated[0]


def test_sweeps_pass_gradients_on() -> None:
    mask = disc(12)
    unary, field, variance = problem(mask, 5)
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    penalties = smoothness.penalties(field, variance, PERIOD)
    scale = torch.tensor(1.0, requires_grad=True)

    def doubt(scale: torch.Tensor | float) -> torch.Tensor:
        return mean_field(unary * scale, penalties * scale, smoothness, OPTIONS)[1:].double().sum()

    doubt(scale).backward()
    assert scale.grad is not None
    assert float(scale.grad) == pytest.approx(float(doubt(1.01) - doubt(0.99)) / 0.02, rel=0.02)


def test_updated_pair_costs_are_those_of_a_full_computation() -> None:
    mask = disc(20)
    _, field, variance = problem(mask, 4)
    smoothness = Smoothness.of(Neighbours.of(mask), OPTIONS, 1.5)
    penalties = smoothness.penalties(field, variance, PERIOD)
    changed = torch.tensor([3, 50, 51, int(mask.sum()) - 1])
    field[1, changed] += 40
    variance[changed] *= 2
    assert not torch.equal(penalties, smoothness.penalties(field, variance, PERIOD))
    smoothness.update(penalties, changed, field, variance, PERIOD)
    assert torch.equal(penalties, smoothness.penalties(field, variance, PERIOD))


def test_voxels_around_are_those_within_reach() -> None:
    mask = disc(20)
    places = mask.nonzero()
    some = torch.tensor([0, 77, 78])
    reach = {(0, 0), *((row, column) for row, column, _ in OFFSETS)}
    expected = [n for n, place in enumerate(places) if any(tuple((place - places[v]).tolist()) in reach for v in some)]
    assert Neighbours.of(mask).near(some).nonzero()[:, 0].tolist() == expected


def lonely_slice(te_s: torch.Tensor, voxels) -> tuple[SliceInput, Candidates, torch.Tensor]:
    """A slice whose field distribution is far off in some voxels, so that no candidate is right there; candidates, noise."""
    scan, mask = Scan.of(te_s, 1.5, SIX_PEAK), disc(24)
    count = int(mask.sum())
    field = torch.linspace(-20, 30, count)
    noise = torch.tensor(0.02)
    echoes = voxels(te_s, torch.full((count,), 20.0), field, 40.0, noise_sd=float(noise)).to(torch.complex64)
    lost = torch.arange(10, count, 37)
    believed = field.clone()
    believed[lost] += 90.0
    inside = torch.zeros(mask.shape)
    inside[mask] = believed
    q = torch.full((32, count), 1 / 32)
    given = SliceInput(
        scan=scan,
        networks=None,  # type: ignore[arg-type]
        echoes=echoes,
        mask=mask,
        voxels=echoes,
        q=q,
        field_hz=inside,
        field_variance=torch.ones(count),
        rough_noise=noise,
    )
    candidates = refined_candidates(echoes, believed, scan.fat_shift_hz, scan.period_hz, scan.basis)
    fields = candidates.field_hz.clone()
    fields[:, lost] = wrap(believed[lost] + torch.tensor([0.0, scan.fat_shift_hz, -scan.fat_shift_hz])[:, None], scan.period_hz)
    return given, Candidates(fields, candidates.r2star_per_s, candidates.fits, 6, scan.period_hz), noise


def test_updating_what_changed_equals_a_full_computation(te_s: torch.Tensor, voxels) -> None:
    given, candidates, noise = lonely_slice(te_s, voxels)
    scan, neighbours, evidence_noise = given.scan, Neighbours.of(given.mask), given.evidence_noise(noise)
    found = mode_posterior(given, candidates, noise, neighbours, OPTIONS)

    posterior, proposed = None, 0
    for turn in range(PROPOSAL_ROUNDS + 1):
        mass = network_mass(given.q, candidates.field_hz, scan.period_hz)
        unary = unary_nats(candidates, mass, evidence_noise, OPTIONS)
        smoothness = Smoothness.of(neighbours, OPTIONS, 1.5)
        fields, variance = candidates.field_hz, candidates.field_variance(noise)
        energy = ModeEnergy(unary, fields, variance, smoothness, scan.period_hz, scan.fat_shift_hz)
        posterior = fuse(energy, OPTIONS, posterior)
        if turn == PROPOSAL_ROUNDS:
            break
        args = (unary, posterior.argmax(0), given.voxels, scan, neighbours, evidence_noise)
        candidates, new = with_proposals(candidates, *args)
        proposed += new.numel()
        if not new.numel():
            break
    assert proposed >= 10
    assert torch.equal(found.candidates.field_hz, candidates.field_hz)
    assert torch.allclose(found.posterior, posterior, atol=1e-5)
