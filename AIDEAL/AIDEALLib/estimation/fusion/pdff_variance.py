"""Variance of PDFF within its mode where the delta method is not enough.

The delta method assumes PDFF linear in the field, and its slope known. Where the field is uncertain (low signal, modes close to
each other) PDFF is not linear within that uncertainty, and its mean square deviation is integrated over the field instead. And
the slope is taken at the estimate: where noise makes R2* too low, the SD is too small just where the error is large. The effect
of noise is nearly the same in adjacent voxels of a tissue, so the SD is pooled over them. Fat fractions are not smoothed.
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
"""Standard deviations beyond which the posterior is negligible."""
R2STAR_STEPS = 2
KNOWN_HZ2 = 1e-6
"""Variance of a fixed field."""
PDFF_RANGE = (-100.0, 200.0)
LARGEST_VARIANCE = 100.0**2
"""Upper limit: a fat fraction is bounded."""
AGREE_SD = 3.0
"""Neighbours whose PDFF or R2* differs by more standard deviations are another tissue."""
LIKE_NATS = math.log(3.0)
"""Neighbours whose log(SD x signal) differs by more are excluded too: the R2* of one of the two is lost in noise."""


def pdff_variance_over_field(
    echoes: SplitEchoes, best: Mode, reach_hz: torch.Tensor, prior: GaussianPrior, basis: EchoBasis
) -> torch.Tensor:
    """Mean square deviation of PDFF from the reported value over the posterior of the field.

    Parameters
    ----------
    echoes : SplitEchoes
        Echoes of the voxels.
    best : Mode
        Mode at the maximum a posteriori.
    reach_hz : torch.Tensor, shape (voxels,), Hz
        Half-width of the range of fields.
    prior : GaussianPrior
        Prior of the field, flat in R2*.
    basis : EchoBasis
        Constants of the protocol.

    Returns
    -------
    torch.Tensor, shape (voxels,), percent^2
        Variance.

    Notes
    -----
    Sum over `NODES` fields. At each of them R2*, water and fat are fitted; its weight is likelihood times prior, and the
    variance of PDFF at that field adds to the squared deviation.
    """
    shares = torch.linspace(-1, 1, NODES, dtype=reach_hz.dtype, device=reach_hz.device)[:, None]
    voxel = torch.arange(reach_hz.numel(), device=reach_hz.device).repeat(NODES)
    field = (best.field_hz + shares * reach_hz).flatten()
    echoes, start, prior = echoes.at(voxel), best.r2star_per_s[voxel], prior.at(voxel)
    known = torch.full_like(field, KNOWN_HZ2)
    fixed_field = replace(prior, field_hz=field, field_variance=known)
    r2star = gauss_newton(echoes, field, start, basis, R2STAR_STEPS, fixed_field).r2star_per_s
    linear_fit = fit(echoes, field, r2star, basis).with_zero_slope(torch.ones_like(field, dtype=torch.bool))
    mode = mode_from_fit(linear_fit, field, r2star, prior.noise_sd, known)
    moved = mode.pdff.clamp(*PDFF_RANGE) - best.pdff.clamp(*PDFF_RANGE)[voxel]
    deviation = mode.pdff_variance.clamp_max(LARGEST_VARIANCE) + moved**2
    nats = linear_fit.residual_energy / (2 * prior.noise_sd**2) + (field - prior.field_hz) ** 2 / (2 * prior.field_variance)
    weight = torch.softmax(-nats.reshape(NODES, -1), 0)
    return (weight * deviation.reshape(NODES, -1)).sum(0)


def pooled_pdff_variance(best: Mode, neighbours: Neighbours) -> torch.Tensor:
    """Variance of PDFF pooled over neighbours of the same tissue.

    Parameters
    ----------
    best : Mode
        Reported mode.
    neighbours : Neighbours
        Neighbourhood of its voxels.

    Returns
    -------
    torch.Tensor, shape (voxels,), percent^2
        Pooled variance; unchanged in voxels without signal or noise.

    Notes
    -----
    Mean of log(SD x signal) over the voxel and the neighbours that agree with it, because the SD of PDFF is proportional to
    1 / |W + F|.
    """
    signal = (best.water + best.fat).abs()
    level = 0.5 * best.pdff_variance.log() + signal.log()
    finite = torch.isfinite(level)  # not where there is no signal, or no noise
    around = neighbours.gather(level)
    agree = neighbours.gather(finite) & finite[:, None] & ((around - level[:, None]).abs() < LIKE_NATS)
    for value, variance in ((best.pdff, best.pdff_variance), (best.r2star_per_s, best.r2star_variance)):
        apart = neighbours.gather(value) - value[:, None]
        agree = agree & (apart * apart < AGREE_SD**2 * (neighbours.gather(variance) + variance[:, None]))
    total = level + torch.where(agree, around, 0.0).sum(1)
    pooled = torch.exp(2 * (total / (1 + agree.sum(1)) - signal.log()))
    return torch.where(finite, pooled, best.pdff_variance)
