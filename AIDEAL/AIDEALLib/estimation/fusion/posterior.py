"""Posterior of the mode of every voxel, updated after neighbours have proposed further candidates.

Voxels whose mode is beyond doubt (`open_voxels`) keep it. Few voxels get a proposal (`proposals`). Only what depends on them is
updated: their own costs, and the pair costs of them and their neighbours. The next sweeps start from the probabilities before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ..voxelwise.candidates import Candidates, largest
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.slice_input import SliceInput
from .mean_field import fuse, network_mass, unary_nats
from .mode_energy import ModeEnergy
from .proposals import with_proposals
from .smoothness import Smoothness
from .weights import FusionOptions

PROPOSAL_ROUNDS = 2
FIXED_NATS = 30.0
"""Cost of all but the first candidate where the mode is beyond doubt."""


@dataclass(frozen=True)
class ModePosterior:
    """Candidates and their probabilities.

    Attributes
    ----------
    candidates : Candidates
        The voxels' own, with proposals in place of the costliest ones.
    posterior : torch.Tensor, shape (candidate, voxels)
        Probability of each.
    """

    candidates: Candidates
    posterior: torch.Tensor


def mode_posterior(
    slice_input: SliceInput,
    candidates: Candidates,
    noise_sd: torch.Tensor,
    neighbours: Neighbours,
    options: FusionOptions,
    free: torch.Tensor | None = None,
) -> ModePosterior:
    """Posterior of the candidates and of those that neighbours propose.

    Parameters
    ----------
    slice_input : SliceInput
        One slice.
    candidates : Candidates
        Candidates of its voxels.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    neighbours : Neighbours
        Neighbourhood of its voxels.
    options : FusionOptions
        Weights.
    free : torch.Tensor, shape (n,), int64, optional
        Indices, in order, of the voxels whose mode is open; the others keep their first candidate. All when None.

    Returns
    -------
    ModePosterior
        Candidates and probabilities.
    """
    scan, evidence_noise = slice_input.scan, slice_input.evidence_noise(noise_sd)
    smoothness = Smoothness.of(neighbours, options, scan.field_strength_t)

    def costs(candidates: Candidates, at: torch.Tensor) -> torch.Tensor:
        mass = network_mass(slice_input.q[:, at], candidates.field_hz, scan.period_hz)
        cost = unary_nats(candidates, mass, evidence_noise, options)
        if slice_input.adjoining is None:
            return cost
        variance = candidates.field_variance(noise_sd)
        return cost + slice_input.adjoining.cost_nats(candidates.field_hz, variance, scan.period_hz, at)

    if free is None:
        free = torch.arange(candidates.field_hz.shape[1], device=candidates.field_hz.device)
    unary = torch.full_like(candidates.field_hz, FIXED_NATS)
    unary[0] = 0.0
    energy = ModeEnergy(
        unary.index_copy(1, free, costs(candidates.at(free), free)),
        candidates.field_hz,
        candidates.field_variance(noise_sd),
        smoothness,
        scan.period_hz,
        scan.fat_shift_hz,
        free,
    )
    penalties = energy.penalties()
    posterior = fuse(energy, options, None, penalties)
    for _ in range(PROPOSAL_ROUNDS):
        chosen = largest(posterior)
        candidates, new = with_proposals(
            candidates, energy.unary, chosen, slice_input.voxels, scan, neighbours, evidence_noise, free
        )
        if not new.numel():
            break
        changed = candidates.at(new)
        energy = replace(
            energy,
            unary=energy.unary.index_copy(1, new, costs(changed, new)),
            field_hz=candidates.field_hz,
            variance_hz2=energy.variance_hz2.index_copy(0, new, changed.field_variance(noise_sd)),
        )
        smoothness.update(penalties, new, energy.field_hz, energy.variance_hz2, scan.period_hz, free)
        posterior = fuse(energy, options, posterior, penalties)
    return ModePosterior(candidates, posterior)
