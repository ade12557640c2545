"""Method `refined`: candidates with exact evidence, fused with the network's belief and a smooth field."""

from __future__ import annotations

from dataclasses import fields, replace

import torch

from ..physics.variable_projection import EchoBasis, LinearFit, fit
from .candidates import Candidates, refined_candidates, search_r2star, wrap
from .field_prior import UNKNOWN_HZ2, field_prior
from .fusion import fuse, network_mass, unary_nats
from .fusion_options import FusionOptions
from .learned import Learned
from .mixed_fit import mixed_modes
from .mode import Mode, Solution, mixture_variance, mode_at, select
from .neighbours import Neighbours
from .proposals import with_proposals
from .refinement import LOWEST_R2STAR_PER_S, GaussianPrior, gauss_newton
from .slice_input import SliceInput
from .smoothness import Smoothness
from .stopwatch import Stopwatch
from .swap_probability import raw_swap_probability

NEGLIGIBLE_SHARE = 0.05
"""A prior that would move a field by less than this share of the way is not applied."""
PRIOR_STEPS = 4
PROPOSAL_ROUNDS = 2


def refined(given: SliceInput, watch: Stopwatch, learned: Learned) -> Solution:
    """Refine every mode, weigh them against each other, report the most probable."""
    scan, options = given.scan, learned.fusion
    with watch("refinement"):
        candidates = refined_candidates(given.voxels, given.field_hz[given.mask], scan.fat_shift_hz, scan.period_hz, scan.basis)
        noise = given.noise(candidates.residual_energy.amin(0))
    with watch("fusion"):
        neighbours = Neighbours.of(given.mask)
        smoothness = Smoothness.of(neighbours, options, scan.field_strength_t)
        posterior = fused(given, candidates, noise, smoothness, options)
        for _ in range(PROPOSAL_ROUNDS):
            candidates, new = with_proposals(candidates, posterior.argmax(0), given.voxels, scan, neighbours, noise)
            if not new.numel():
                break
            posterior = fused(given, candidates, noise, smoothness, options, posterior)
    with watch("least squares"):
        modes: list[Mode] = [
            mode_at(_within_limits(at, r2star, scan.basis), field, r2star, noise)
            for at, field, r2star in zip(candidates.fits, candidates.field_hz, candidates.r2star_per_s, strict=True)
        ]
        chosen = posterior.argmax(0)
        if given.mixed:
            modes, noise = mixed_modes(given.voxels, modes, scan.basis)
            best = select(modes, chosen)
        else:
            best = with_field_prior(select(modes, chosen), given, neighbours, noise)
        # The reported mode knows its field as well as its neighbours let it.
        reported = torch.nn.functional.one_hot(chosen, len(modes)).t().bool()
        fields_hz = torch.where(reported, best.field_hz, candidates.field_hz)
        variances = torch.where(reported, best.field_variance, torch.stack([m.field_variance for m in modes]))
        raw = raw_swap_probability(posterior, fields_hz, variances, best.field_hz, scan.period_hz, scan.fat_shift_hz)
        return Solution(best, learned.calibration(raw), mixture_variance(best, modes, posterior), noise)


def fused(
    given: SliceInput,
    candidates: Candidates,
    noise: torch.Tensor,
    smoothness: Smoothness,
    options: FusionOptions,
    start: torch.Tensor | None = None,
) -> torch.Tensor:
    """Posterior of the candidates, (candidate, voxels)."""
    scan = given.scan
    mass = network_mass(given.q, candidates.field_hz, scan.period_hz)
    unary = unary_nats(candidates, mass, given.evidence_noise(noise), options)
    return fuse(unary, candidates.field_hz, smoothness, scan.period_hz, scan.fat_shift_hz, options, start)


def with_field_prior(best: Mode, given: SliceInput, neighbours: Neighbours, noise: torch.Tensor) -> Mode:
    """Fit voxels again under the field their neighbours predict, where their own echoes hardly know it (`field_prior`)."""
    scan = given.scan
    field = wrap(best.field_hz, scan.period_hz)
    mean, variance = field_prior(field, best.field_variance, neighbours, scan.period_hz, scan.field_strength_t)
    own = best.field_variance.clamp_max(UNKNOWN_HZ2)
    voxels = (own > NEGLIGIBLE_SHARE * (own + variance)).nonzero()[:, 0]
    if not voxels.numel():
        return best
    echoes, mean, variance, own = given.voxels[:, voxels], mean[voxels], variance[voxels], own[voxels]
    flat = torch.full_like(variance, 1e12)
    start = mean + wrap(field[voxels] - mean, scan.period_hz) * variance / (variance + own)
    r2star = search_r2star(echoes, start, scan.basis)  # that of another field would not do
    at = gauss_newton(echoes, start, r2star, scan.basis, PRIOR_STEPS, GaussianPrior(mean, variance, r2star, flat, noise))
    there = fit(echoes, at.field_hz, at.r2star_per_s, scan.basis)
    # At the maximum a posteriori the data's pull is balanced by the prior's: no step is left to take.
    there = _settled(there, torch.ones_like(voxels, dtype=torch.bool))
    again = mode_at(there, at.field_hz, at.r2star_per_s, noise, variance, flat)
    return Mode(*(getattr(best, f.name).index_copy(0, voxels, getattr(again, f.name)) for f in fields(Mode)))


def _within_limits(at: LinearFit, r2star_per_s: torch.Tensor, basis: EchoBasis) -> LinearFit:
    """The fit without a step left to take where R2* stands at the end of its range: the step would lead out of it."""
    margin = 1e-3 * basis.fastest_decay_per_s
    inside = (r2star_per_s > LOWEST_R2STAR_PER_S + margin) & (r2star_per_s < basis.fastest_decay_per_s - margin)
    return _settled(at, ~inside)


def _settled(at: LinearFit, where: torch.Tensor) -> LinearFit:
    return replace(at, slope=torch.where(where, torch.zeros_like(at.slope), at.slope))
