"""Fusion: exact evidence of each voxel's candidates, the network's belief and a smooth field give the posterior of the mode.

A Markov random field over the candidates of all foreground voxels, solved by a fixed number of damped mean-field sweeps.
Evidence alone swaps where it is weak (three echoes, iron), smoothness alone swaps whole regions; together they rarely do.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .candidates import Candidates, wrap
from .neighbours import Neighbours
from .regions import move_regions

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
    scale_hz: float = 20.0
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
    around = torch.stack([torch.roll(q, j, 0) for j in range(-reach, reach + 1)]).sum(0)
    index = torch.floor((field_hz / period_hz + 0.5) * bins).long().remainder(bins)
    return around.gather(0, index).clamp_min(1e-6)


def unary_nats(candidates: Candidates, mass: torch.Tensor, noise_sd: torch.Tensor, options: FusionOptions) -> torch.Tensor:
    """Cost of each candidate in its own voxel, (candidate, voxels): evidence, plausibility, the network's belief."""
    energy = candidates.residual_energy
    evidence = (energy - energy.amin(0)) / (2 * noise_sd**2)
    evidence = (evidence + implausibility_nats(candidates)).clamp_max(options.evidence_cap)
    return evidence - options.network_weight * mass.log()


def implausibility_nats(candidates: Candidates) -> torch.Tensor:
    """Weak prior of a candidate's own numbers, (candidate, voxels).

    R2* of tissue is about log-normal around 40 1/s over more than a decade; water and fat have nearly a common phase at t
    = 0, so that F / (W + F) is real and between 0 and 1. It decides only where the echoes do not (three echoes always fit
    exactly).
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
    unary: torch.Tensor,
    field_hz: torch.Tensor,
    mask: torch.Tensor,
    period_hz: float,
    fat_shift_hz: float,
    options: FusionOptions,
) -> torch.Tensor:
    """Marginal probability of each candidate.

    Damped mean-field sweeps from the voxels' own costs, then whole regions move where that lowers the energy (`regions`),
    then sweeps from there.

    Parameters
    ----------
    unary, field_hz : (candidate, voxels) for the True voxels of `mask` (row, column), in its order.

    Returns
    -------
    (candidate, voxels), sums to 1 over candidates.
    """
    neighbours = Neighbours.of(mask, options.smoothness, options.scale_hz, options.cut)
    penalties = neighbours.pair_penalties(field_hz, period_hz)
    cost = unary.t().contiguous()
    q = _sweep(torch.softmax(-cost, 1), cost, neighbours, penalties, options)
    settled = q.argmax(1)
    moved = move_regions(settled, unary, field_hz, neighbours, period_hz, fat_shift_hz).chosen
    if torch.any(moved != settled):
        q = torch.where((moved != settled)[:, None], torch.nn.functional.one_hot(moved, q.shape[1]).to(q), q)
        q = _sweep(q, cost, neighbours, penalties, options)
    return q.t().contiguous()


def _sweep(
    q: torch.Tensor, cost: torch.Tensor, neighbours: Neighbours, penalties: torch.Tensor, options: FusionOptions
) -> torch.Tensor:
    """Damped mean-field sweeps from q (voxels, candidate); between full sweeps only the voxels that still move are updated."""
    q = torch.cat([q, torch.zeros_like(q[:1])])  # the last row stands for "no neighbour"
    active: slice | torch.Tensor
    for sweep in range(options.sweeps):
        if sweep % FULL_SWEEP_EVERY == 0:
            active, its_index, its_penalties, its_cost = slice(0, -1), neighbours.index, penalties, cost
        around = q.index_select(0, its_index.reshape(-1)).reshape(-1, its_penalties.shape[2], 1)
        message = torch.bmm(its_penalties, around)[:, :, 0]
        old = q[active]
        new = options.damping * old + (1 - options.damping) * torch.softmax(-its_cost - message, 1)
        q[active] = new
        if sweep % FULL_SWEEP_EVERY == 0:
            active = ((new - old).abs().amax(1) > SETTLED).nonzero()[:, 0]
            its_index, its_penalties, its_cost = neighbours.index[active], penalties[active], cost[active]
    return q[:-1]


def swap_probability(posterior: torch.Tensor, field_hz: torch.Tensor, period_hz: float, fat_shift_hz: float) -> torch.Tensor:
    """Probability that the most probable candidate's mode is wrong, (voxels,).

    Candidates that ended in the same minimum are one mode: all within a quarter of the fat shift of the chosen one count
    for it.

    Parameters
    ----------
    posterior, field_hz : (candidate, voxels).
    """
    chosen = field_hz.gather(0, posterior.argmax(0, keepdim=True))
    same = wrap(field_hz - chosen, period_hz).abs() < abs(fat_shift_hz) / 4
    return 1 - (posterior * same).sum(0)
