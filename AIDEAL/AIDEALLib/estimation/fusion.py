"""Fusion: exact evidence of each voxel's candidates, the network's belief and a smooth field give the posterior of the mode.

A Markov random field over the candidates of all foreground voxels, solved by a fixed number of damped mean-field sweeps. Evidence alone
swaps where it is weak (three echoes, iron), smoothness alone swaps whole regions; together they rarely do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from .candidates import Candidates

RINGS: tuple[tuple[float, float, tuple[tuple[int, int], ...]], ...] = (
    (1.0, 1.0, ((0, 1), (1, 0))),
    (math.sqrt(2), 0.7, ((1, 1), (1, -1))),
    (2.0, 0.5, ((0, 2), (2, 0))),
    (4.0, 0.25, ((0, 4), (4, 0))),
)
"""Distance in voxels, weight, and the offsets (row, column) of one half of a symmetric neighbourhood."""


FULL_SWEEP_EVERY = 6
SETTLED = 1e-3
"""Between full sweeps only voxels whose probabilities moved by more than this are swept: most settle at once."""


@dataclass(frozen=True)
class FusionOptions:
    """Weights of the random field.

    Attributes
    ----------
    evidence_cap : most nats one voxel's fit may count.
    network_weight : power of the network's distribution (below 1: it is overconfident).
    smoothness, scale_hz, cut : pairwise penalty smoothness * min((d / (scale_hz * distance))^2, cut).
    sweeps, damping : mean-field iterations and the share of the old value kept.
    """

    evidence_cap: float = 40.0
    network_weight: float = 0.2
    smoothness: float = 0.5
    scale_hz: float = 12.0
    cut: float = 9.0
    sweeps: int = 30
    damping: float = 0.5


def network_mass(q: torch.Tensor, field_hz: torch.Tensor, period_hz: float, reach: int = 2) -> torch.Tensor:
    """Probability the network gives to the bins within `reach` of each candidate.

    Parameters
    ----------
    q : (K, voxels); field_hz : (candidate, voxels), wrapped.

    Returns
    -------
    (candidate, voxels), at least 1e-6.
    """
    bins = q.shape[0]
    around = sum(torch.roll(q, j, 0) for j in range(-reach, reach + 1))
    index = torch.floor((field_hz / period_hz + 0.5) * bins).long().remainder(bins)
    return around.gather(0, index).clamp_min(1e-6)


def unary_nats(
    candidates: Candidates, mass: torch.Tensor, noise_sd: torch.Tensor, options: FusionOptions
) -> torch.Tensor:
    """Cost of each candidate from its own voxel: capped evidence, plausibility of R2*, belief of the network; (candidate, voxels)."""
    energy = candidates.residual_energy
    evidence = (energy - energy.amin(0)) / (2 * noise_sd**2)
    evidence = (evidence + implausibility_nats(candidates)).clamp_max(options.evidence_cap)
    return evidence - options.network_weight * mass.log()


def implausibility_nats(candidates: Candidates) -> torch.Tensor:
    """Weak prior of a candidate's own numbers, (candidate, voxels).

    R2* of tissue is about log-normal around 40 1/s over more than a decade; water and fat have nearly a common phase at t = 0, so that
    F / (W + F) is real and between 0 and 1. It decides only where the echoes do not (three echoes always fit exactly).
    """
    r2star = candidates.r2star_per_s
    decay = 0.5 * (torch.log(r2star.clamp_min(4.0) / 40.0) / 1.2) ** 2 + 0.5 * (r2star.clamp_max(0.0) / 30.0) ** 2
    water = torch.stack([f.water for f in candidates.fits])
    fat = torch.stack([f.fat for f in candidates.fits])
    total = water + fat
    eta = fat * total.conj() / (total.abs() ** 2).clamp_min(1e-30)
    outside = (-eta.real).clamp_min(0) ** 2 + (eta.real - 1).clamp_min(0) ** 2 + eta.imag**2
    return decay.clamp_max(8.0) + (0.5 * outside / 0.15**2).clamp_max(8.0)


def mode_posterior(
    unary: torch.Tensor, field_hz: torch.Tensor, mask: torch.Tensor, period_hz: float, options: FusionOptions
) -> torch.Tensor:
    """Marginal probability of each candidate by damped mean-field sweeps.

    Parameters
    ----------
    unary, field_hz : (candidate, voxels) for the True voxels of `mask` (row, column), in its order.

    Returns
    -------
    (candidate, voxels), sums to 1 over candidates.
    """
    neighbours, penalties = _pairs(field_hz, mask, period_hz, options)
    cost = unary.t().contiguous()
    q = torch.softmax(-cost, 1)
    q = torch.cat([q, torch.zeros_like(q[:1])])  # the last row stands for "no neighbour"
    active, its_neighbours, its_penalties, its_cost = slice(0, -1), neighbours, penalties, cost
    for sweep in range(options.sweeps):
        if sweep % FULL_SWEEP_EVERY == 0:
            active, its_neighbours, its_penalties, its_cost = slice(0, -1), neighbours, penalties, cost
        around = q.index_select(0, its_neighbours.reshape(-1)).reshape(-1, its_penalties.shape[2], 1)
        message = torch.bmm(its_penalties, around)[:, :, 0]
        old = q[active]
        new = options.damping * old + (1 - options.damping) * torch.softmax(-its_cost - message, 1)
        q[active] = new
        if sweep % FULL_SWEEP_EVERY == 0:
            active = ((new - old).abs().amax(1) > SETTLED).nonzero()[:, 0]
            its_neighbours, its_penalties, its_cost = neighbours[active], penalties[active], cost[active]
    return q[:-1].t().contiguous()


def _pairs(
    field_hz: torch.Tensor, mask: torch.Tensor, period_hz: float, options: FusionOptions
) -> tuple[torch.Tensor, torch.Tensor]:
    """Index of each neighbour (voxels, offset; the count of voxels stands for none) and penalties (voxels, cand, offset * cand')."""
    count, voxels = field_hz.shape
    reach = 4
    numbered = torch.full((mask.shape[0] + 2 * reach, mask.shape[1] + 2 * reach), voxels, device=mask.device)
    numbered[reach:-reach, reach:-reach][mask] = torch.arange(voxels, device=mask.device)
    rows, columns = mask.nonzero(as_tuple=True)
    offsets = [(r, c, d, w) for d, w, half in RINGS for r, c in half + tuple((-r, -c) for r, c in half)]
    index = torch.stack([numbered[rows + r + reach, columns + c + reach] for r, c, _, _ in offsets], 1)
    distance = field_hz.new_tensor([d for _, _, d, _ in offsets])
    weight = options.smoothness * field_hz.new_tensor([w for _, _, _, w in offsets])
    turns = (field_hz / period_hz).t().contiguous()
    turns = torch.cat([turns, torch.zeros_like(turns[:1])])
    around = turns.index_select(0, index.reshape(-1)).reshape(voxels, 1, len(offsets), count)
    apart = turns[:-1, :, None, None] - around
    apart = (apart - torch.round(apart)) * (period_hz / (options.scale_hz * distance))[:, None]
    penalties = (apart * apart).clamp_max_(options.cut).mul_(weight[:, None])
    return index, penalties.reshape(voxels, count, -1)
