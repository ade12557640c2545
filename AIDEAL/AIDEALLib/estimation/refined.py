"""Method `refined`: candidates with exact evidence, fused with the network's belief and a smooth field."""

from __future__ import annotations

from .candidates import refined_candidates
from .fusion import FusionOptions, mode_posterior, network_mass, swap_probability, unary_nats
from .mixed_fit import mixed_modes
from .mode import Mode, Solution, mixture_variance, mode_at, select
from .slice_input import SliceInput
from .stopwatch import Stopwatch


def refined(given: SliceInput, watch: Stopwatch, options: FusionOptions) -> Solution:
    """Refine every mode, weigh them against each other, report the most probable."""
    scan = given.scan
    with watch("refinement"):
        candidates = refined_candidates(given.voxels, given.field_hz[given.mask], scan.fat_shift_hz, scan.period_hz, scan.basis)
        noise = given.noise(candidates.residual_energy.amin(0))
    with watch("fusion"):
        mass = network_mass(given.q, candidates.field_hz, scan.period_hz)
        unary = unary_nats(candidates, mass, noise, options)
        posterior = mode_posterior(unary, candidates.field_hz, given.mask, scan.period_hz, scan.fat_shift_hz, options)
        swap = swap_probability(posterior, candidates.field_hz, scan.period_hz, scan.fat_shift_hz)
    with watch("least squares"):
        modes: list[Mode] = [
            mode_at(at, field, r2star, noise)
            for at, field, r2star in zip(candidates.fits, candidates.field_hz, candidates.r2star_per_s, strict=True)
        ]
        if given.mixed:
            modes, noise = mixed_modes(given.voxels, modes, scan.basis)
        best = select(modes, posterior.argmax(0))
        return Solution(best, swap, mixture_variance(best, modes, posterior), noise)
