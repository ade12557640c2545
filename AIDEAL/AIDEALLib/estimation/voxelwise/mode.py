"""Estimates within one water-fat mode of every voxel, and the mixture of several modes."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from ...physics.per_voxel import PerVoxel
from ...physics.variable_projection import LinearFit
from .fat_fraction import pdff_signed, pdff_variance
from .least_squares import weighted_least_squares

LEAST_POSTERIOR = 1e-9
MIXTURE_PDFF_RANGE = (-20.0, 120.0)
"""Fat fractions of improbable modes are limited to this range (percent) before they enter the mixture's standard deviation."""


@dataclass(frozen=True)
class Mode(PerVoxel):
    """Estimates within one mode.

    Attributes
    ----------
    water : torch.Tensor, shape (voxels,), complex
        Water amplitude at the first echo, demodulated.
    fat : torch.Tensor, shape (voxels,), complex
        Fat amplitude at the first echo, demodulated.
    pdff : torch.Tensor, shape (voxels,), percent
        Signed fat fraction.
    pdff_variance : torch.Tensor, shape (voxels,), percent^2
        Its variance within the mode.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance.
    field_variance : torch.Tensor, shape (voxels,), Hz^2
        Its variance.
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        R2*.
    r2star_variance : torch.Tensor, shape (voxels,), 1/s^2
        Its variance.
    residual_energy : torch.Tensor, shape (voxels,)
        J, sum of the squared residuals over the echoes.
    """

    water: torch.Tensor
    fat: torch.Tensor
    pdff: torch.Tensor
    pdff_variance: torch.Tensor
    field_hz: torch.Tensor
    field_variance: torch.Tensor
    r2star_per_s: torch.Tensor
    r2star_variance: torch.Tensor
    residual_energy: torch.Tensor


def mode_from_fit(
    linear_fit: LinearFit,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    noise_sd: torch.Tensor,
    field_variance: torch.Tensor | None = None,
    r2star_variance: torch.Tensor | None = None,
) -> Mode:
    """Mode by weighted least squares from a linear fit.

    Parameters
    ----------
    linear_fit : LinearFit
        Fit of water and fat.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance of the fit.
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        R2* of the fit.
    noise_sd : torch.Tensor
        Noise SD per real channel, broadcastable.
    field_variance : torch.Tensor, Hz^2, optional
        Prior variance of off-resonance; None for a flat prior.
    r2star_variance : torch.Tensor, 1/s^2, optional
        Prior variance of R2*; None for a flat prior.

    Returns
    -------
    Mode
        Estimates and variances.
    """
    weighted = weighted_least_squares(linear_fit, noise_sd, field_variance, r2star_variance)
    return Mode(
        weighted.water,
        weighted.fat,
        pdff_signed(weighted.water, weighted.fat),
        pdff_variance(linear_fit, weighted, noise_sd),
        field_hz + weighted.field_step,
        weighted.field_variance,
        r2star_per_s + weighted.r2star_step,
        weighted.r2star_variance,
        linear_fit.residual_energy,
    )


def select(modes: list[Mode], chosen: torch.Tensor) -> Mode:
    """Chosen mode of each voxel; `chosen` is its index, (voxels,)."""
    index = chosen[None]
    return Mode(*(torch.stack([getattr(m, f.name) for m in modes]).gather(0, index)[0] for f in fields(Mode)))


def with_reported(modes: list[Mode], best: Mode, reported: torch.Tensor) -> list[Mode]:
    """Modes with `best` in place of the reported mode of each voxel.

    Parameters
    ----------
    modes : list of Mode
        All modes.
    best : Mode
        Replacement.
    reported : torch.Tensor, shape (mode, voxels), bool
        Reported mode, one True a voxel.

    Returns
    -------
    list of Mode
        All modes, the reported one replaced.
    """
    return [best.where(where, mode) for mode, where in zip(modes, reported, strict=True)]


def mixture_variance(best: Mode, modes: list[Mode], probability: torch.Tensor) -> torch.Tensor:
    """Mean square deviation of PDFF from the reported value over all modes (second moment of a mixture).

    Parameters
    ----------
    best : Mode
        Reported mode.
    modes : list of Mode
        All modes.
    probability : torch.Tensor, shape (mode, voxels)
        Probability of each mode, summing to 1.

    Returns
    -------
    torch.Tensor, shape (voxels,), percent^2
        The variance of the reported mode itself where its probability is 1.
    """
    pdff = torch.stack([m.pdff for m in modes]).clamp(*MIXTURE_PDFF_RANGE)
    variance = torch.stack([m.pdff_variance for m in modes]).clamp_max(100.0**2)
    return (probability * (variance + (pdff - best.pdff.clamp(*MIXTURE_PDFF_RANGE)) ** 2)).sum(0)


def with_swap_probability(posterior: torch.Tensor, reported: torch.Tensor, swap: torch.Tensor) -> torch.Tensor:
    """Probabilities of the modes in which those not reported have at least a given probability together.

    Parameters
    ----------
    posterior : torch.Tensor, shape (mode, voxels)
        Posterior of the mode; it divides the probability among the modes that are not reported.
    reported : torch.Tensor, shape (mode, voxels), bool
        Reported mode, one True a voxel.
    swap : torch.Tensor, shape (voxels,)
        Probability that another mode is right.

    Returns
    -------
    torch.Tensor, shape (mode, voxels)
        Probabilities, summing to 1.
    """
    others = posterior.clamp_min(LEAST_POSTERIOR).masked_fill(reported, 0.0)
    total = others.sum(0)
    others = torch.maximum(swap, total) * others / total
    return torch.where(reported, 1 - others.sum(0), others)


@dataclass(frozen=True)
class Solution:
    """Result of a method.

    Attributes
    ----------
    best : Mode
        Reported mode.
    swap_probability : torch.Tensor, shape (voxels,)
        Probability that another mode is right.
    mixture_variance : torch.Tensor, shape (voxels,), percent^2
        Variance of PDFF over all modes.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    """

    best: Mode
    swap_probability: torch.Tensor
    mixture_variance: torch.Tensor
    noise_sd: torch.Tensor
