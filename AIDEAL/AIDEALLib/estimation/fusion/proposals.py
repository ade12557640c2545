"""Candidates proposed by the neighbours, for voxels none of whose own candidates agrees with the field around them.

With noise and steep gradients the right mode may not be among a voxel's candidates: in strong iron, where the minimum is wide
and shallow, or at an edge, where G_phi is far off. Once the modes are chosen, the neighbours mostly agree on a field. A fit
with a prior around it becomes a candidate like the others, and the same random field decides between them.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ...physics.variable_projection import fit
from ..voxelwise.candidates import SAME_MINIMUM, Candidates, largest, pick, search_r2star, wrap
from ..voxelwise.gauss_newton import GaussianPrior, gauss_newton
from ..voxelwise.neighbours import Neighbours
from ..voxelwise.slice_input import Scan

NEAR_SHARE = 0.25
"""Fields that differ by less than this share of the distance to a swapped one are equal."""
PRIOR_SHARE = 0.4
"""SD of the prior around the proposed field, as a share of the distance up to which fields are equal."""
STEPS = 8


def with_proposals(
    candidates: Candidates,
    cost: torch.Tensor,
    chosen: torch.Tensor,
    voxels: torch.Tensor,
    scan: Scan,
    neighbours: Neighbours,
    noise_sd: torch.Tensor,
    free: torch.Tensor | None = None,
) -> tuple[Candidates, torch.Tensor]:
    """Replace the costliest candidate of some voxels by one near the field of their neighbours.

    Parameters
    ----------
    candidates : Candidates
        Candidates of all voxels.
    cost : torch.Tensor, shape (candidate, voxels), nats
        Cost of each in its own voxel.
    chosen : torch.Tensor, shape (voxels,), int64
        Index of the present mode of each voxel, which is not replaced.
    voxels : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    scan : Scan
        Protocol.
    neighbours : Neighbours
        Neighbourhood of the voxels.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel, above 0.
    free : torch.Tensor, shape (m,), int64, optional
        Indices of the voxels that may get a proposal; all when None.

    Returns
    -------
    candidates : Candidates
        Candidates with the proposals.
    changed : torch.Tensor, shape (n,), int64
        Indices of the voxels with a proposal.
    """
    near = max(NEAR_SHARE * scan.swap_hz, SAME_MINIMUM * scan.period_hz)  # the fat shift may be a whole number of periods
    if free is None:
        free = torch.arange(len(chosen), device=chosen.device)
    proposed = consensus_field(pick(candidates.field_hz, chosen), neighbours, scan.period_hz, near, free)
    distant = wrap(candidates.field_hz[:, free] - proposed, scan.period_hz).abs().amin(0) > near
    changed = free[distant]
    if not changed.numel():
        return candidates, changed
    echoes, start = voxels[:, changed], proposed[distant]
    spread = torch.full_like(start, (PRIOR_SHARE * near) ** 2)
    r2star = search_r2star(echoes, start, scan.basis)
    prior = GaussianPrior(start, spread, r2star, torch.full_like(start, 1e12), noise_sd)
    refined = gauss_newton(echoes, start, r2star, scan.basis, STEPS, prior)
    proposal = fit(echoes, refined.field_hz, refined.r2star_per_s, scan.basis)
    proposal = proposal.with_zero_slope(torch.ones_like(start, dtype=torch.bool))  # it is balanced by that of the prior
    worst = largest(cost[:, changed].scatter(0, chosen[changed][None], float("-inf")))
    fields, decays, fits = candidates.field_hz.clone(), candidates.r2star_per_s.clone(), list(candidates.fits)
    fields[worst, changed], decays[worst, changed] = wrap(refined.field_hz, scan.period_hz), refined.r2star_per_s
    for c in range(len(fits)):
        replaced = worst == c
        fits[c] = fits[c].replaced(changed[replaced], proposal.at(replaced))
    return replace(candidates, field_hz=fields, r2star_per_s=decays, fits=tuple(fits)), changed


def consensus_field(
    field_hz: torch.Tensor, neighbours: Neighbours, period_hz: float, near_hz: float, voxels: torch.Tensor | None = None
) -> torch.Tensor:
    """Field that most neighbours of a voxel agree on.

    Parameters
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Field of each voxel.
    neighbours : Neighbours
        Neighbourhood of the voxels.
    period_hz : float, Hz
        Period of off-resonance.
    near_hz : float, Hz
        Difference up to which fields agree.
    voxels : torch.Tensor, shape (n,), int64, optional
        Indices of the voxels; all when None.

    Returns
    -------
    torch.Tensor, shape (n,), Hz
        Consensus; the voxel's own field where most neighbours agree with it.

    Notes
    -----
    Neighbours are weighted by the inverse of their distance. The neighbour with the largest weight of others within `near_hz`
    is taken, and the mean of those.
    """
    if voxels is None:
        voxels = torch.arange(len(field_hz), device=field_hz.device)
    own_hz, index = field_hz[voxels], neighbours.index[voxels]
    weight = neighbours.exists[voxels] / neighbours.distance
    apart = wrap(torch.nn.functional.pad(field_hz, (0, 1))[index] - own_hz[:, None], period_hz)
    own = (weight * (apart.abs() < near_hz)).sum(1)
    deviating = (own < 0.5 * weight.sum(1)).nonzero()[:, 0]
    apart, weight = apart[deviating], weight[deviating]
    among = wrap(apart[:, None, :] - apart[:, :, None], period_hz)  # (voxel, centre, neighbour)
    together = weight[:, None, :] * (among.abs() < near_hz)
    support = together.sum(2) * (weight > 0)
    centre = support.argmax(1, keepdim=True)
    members = together.gather(1, centre[:, :, None].expand(-1, 1, weight.shape[1]))[:, 0]
    around = among.gather(1, centre[:, :, None].expand(-1, 1, weight.shape[1]))[:, 0]
    mean = apart.gather(1, centre)[:, 0] + (members * around).sum(1) / members.sum(1).clamp_min(1e-30)
    known = support.amax(1) > own[deviating]
    return own_hz.index_add(0, deviating, torch.where(known, mean, torch.zeros_like(mean)))
