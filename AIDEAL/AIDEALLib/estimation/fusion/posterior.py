"""Weigh the candidates of all voxels against each other, and anew where neighbours propose one.

Few voxels get a proposal (`proposals`). Only what depends on those is computed again: their own costs, and the pair costs of
them and their neighbours. The probabilities found before are where the next sweeps start.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..voxelwise.candidates import Candidates, largest
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.slice_input import SliceInput
from .mean_field import fuse, network_mass, unary_nats
from .proposals import with_proposals
from .smoothness import Smoothness
from .weights import FusionOptions

PROPOSAL_ROUNDS = 2


@dataclass(frozen=True)
class ModePosterior:
    """Candidates and how probable they are.

    Attributes
    ----------
    candidates : those of the voxels' own, with proposals in place of the costliest ones.
    posterior : probability of each, (candidate, voxels).
    """

    candidates: Candidates
    posterior: torch.Tensor


def mode_posterior(
    given: SliceInput, candidates: Candidates, noise_sd: torch.Tensor, neighbours: Neighbours, options: FusionOptions
) -> ModePosterior:
    """Weigh the candidates, let neighbours propose others, weigh again.

    Parameters
    ----------
    candidates : of the voxels of `given`, whose neighbourhood is `neighbours`. noise_sd : per real channel, scalar.
    """
    scan, evidence_noise = given.scan, given.evidence_noise(noise_sd)
    smoothness = Smoothness.of(neighbours, options, scan.field_strength_t)

    def costs(candidates: Candidates, q: torch.Tensor) -> torch.Tensor:
        return unary_nats(candidates, network_mass(q, candidates.field_hz, scan.period_hz), evidence_noise, options)

    def fused(start: torch.Tensor | None) -> torch.Tensor:
        fields, shift = candidates.field_hz, scan.fat_shift_hz
        return fuse(unary, fields, variances, smoothness, scan.period_hz, shift, options, start, penalties)

    unary, variances = costs(candidates, given.q), candidates.field_variance(noise_sd)
    penalties = smoothness.penalties(candidates.field_hz, variances, scan.period_hz)
    posterior = fused(None)
    for _ in range(PROPOSAL_ROUNDS):
        candidates, new = with_proposals(candidates, unary, largest(posterior), given.voxels, scan, neighbours, evidence_noise)
        if not new.numel():
            break
        changed = candidates.at(new)
        unary = unary.index_copy(1, new, costs(changed, given.q[:, new]))
        variances = variances.index_copy(0, new, changed.field_variance(noise_sd))
        smoothness.renew(penalties, new, candidates.field_hz, variances, scan.period_hz)
        posterior = fused(posterior)
    return ModePosterior(candidates, posterior)
