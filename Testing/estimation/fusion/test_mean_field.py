"""The posterior of the mode: exact enumeration on tiny grids, and who wins where."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from AIDEALLib.estimation.fusion.mean_field import (
    evidence_nats,
    fuse,
    implausibility_nats,
    network_mass,
    soft_cap,
    unary_nats,
)
from AIDEALLib.estimation.fusion.mode_energy import ModeEnergy
from AIDEALLib.estimation.fusion.smoothness import Smoothness
from AIDEALLib.estimation.fusion.weights import FusionOptions
from AIDEALLib.estimation.voxelwise.candidates import Candidates, wrap
from AIDEALLib.estimation.voxelwise.neighbours import RINGS, Neighbours
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit

PERIOD = 476.0
SWAP = -192.0
FIELD_T = 1.5


def posterior(
    unary: torch.Tensor, field: torch.Tensor, mask: torch.Tensor, options: FusionOptions, noise_hz: float = 0.0
) -> torch.Tensor:
    smoothness = Smoothness.of(Neighbours.of(mask), options, FIELD_T)
    energy = ModeEnergy(unary, field, torch.full_like(field[0], noise_hz**2), smoothness, PERIOD, SWAP)
    return fuse(energy, options)


def coupled(strength: float, sweeps: int = 30) -> FusionOptions:
    """Options whose neighbours count `strength` times as much as by default."""
    default = FusionOptions()
    return FusionOptions(ring_weights=tuple(strength * w for w in default.ring_weights), sweeps=sweeps)


def exact_marginals(
    unary: torch.Tensor, field: torch.Tensor, mask: torch.Tensor, options: FusionOptions, noise_hz: float = 0.0
) -> torch.Tensor:
    """Marginals of the Gibbs distribution by enumerating every assignment; each neighbouring pair counts once."""
    candidates, voxels = unary.shape
    places = mask.nonzero().tolist()
    pairs = []
    for (i, a), (j, b) in itertools.combinations(enumerate(places), 2):
        apart = (abs(b[0] - a[0]), abs(b[1] - a[1]))
        for (distance, half), weight in zip(RINGS, options.ring_weights, strict=True):
            if apart in {(abs(r), abs(c)) for r, c in half}:
                pairs.append((i, j, distance, weight))
    marginals = torch.zeros(candidates, voxels, dtype=torch.float64)
    for assignment in itertools.product(range(candidates), repeat=voxels):
        energy = sum(float(unary[c, v]) for v, c in enumerate(assignment))
        for i, j, distance, weight in pairs:
            scale = options.scale_hz * distance**options.distance_power * FIELD_T / 1.5
            x = float(wrap(field[assignment[i], i] - field[assignment[j], j], PERIOD)) ** 2 / (scale**2 + 2 * noise_hz**2)
            energy += weight * options.cut * x / (x + options.cut)
        for v, c in enumerate(assignment):
            marginals[c, v] += math.exp(-energy)
    return marginals / marginals.sum(0)


def grid_problem(mask: torch.Tensor, candidates: int = 3, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    voxels = int(mask.sum())
    field = torch.tensor([0.0, SWAP, -SWAP])[:candidates, None] + 6 * torch.randn(candidates, voxels, generator=generator)
    return 2 * torch.rand(candidates, voxels, generator=generator), field


@pytest.mark.parametrize(("seed", "noise_hz"), [(0, 0.0), (1, 0.0), (2, 20.0), (3, 60.0)])
def test_weak_coupling_is_nearly_exact(seed: int, noise_hz: float) -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    unary, field = grid_problem(mask, seed=seed)
    options = coupled(0.25, sweeps=60)
    exact = exact_marginals(unary, field, mask, options, noise_hz)
    found = posterior(unary, field, mask, options, noise_hz).double()
    alone = torch.softmax(-unary, 0).double()
    error, without = float((found - exact).abs().max()), float((alone - exact).abs().max())
    assert error < 0.01
    assert without > 0.01  # the neighbours do matter here, less so where noise explains their jumps
    assert error < 0.2 * without
    assert torch.allclose(found.sum(0), torch.ones(6, dtype=torch.float64), atol=1e-5)


def test_holes_in_the_mask_do_not_count() -> None:
    mask = torch.tensor([[True, False, True], [True, True, False]])
    unary, field = grid_problem(mask)
    options = coupled(0.25, sweeps=60)
    exact = exact_marginals(unary, field, mask, options)
    found = posterior(unary, field, mask, options).double()
    assert float((found - exact).abs().max()) < 0.01


def test_strong_coupling_takes_the_side_of_the_exact_answer() -> None:
    mask = torch.ones(2, 3, dtype=torch.bool)
    unary, field = grid_problem(mask, candidates=2, seed=5)
    options = FusionOptions()
    exact = exact_marginals(unary, field, mask, options)
    found = posterior(unary, field, mask, options).double()
    assert torch.equal(found.argmax(0), exact.argmax(0))


def test_smooth_field_wins_over_weak_evidence_of_one_voxel() -> None:
    mask = torch.ones(9, 9, dtype=torch.bool)
    field = torch.tensor([0.0, SWAP])[:, None].expand(2, 81).contiguous()
    unary = torch.tensor([0.0, 5.0])[:, None].repeat(1, 81)
    unary[:, 40] = torch.tensor([4.0, 0.0])
    found = posterior(unary, field, mask, FusionOptions())
    assert float(found[0, 40]) > 0.95
    alone = posterior(unary, field, mask, coupled(1e-9))
    assert float(alone[0, 40]) < 0.05


def test_strong_evidence_wins_over_the_smooth_field() -> None:
    mask = torch.ones(12, 12, dtype=torch.bool)
    field = torch.tensor([0.0, SWAP])[:, None].expand(2, 144).contiguous()
    right = (torch.arange(144) % 12) >= 6
    unary = torch.stack([torch.where(right, 30.0, 0.0), torch.where(right, 0.0, 30.0)])
    found = posterior(unary, field, mask, FusionOptions())
    assert torch.equal(found[1] > 0.5, right)


def test_fields_across_the_seam_are_neighbours() -> None:
    mask = torch.ones(1, 2, dtype=torch.bool)
    field = torch.tensor([[PERIOD / 2 - 2, -PERIOD / 2 + 2], [0.0, 60.0]])
    found = posterior(torch.zeros(2, 2), field, mask, coupled(8.0))
    assert bool((found[0] > 0.9).all())


def test_network_mass_counts_the_bins_around_on_the_circle() -> None:
    bins = 32
    q = torch.full((bins, 3), 0.001)
    q[[0, 30], :] = torch.tensor([[0.5], [0.3]])
    width = PERIOD / bins
    at_seam = -PERIOD / 2 + 0.5 * width
    mass = network_mass(q, torch.tensor([[at_seam, at_seam + 2 * width, 10.0]]), PERIOD)[0]
    assert mass.tolist() == pytest.approx([0.803, 0.504, 0.005], abs=1e-6)
    assert float(network_mass(torch.zeros(bins, 1), torch.zeros(1, 1), PERIOD)) == pytest.approx(1e-6)


def test_unary_is_capped_evidence_and_belief(te_s: torch.Tensor, voxels) -> None:
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    s = voxels(te_s, [10.0, 10.0], 0.0, 40.0).to(torch.complex64)
    decay = torch.full((2,), 40.0)
    fields = torch.tensor([[0.0, 0.0], [SWAP, SWAP]])
    candidates = Candidates(fields, torch.stack([decay, decay]), tuple(fit(s, f, decay, basis) for f in fields), 6, PERIOD)
    mass = torch.tensor([[0.5, 0.1], [0.25, 0.9]])
    options = FusionOptions(evidence_cap=12.0, network_weight=0.2)
    sure = unary_nats(candidates, mass, torch.tensor(1e-3), options)
    assert sure[1].tolist() == pytest.approx([12 - 0.2 * math.log(0.25), 12 - 0.2 * math.log(0.9)], abs=1e-4)
    vague = unary_nats(candidates, mass, torch.tensor(1e6), options) + 0.2 * mass.log()
    quiet = unary_nats(candidates, mass, torch.tensor(2e6), options) + 0.2 * mass.log()
    assert torch.allclose(vague, quiet, atol=1e-4)  # only the plausibility of the candidates themselves is left


def test_two_candidates_in_one_minimum_count_once(te_s: torch.Tensor, voxels) -> None:
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    s = voxels(te_s, [10.0, 10.0], 0.0, 40.0).to(torch.complex64)
    decay = torch.full((2,), 40.0)
    fields = torch.tensor([[0.5, 0.0], [0.0, 150.0], [1.0, 151.0]])  # the first voxel's second is at the minimum
    candidates = Candidates(fields, decay.repeat(3, 1), tuple(fit(s, f, decay, basis) for f in fields), 6, PERIOD)
    assert candidates.duplicates.tolist() == [[True, False], [False, True], [True, False]]
    cost = unary_nats(candidates, torch.ones(3, 2), torch.tensor(1e6), FusionOptions())
    assert bool((cost[candidates.duplicates] > 20).all()) and bool((cost[~candidates.duplicates] < 5).all())


def test_the_network_has_its_own_weight_for_three_echoes(te_s: torch.Tensor, voxels) -> None:
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    s = voxels(te_s, [10.0], 0.0, 40.0).to(torch.complex64)
    linear_fit = fit(s, torch.zeros(1), torch.full((1,), 40.0), basis)
    mass = torch.tensor([[math.exp(-2.0)]])
    options = FusionOptions(network_weight=0.1, network_weight_three=0.5)

    def cost(n_echoes: int, mass: torch.Tensor) -> float:
        candidates = Candidates(torch.zeros(1, 1), torch.full((1, 1), 40.0), (linear_fit,), n_echoes, PERIOD)
        return float(unary_nats(candidates, mass, torch.tensor(1.0), options))

    assert cost(6, mass) - cost(6, torch.ones(1, 1)) == pytest.approx(0.2, abs=1e-5)
    assert cost(3, mass) - cost(3, torch.ones(1, 1)) == pytest.approx(1.0, abs=1e-5)


def test_evidence_of_a_voxel_that_does_not_follow_the_model_counts_less() -> None:
    sigma, n_echoes = torch.tensor(1.0), 6
    expected = 2 * n_echoes - 6  # mean of the residual energy in noise alone
    clean = torch.tensor([[expected], [expected + 20.0]])
    spoiled = clean + 2 * expected
    options = FusionOptions(evidence_weight=1.0, misfit=1.0)
    assert float(evidence_nats(clean, sigma, n_echoes, options)[1]) == pytest.approx(10.0)
    assert float(evidence_nats(spoiled, sigma, n_echoes, options)[1]) == pytest.approx(10.0 / 3)
    assert float(evidence_nats(spoiled, sigma, 3, options)[1]) == pytest.approx(10.0)  # nothing to temper by


def test_fast_decay_is_less_plausible_in_fat_than_in_water(te_s: torch.Tensor, voxels) -> None:
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    cost = {}
    for decay in (30.0, 300.0):
        s = voxels(te_s, [2.0, 98.0], 0.0, decay).to(torch.complex64)
        r2star = torch.full((1, 2), decay)
        candidates = Candidates(torch.zeros(1, 2), r2star, (fit(s, torch.zeros(2), r2star[0], basis),), 6, PERIOD)
        cost[decay] = implausibility_nats(candidates, torch.tensor(1e-3), FusionOptions(decay_weight=1.0))[0].tolist()
    assert cost[30.0][1] == pytest.approx(cost[30.0][0], abs=1e-3)
    assert cost[300.0][0] == pytest.approx(0.5 * (math.log(300 / 40) / 1.2) ** 2, abs=1e-3)
    assert cost[300.0][1] == pytest.approx(0.5 * (math.log(300 / 40) / 0.6) ** 2, abs=1e-3)


def test_noise_explains_a_phase_of_fat_against_water(te_s: torch.Tensor, voxels) -> None:
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    clean = voxels(te_s, [10.0] * 500, 0.0, 40.0).to(torch.complex64)
    noise = 0.5 * float(clean.abs().max())
    generator = torch.Generator().manual_seed(0)
    s = clean + noise * torch.complex(*torch.randn(2, *clean.shape, generator=generator))
    zero, decay = torch.zeros(500), torch.full((500,), 40.0)
    candidates = Candidates(zero[None], decay[None], (fit(s, zero, decay, basis),), 6, PERIOD)
    cost = [float(implausibility_nats(candidates, torch.tensor(sd), FusionOptions())[0].mean()) for sd in (1e-3, noise)]
    assert cost[0] > 1
    assert cost[1] < 0.5  # half the squared deviation over its variance at most


def test_soft_cap_is_the_cost_at_first_and_level_at_last() -> None:
    nats = torch.tensor([0.0, 2.0, 1000.0])
    assert soft_cap(nats, 30.0).tolist() == pytest.approx([0.0, 2.0, 30.0], abs=1e-4)
