"""Spread of PDFF within its mode, where a straight line through the estimate tells too little of it.

The delta method takes PDFF for linear in the field, and the slope for known. Where the field is uncertain (deep noise, modes
that nearly touch) PDFF bends within that uncertainty, and its mean square deviation is summed over the field instead. And the
slope is taken at the estimate: where noise has put R2* too low it states too small an SD just where the error is large. What
noise does to a voxel is nearly the same in the voxels around it, so they are asked too. Fat fractions themselves are not
smoothed.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from ...physics.variable_projection import EchoBasis, SplitEchoes, fit
from ..voxelwise.gauss_newton import GaussianPrior, gauss_newton
from ..voxelwise.mode import Mode, mode_from_fit
from ..voxelwise.neighbours import Neighbours

NODES = 9
FURTHEST_SD = 3.2
"""So many standard deviations are all of a posterior that counts."""
R2STAR_STEPS = 2
KNOWN_HZ2 = 1e-6
"""Variance of a field that is held."""
PDFF_RANGE = (-100.0, 200.0)
LARGEST_VARIANCE = 100.0**2
"""A fat fraction is a number of percent, however little is known of it."""
AGREE_SD = 3.0
"""Neighbours whose PDFF or R2* differs by more standard deviations are of another tissue."""
LIKE_NATS = math.log(3.0)
"""Nor are those of it whose SD x signal differs more: R2* of one of them, and with it all of it, is lost in noise."""


def pdff_variance_over_field(
    echoes: SplitEchoes, best: Mode, reach_hz: torch.Tensor, prior: GaussianPrior, basis: EchoBasis
) -> torch.Tensor:
    """Mean square deviation of PDFF from the reported value over the posterior of the field, percent^2, (voxels,).

    At each of a row of fields R2*, water and fat are fitted anew; likelihood times prior is its weight, and what noise leaves
    open of the three there adds to the deviation.

    Parameters
    ----------
    echoes : of the voxels. best : the mode, at the maximum a posteriori.
    reach_hz : how far the field is followed to either side, (voxels,). prior : of the field, flat in R2*.
    """
    shares = torch.linspace(-1, 1, NODES, dtype=reach_hz.dtype, device=reach_hz.device)[:, None]
    voxel = torch.arange(reach_hz.numel(), device=reach_hz.device).repeat(NODES)
    field = (best.field_hz + shares * reach_hz).flatten()
    echoes, start, prior = echoes.at(voxel), best.r2star_per_s[voxel], prior.at(voxel)
    known = torch.full_like(field, KNOWN_HZ2)
    held = replace(prior, field_hz=field, field_variance=known)
    r2star = gauss_newton(echoes, field, start, basis, R2STAR_STEPS, held).r2star_per_s
    at = fit(echoes, field, r2star, basis).with_zero_slope(torch.ones_like(field, dtype=torch.bool))
    there = mode_from_fit(at, field, r2star, prior.noise_sd, known)
    moved = there.pdff.clamp(*PDFF_RANGE) - best.pdff.clamp(*PDFF_RANGE)[voxel]
    deviation = there.pdff_variance.clamp_max(LARGEST_VARIANCE) + moved**2
    nats = at.residual_energy / (2 * prior.noise_sd**2) + (field - prior.field_hz) ** 2 / (2 * prior.field_variance)
    weight = torch.softmax(-nats.reshape(NODES, -1), 0)
    return (weight * deviation.reshape(NODES, -1)).sum(0)


def pooled_pdff_variance(best: Mode, neighbours: Neighbours) -> torch.Tensor:
    """Variance of PDFF as voxels of the same tissue around state it, percent^2, (voxels,).

    The mean of log(SD x signal) over the voxel and the neighbours that agree with it: an SD of PDFF goes by 1 / |W + F|.
    A voxel without signal, or without noise, keeps its own.
    """
    signal = (best.water + best.fat).abs()
    level = 0.5 * best.pdff_variance.log() + signal.log()
    told = torch.isfinite(level)  # not where there is no signal, or no noise
    around = neighbours.gather(level)
    agree = neighbours.gather(told) & told[:, None] & ((around - level[:, None]).abs() < LIKE_NATS)
    for value, variance in ((best.pdff, best.pdff_variance), (best.r2star_per_s, best.r2star_variance)):
        apart = neighbours.gather(value) - value[:, None]
        agree = agree & (apart * apart < AGREE_SD**2 * (neighbours.gather(variance) + variance[:, None]))
    total = level + torch.where(agree, around, 0.0).sum(1)
    pooled = torch.exp(2 * (total / (1 + agree.sum(1)) - signal.log()))
    return torch.where(told, pooled, best.pdff_variance)
