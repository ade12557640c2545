"""Candidates that the neighbours propose, for voxels none of whose own candidates agrees with what lies around them.

Noise and steep gradients lead the refinement of a voxel astray, so that the right mode may not be among its candidates at
all: strong iron, where the minimum is wide and shallow, or an edge, where G_phi is far off. Once the modes are chosen,
though, the neighbours mostly agree on a field. A fit held near it becomes a candidate like the others, with the residual it
has, and whether it is taken is decided by the same random field.
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
"""Fields within this share of the distance to a swapped one count as equal."""
PRIOR_SHARE = 0.4
"""Standard deviation of the proposed field in the refinement, as a share of what counts as equal."""
STEPS = 8


def with_proposals(
    candidates: Candidates,
    cost: torch.Tensor,
    chosen: torch.Tensor,
    voxels: torch.Tensor,
    scan: Scan,
    neighbours: Neighbours,
    noise_sd: torch.Tensor,
) -> tuple[Candidates, torch.Tensor]:
    """The candidates with proposals in place of the costliest ones, and which voxels got one.

    Parameters
    ----------
    candidates : of all voxels; cost : nats of each in its own voxel, (candidate, voxels).
    chosen : index of the mode each voxel is in now, (voxels,).
    voxels : complex (echo, voxels); noise_sd : per real channel, above 0, scalar.

    Returns
    -------
    The candidates, and the numbers of the voxels with a new one.
    """
    near = max(NEAR_SHARE * scan.swap_hz, SAME_MINIMUM * scan.period_hz)  # the shift of fat may be a whole number of periods
    proposed = consensus_field(pick(candidates.field_hz, chosen), neighbours, scan.period_hz, near)
    apart = wrap(candidates.field_hz - proposed, scan.period_hz).abs()
    numbers = (apart.amin(0) > near).nonzero()[:, 0]
    if not numbers.numel():
        return candidates, numbers
    echoes, start = voxels[:, numbers], proposed[numbers]
    spread = torch.full_like(start, (PRIOR_SHARE * near) ** 2)
    r2star = search_r2star(echoes, start, scan.basis)
    prior = GaussianPrior(start, spread, r2star, torch.full_like(start, 1e12), noise_sd)
    at = gauss_newton(echoes, start, r2star, scan.basis, STEPS, prior)
    there = fit(echoes, at.field_hz, at.r2star_per_s, scan.basis)
    there = there.with_zero_slope(torch.ones_like(start, dtype=torch.bool))  # balanced by the prior
    worst = largest(cost[:, numbers].scatter(0, chosen[numbers][None], float("-inf")))
    fields, decays, fits = candidates.field_hz.clone(), candidates.r2star_per_s.clone(), list(candidates.fits)
    fields[worst, numbers], decays[worst, numbers] = wrap(at.field_hz, scan.period_hz), at.r2star_per_s
    for c in range(len(fits)):
        here = worst == c
        fits[c] = fits[c].replaced(numbers[here], there.at(here))
    return replace(candidates, field_hz=fields, r2star_per_s=decays, fits=tuple(fits)), numbers


def consensus_field(field_hz: torch.Tensor, neighbours: Neighbours, period_hz: float, near_hz: float) -> torch.Tensor:
    """The field that most neighbours of a voxel agree on, (voxels,); the voxel's own where neighbours mostly agree with it.

    Neighbours count by the inverse of their distance. Of all neighbours' fields the one with most of them within `near_hz` is
    taken, and the mean of those.
    """
    weight = neighbours.exists / neighbours.distance
    apart = wrap(neighbours.gather(field_hz) - field_hz[:, None], period_hz)
    own = (weight * (apart.abs() < near_hz)).sum(1)
    lonely = (own < 0.5 * weight.sum(1)).nonzero()[:, 0]
    apart, weight = apart[lonely], weight[lonely]
    among = wrap(apart[:, None, :] - apart[:, :, None], period_hz)  # (voxel, centre, neighbour)
    together = weight[:, None, :] * (among.abs() < near_hz)
    support = together.sum(2) * (weight > 0)
    centre = support.argmax(1, keepdim=True)
    members = together.gather(1, centre[:, :, None].expand(-1, 1, weight.shape[1]))[:, 0]
    around = among.gather(1, centre[:, :, None].expand(-1, 1, weight.shape[1]))[:, 0]
    mean = apart.gather(1, centre)[:, 0] + (members * around).sum(1) / members.sum(1).clamp_min(1e-30)
    known = support.amax(1) > own[lonely]
    return field_hz.index_add(0, lonely, torch.where(known, mean, torch.zeros_like(mean)))
