"""Method `refined`: candidates with exact evidence, fused with the network's belief and a smooth field."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...physics.signal import residual_degrees_of_freedom
from ...physics.variable_projection import EchoBasis, SplitEchoes, fit
from ..fusion.field_prior import UNKNOWN_HZ2, field_prior
from ..fusion.pdff_variance import FURTHEST_SD, pdff_variance_over_field, pooled_pdff_variance
from ..fusion.posterior import mode_posterior
from ..fusion.swap_calibration import SwapEvidence
from ..fusion.swap_probability import raw_swap_probability
from ..fusion.weights import REFERENCE_FIELD_T, FusionOptions
from ..timing import Stopwatch
from ..voxelwise.candidates import largest, pick, refined_candidates, search_r2star, wrap
from ..voxelwise.gauss_newton import LOWEST_R2STAR_PER_S, GaussianPrior, gauss_newton
from ..voxelwise.mixed_fit import mixed_modes
from ..voxelwise.mode import Mode, Solution, mixture_variance, mode_from_fit, select, with_reported, with_swap_probability
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.noise import noise_from_decay
from ..voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from .context import MethodContext

NEGLIGIBLE_SHARE = 0.05
"""A prior that would move a field by less than this share of the way is not applied."""
PRIOR_STEPS = 4
SHARED_ERROR_HZ = 5.0
"""What neighbours err in common at 1.5 T (strong iron biases all their fields alike): it enters the stated SD of the field, in
the share in which they decided it."""
STRAIGHT_SHARE = 0.03
"""Within this share of the way to the swapped field PDFF is as good as linear in the field."""
BASE_RATE = 0.01
"""P(swap) up to here says how often scans of such a kind are swapped at all, nothing of the voxel: it enters no voxel's SD."""


@dataclass(frozen=True)
class Found:
    """What the voxels of a slice were found to be, before P(swap) is calibrated.

    Attributes
    ----------
    best : the reported mode; modes : all of them; reported : bool (mode, voxels).
    posterior : (mode, voxels). by_noise : P(swap) that noise in the reported mode alone accounts for, (voxels,).
    evidence : of a swap. noise_sd : per real channel, scalar.
    """

    best: Mode
    modes: list[Mode]
    reported: torch.Tensor
    posterior: torch.Tensor
    by_noise: torch.Tensor
    evidence: SwapEvidence
    noise_sd: torch.Tensor


def refined(given: SliceEchoes, context: MethodContext) -> Solution:
    """Refine every mode, compare them under a smooth field, report the most probable."""
    watch, learned = context.watch, context.learned
    with watch("network"):
        believed = SliceInput.of(given, context.networks())
    found = find_modes(believed, watch, learned.fusion)
    with watch("least squares"):
        swap = learned.calibration(found.evidence)
        other_mode = (swap - found.by_noise - BASE_RATE).clamp_min(0)
        probability = with_swap_probability(found.posterior, found.reported, other_mode)
        return Solution(found.best, swap, mixture_variance(found.best, found.modes, probability), found.noise_sd)


def find_modes(given: SliceInput, watch: Stopwatch, options: FusionOptions) -> Found:
    """Modes of all voxels, the most probable one of each, and what speaks for a swap."""
    scan = given.scan
    with watch("refinement"):
        candidates = refined_candidates(given.voxels, given.field_hz[given.mask], scan.fat_shift_hz, scan.period_hz, scan.basis)
        noise = given.noise(candidates.residual_energy.amin(0))
    with watch("fusion"):
        neighbours = Neighbours.of(given.mask)
        found = mode_posterior(given, candidates, noise, neighbours, options)
        candidates, posterior = found.candidates, found.posterior
    with watch("least squares"):
        chosen = largest(posterior)
        reported = torch.nn.functional.one_hot(chosen, len(posterior)).t().bool()
        free = torch.stack([_free(r2star, scan.basis) for r2star in candidates.r2star_per_s])
        if candidates.n_echoes == 3:
            r2star, curvature = (pick(x, chosen) for x in (candidates.r2star_per_s, candidates.curvature))
            noise = noise_from_decay(r2star, curvature, neighbours, given.rough_noise)
        else:  # the least residual of several modes was too low: noise chose among them
            noise = given.noise(pick(candidates.residual_energy, chosen))
        modes: list[Mode] = [
            # at an end of the range of R2* a step would lead out of it
            mode_from_fit(at.with_zero_slope(~inside), field, r2star, noise)
            for at, inside, field, r2star in zip(
                candidates.fits, free, candidates.field_hz, candidates.r2star_per_s, strict=True
            )
        ]
        if given.mixed:
            modes, noise = mixed_modes(given.voxels, modes, chosen, scan.basis)
            best = select(modes, chosen)
        else:
            best = with_field_prior(select(modes, chosen), given, neighbours, noise)
        best = replace(best, pdff_variance=pooled_pdff_variance(best, neighbours))
        # The reported mode knows its field as well as its neighbours let it.
        modes = with_reported(modes, best, reported)
        fields_hz = torch.where(reported, best.field_hz, candidates.field_hz)
        variances = torch.stack([m.field_variance for m in modes])

        def swapped(posterior: torch.Tensor) -> torch.Tensor:
            return raw_swap_probability(posterior, fields_hz, variances, best.field_hz, scan.period_hz, scan.fat_shift_hz)

        degrees = residual_degrees_of_freedom(candidates.n_echoes) - given.mixed
        noise_floor = given.evidence_noise(noise)
        evidence = SwapEvidence.of(swapped(posterior), best, given.voxels, noise_floor, degrees, scan, neighbours)
        return Found(best, modes, reported, posterior, swapped(reported.to(posterior)), evidence, noise)


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
    split = SplitEchoes.of(echoes)
    prior = GaussianPrior(mean, variance, r2star, flat, noise)
    at = gauss_newton(split, start, r2star, scan.basis, PRIOR_STEPS, prior)
    there = fit(split, at.field_hz, at.r2star_per_s, scan.basis)
    # At the maximum a posteriori the data's pull is balanced by the prior's: no step is left to take.
    there = there.with_zero_slope(torch.ones_like(voxels, dtype=torch.bool))
    again = mode_from_fit(there, at.field_hz, at.r2star_per_s, noise, variance, flat)
    again = _followed_over_field(again, split, prior, scan)
    shared = (SHARED_ERROR_HZ * scan.field_strength_t / REFERENCE_FIELD_T) ** 2 * own / (own + variance)
    again = replace(again, field_variance=again.field_variance + shared)
    return best.replaced(voxels, again)


def _followed_over_field(best: Mode, echoes: SplitEchoes, prior: GaussianPrior, scan: Scan) -> Mode:
    """With the SD of PDFF summed over the field (`pdff_spread`) in voxels whose field is too uncertain for a straight line."""
    field_sd = best.field_variance.sqrt()
    wide = (field_sd > STRAIGHT_SHARE * scan.swap_hz).nonzero()[:, 0]
    if not wide.numel():
        return best
    reach = (FURTHEST_SD * field_sd[wide]).clamp_max(scan.swap_hz / 2)  # further on lies another mode
    variance = pdff_variance_over_field(echoes.at(wide), best.at(wide), reach, prior.at(wide), scan.basis)
    return replace(best, pdff_variance=best.pdff_variance.index_copy(0, wide, variance))


def _free(r2star_per_s: torch.Tensor, basis: EchoBasis) -> torch.Tensor:
    """Where R2* stands at neither end of its range, bool."""
    margin = 1e-3 * basis.fastest_decay_per_s
    return (r2star_per_s > LOWEST_R2STAR_PER_S + margin) & (r2star_per_s < basis.fastest_decay_per_s - margin)
