"""Fusion: exact evidence of each voxel's candidates, the network's belief and a smooth field give the posterior of the mode.

A Markov random field over the candidates of all foreground voxels, solved by a fixed number of damped mean-field sweeps. Evidence alone
swaps where it is weak (three echoes, iron), smoothness alone swaps whole regions; together they rarely do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from .candidates import Candidates, wrap

RINGS: tuple[tuple[float, float, tuple[tuple[int, int], ...]], ...] = (
    (1.0, 1.0, ((0, 1), (1, 0))),
    (math.sqrt(2), 0.7, ((1, 1), (1, -1))),
    (2.0, 0.5, ((0, 2), (2, 0))),
    (4.0, 0.25, ((0, 4), (4, 0))),
)
"""Distance in voxels, weight, and the offsets (row, column) of one half of a symmetric neighbourhood."""


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
    q = torch.softmax(-unary, 0)
    outside = torch.zeros_like(q[:, :1])
    for _ in range(options.sweeps):
        around = torch.cat([q, outside], 1)[:, neighbours]  # (candidate, offset, voxels)
        message = (penalties * around[None]).sum((1, 2))
        q = options.damping * q + (1 - options.damping) * torch.softmax(-unary - message, 0)
    return q


def _pairs(
    field_hz: torch.Tensor, mask: torch.Tensor, period_hz: float, options: FusionOptions
) -> tuple[torch.Tensor, torch.Tensor]:
    """Index of each neighbour (offset, voxels; the count of voxels stands for none) and penalties (cand, cand', offset, voxels)."""
    voxels = field_hz.shape[1]
    reach = 4
    numbered = torch.full((mask.shape[0] + 2 * reach, mask.shape[1] + 2 * reach), voxels, device=mask.device)
    inner = numbered[reach:-reach, reach:-reach]
    inner[mask] = torch.arange(voxels, device=mask.device)
    rows, columns = mask.nonzero(as_tuple=True)
    padded = torch.cat([field_hz, torch.zeros_like(field_hz[:, :1])], 1)
    indices, penalties = [], []
    for distance, weight, offsets in RINGS:
        for dr, dc in offsets + tuple((-r, -c) for r, c in offsets):
            index = numbered[rows + dr + reach, columns + dc + reach]
            apart = wrap(field_hz[:, None] - padded[None][:, :, index], period_hz) / (options.scale_hz * distance)
            penalties.append(options.smoothness * weight * (apart * apart).clamp_max(options.cut) * (index < voxels))
            indices.append(index)
    return torch.stack(indices), torch.stack(penalties, 2)
