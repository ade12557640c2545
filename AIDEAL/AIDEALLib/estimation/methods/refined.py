"""Method `refined`: candidates with exact evidence, fused with the distribution of G_phi and a smooth field."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...physics.signal import residual_degrees_of_freedom
from ...physics.variable_projection import EchoBasis, LinearFit, SplitEchoes, fit
from ..fusion.field_prior import UNKNOWN_HZ2, field_prior
from ..fusion.open_voxels import open_voxels
from ..fusion.pdff_variance import FURTHEST_SD, pdff_variance_over_field, pooled_pdff_variance
from ..fusion.posterior import mode_posterior
from ..fusion.swap_calibration import SwapEvidence
from ..fusion.swap_probability import raw_swap_probability
from ..fusion.weights import REFERENCE_FIELD_T, FusionOptions
from ..timing import Stopwatch
from ..voxelwise.candidates import largest, pick, search_r2star, wrap
from ..voxelwise.gauss_newton import LOWEST_R2STAR_PER_S, GaussianPrior, NonlinearParameters, gauss_newton, step_limits
from ..voxelwise.local_misfit import local_misfit, noise_variance_factor
from ..voxelwise.mixed_fit import mixed_modes
from ..voxelwise.mode import Mode, Solution, mixture_variance, mode_from_fit, select, with_reported, with_swap_probability
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.noise import noise_from_decay
from ..voxelwise.refinement import main_candidate, with_other_candidates
from ..voxelwise.ringing import ringing_variance_factor
from ..voxelwise.slice_input import Scan, SliceEchoes, SliceInput
from .context import MethodContext

NEGLIGIBLE_SHARE = 0.05
"""A prior that would move a field by less than this share of the distance to its mean is not applied."""
PRIOR_STEPS, NEAR_STEPS = 4, 2
"""Gauss-Newton steps under the prior from a distant start, and from one where PDFF is nearly linear in the field."""
SHARED_ERROR_HZ = 8.0
"""Error that neighbours share at 1.5 T (strong iron biases all their fields alike): it enters the stated SD of the field, in
proportion to their share in the estimate."""
STRAIGHT_SHARE = 0.03
"""Within this share of the distance to the swapped field PDFF is nearly linear in the field."""
BASE_RATE = 0.01
"""P(swap) up to here is the rate of swaps in scans of such a kind and not specific to the voxel: it enters no voxel's SD."""


@dataclass(frozen=True)
class SliceModes:
    """Water-fat modes of the voxels of a slice, before P(swap) is calibrated.

    Attributes
    ----------
    best : Mode
        The reported mode.
    modes : list of Mode
        All modes.
    reported : torch.Tensor, shape (mode, voxels), bool
        Which mode is reported.
    posterior : torch.Tensor, shape (mode, voxels)
        Probability of each mode.
    by_noise : torch.Tensor, shape (voxels,)
        P(swap) that noise in the reported mode alone accounts for.
    evidence : SwapEvidence
        Evidence of a swap.
    noise_sd : torch.Tensor, scalar
        Noise per real channel.
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
        with_distribution = SliceInput.of(given, context.networks())
    found = find_modes(with_distribution, watch, learned.fusion)
    with watch("least squares"):
        swap = learned.calibration(found.evidence)
        other_mode = (swap - found.by_noise - BASE_RATE).clamp_min(0)
        probability = with_swap_probability(found.posterior, found.reported, other_mode)
        return Solution(found.best, swap, mixture_variance(found.best, found.modes, probability), found.noise_sd)


def find_modes(given: SliceInput, watch: Stopwatch, options: FusionOptions) -> SliceModes:
    """Find the modes of all voxels, the most probable one of each, and the evidence of a swap.

    Parameters
    ----------
    given : SliceInput
        The slice with the distribution of G_phi.
    watch : Stopwatch
        Sums the time of each stage.
    options : FusionOptions
        Weights of the random field.

    Returns
    -------
    SliceModes
        Modes, posterior and evidence.
    """
    scan = given.scan
    with watch("refinement"):
        neighbours = Neighbours.of(given.mask)
        main = main_candidate(given.voxels, given.field_hz[given.mask], scan.period_hz, scan.basis)
        noise = given.noise(main.least_residual_energy)
        free = open_voxels(main, len(given.voxels), given.evidence_noise(noise), scan, neighbours, options)
        if not free.numel():
            free = free.new_zeros(1)  # one voxel at least, so that no step has to work on none
        candidates = with_other_candidates(main, free, given.voxels, scan.fat_shift_hz, scan.basis)
        noise = given.noise(candidates.residual_energy.amin(0))
    with watch("fusion"):
        found = mode_posterior(given, candidates, noise, neighbours, options, free)
        candidates, posterior = found.candidates, found.posterior
    with watch("least squares"):
        chosen = largest(posterior)
        reported = torch.nn.functional.one_hot(chosen, len(posterior)).t().bool()
        if candidates.n_echoes == 3:
            r2star, curvature = (pick(x, chosen) for x in (candidates.r2star_per_s, candidates.curvature))
            noise = noise_from_decay(r2star, curvature, neighbours, given.rough_noise, given.difference_shares)
        else:  # not the least residual of all modes, which is too low: noise would choose among them
            noise = given.noise(pick(candidates.residual_energy, chosen))
        modes: list[Mode] = [
            mode_from_fit(linear_fit.with_zero_slope(~_steps_allowed(linear_fit, r2star, scan.basis)), field, r2star, noise)
            for linear_fit, field, r2star in zip(candidates.fits, candidates.field_hz, candidates.r2star_per_s, strict=True)
        ]
        if given.mixed:
            modes, noise = mixed_modes(given.voxels, modes, chosen, scan.basis)
            best = select(modes, chosen)
        else:
            best = with_field_prior(select(modes, chosen), given, neighbours, noise)
        degrees, noise_floor = residual_degrees_of_freedom(candidates.n_echoes) - given.mixed, given.evidence_noise(noise)
        misfit = local_misfit(best.residual_energy, noise_floor, degrees, neighbours)
        wider = noise_variance_factor(misfit, degrees, neighbours)
        pooled = pooled_pdff_variance(best, neighbours)
        best = replace(best, pdff_variance=wider * pooled, r2star_variance=wider * best.r2star_variance)
        if given.ringing:
            rings = ringing_variance_factor(best, given.voxels, given.ringing, noise, scan.basis, neighbours)
            best = replace(best, pdff_variance=rings * best.pdff_variance)
        # The reported mode knows its field as well as its neighbours let it.
        modes = with_reported(modes, best, reported)
        fields_hz = torch.where(reported, best.field_hz, candidates.field_hz)
        variances = torch.stack([m.field_variance for m in modes])

        def swapped(posterior: torch.Tensor) -> torch.Tensor:
            return raw_swap_probability(posterior, fields_hz, variances, best.field_hz, scan.period_hz, scan.fat_shift_hz)

        evidence = SwapEvidence.of(swapped(posterior), misfit, best.field_hz, given.energy, noise_floor, scan, neighbours)
        return SliceModes(best, modes, reported, posterior, swapped(reported.to(posterior)), evidence, noise)


def with_field_prior(best: Mode, given: SliceInput, neighbours: Neighbours, noise: torch.Tensor) -> Mode:
    """Refit voxels whose own echoes hardly determine the field, under the field that their neighbours predict (`field_prior`).

    Parameters
    ----------
    best : Mode
        The reported mode of each voxel.
    given : SliceInput
        The slice.
    neighbours : Neighbours
        Neighbourhood of its voxels.
    noise : torch.Tensor, scalar
        Noise per real channel.

    Returns
    -------
    Mode
        The reported mode with the refitted voxels replaced.
    """
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
    split = SplitEchoes.of(echoes)
    prior = GaussianPrior(mean, variance, best.r2star_per_s[voxels], flat, noise)
    refit = _maximum_a_posteriori(split, start, wrap(start - field[voxels], scan.period_hz).abs(), prior, scan)
    fit_at_prior = fit(split, refit.field_hz, refit.r2star_per_s, scan.basis)
    # At the maximum a posteriori the gradients of likelihood and prior cancel: no step is left to take.
    fit_at_prior = fit_at_prior.with_zero_slope(torch.ones_like(voxels, dtype=torch.bool))
    refitted = mode_from_fit(fit_at_prior, refit.field_hz, refit.r2star_per_s, noise, variance, flat)
    refitted = _with_variance_over_field(refitted, split, prior, scan)
    shared = (SHARED_ERROR_HZ * scan.field_strength_t / REFERENCE_FIELD_T) ** 2 * own / (own + variance)
    refitted = replace(refitted, field_variance=refitted.field_variance + shared)
    return best.replaced(voxels, refitted)


def _maximum_a_posteriori(
    echoes: SplitEchoes, start_hz: torch.Tensor, moved_hz: torch.Tensor, prior: GaussianPrior, scan: Scan
) -> NonlinearParameters:
    """Field and R2* under the prior; R2* is searched anew where the field has moved far, since it depends on the field."""
    found = gauss_newton(echoes, start_hz, prior.r2star_per_s, scan.basis, NEAR_STEPS, prior)
    far = (moved_hz > STRAIGHT_SHARE * scan.swap_hz).nonzero()[:, 0]
    if not far.numel():
        return found
    distant, start = echoes.at(far), start_hz[far]
    r2star = search_r2star(torch.complex(distant.real, distant.imag), start, scan.basis)
    searched = gauss_newton(distant, start, r2star, scan.basis, PRIOR_STEPS, prior.at(far))
    return NonlinearParameters(
        found.field_hz.index_copy(0, far, searched.field_hz), found.r2star_per_s.index_copy(0, far, searched.r2star_per_s)
    )


def _with_variance_over_field(best: Mode, echoes: SplitEchoes, prior: GaussianPrior, scan: Scan) -> Mode:
    """Integrate the variance of PDFF over the field (`pdff_variance`) where the field is too uncertain to linearise."""
    field_sd = best.field_variance.sqrt()
    wide = (field_sd > STRAIGHT_SHARE * scan.swap_hz).nonzero()[:, 0]
    if not wide.numel():
        return best
    reach = (FURTHEST_SD * field_sd[wide]).clamp_max(scan.swap_hz / 2)  # another mode lies beyond
    variance = pdff_variance_over_field(echoes.at(wide), best.at(wide), reach, prior.at(wide), scan.basis)
    return replace(best, pdff_variance=best.pdff_variance.index_copy(0, wide, variance))


def _steps_allowed(linear_fit: LinearFit, r2star_per_s: torch.Tensor, basis: EchoBasis) -> torch.Tensor:
    """Where R2* is at neither end of its range and the next step is no longer than a step may be, bool."""
    margin = 1e-3 * basis.fastest_decay_per_s
    inside = (r2star_per_s > LOWEST_R2STAR_PER_S + margin) & (r2star_per_s < basis.fastest_decay_per_s - margin)
    phi_limit, r2_limit = step_limits(r2star_per_s, basis)
    phi_step, r2_step = (
        linear_fit.slope.imag / (2 * torch.pi * linear_fit.curvature),
        linear_fit.slope.real / linear_fit.curvature,
    )
    return inside & (phi_step.abs() <= phi_limit) & (r2_step.abs() <= r2_limit)
