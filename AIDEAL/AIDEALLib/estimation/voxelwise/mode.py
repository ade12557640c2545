"""One water-fat mode of every voxel, and the mixture of several."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from ...physics.variable_projection import LinearFit
from .fat_fraction import pdff_signed, pdff_variance
from .least_squares import weighted_least_squares

LEAST_POSTERIOR = 1e-9
MIXTURE_PDFF_RANGE = (-20.0, 120.0)
"""Fat fractions of improbable modes are limited to this range (percent) before they enter the mixture's standard deviation."""


@dataclass(frozen=True)
class Mode:
    """Estimates within one mode; every entry (voxels,).

    Attributes
    ----------
    water, fat : complex, at the first echo, demodulated.
    pdff, pdff_variance : signed percent, percent^2.
    field_hz, field_variance, r2star_per_s, r2star_variance : Hz, Hz^2, 1/s, 1/s^2.
    residual_energy : J.
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

    def at(self, voxels: torch.Tensor) -> Mode:
        """The mode of some voxels (numbers or bool)."""
        return Mode(*(getattr(self, f.name)[voxels] for f in fields(self)))


def mode_from_fit(
    at: LinearFit,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    noise_sd: torch.Tensor,
    field_variance: torch.Tensor | None = None,
    r2star_variance: torch.Tensor | None = None,
) -> Mode:
    """Weighted least squares at (field, R2*) where `at` was fitted; variances of the prior, None for none."""
    weighted = weighted_least_squares(at, noise_sd, field_variance, r2star_variance)
    return Mode(
        weighted.water,
        weighted.fat,
        pdff_signed(weighted.water, weighted.fat),
        pdff_variance(at, weighted, noise_sd),
        field_hz + weighted.field_step,
        weighted.field_variance,
        r2star_per_s + weighted.r2star_step,
        weighted.r2star_variance,
        at.residual_energy,
    )


def select(modes: list[Mode], chosen: torch.Tensor) -> Mode:
    """The chosen mode (index, (voxels,)) of each voxel."""
    index = chosen[None]
    return Mode(*(torch.stack([getattr(m, f.name) for m in modes]).gather(0, index)[0] for f in fields(Mode)))


def with_reported(modes: list[Mode], best: Mode, reported: torch.Tensor) -> list[Mode]:
    """The modes with `best` in place of the reported one of each voxel; `reported` is bool (mode, voxels), one True a voxel."""

    def exchanged(mode: Mode, here: torch.Tensor) -> Mode:
        return Mode(*(torch.where(here, getattr(best, f.name), getattr(mode, f.name)) for f in fields(Mode)))

    return [exchanged(mode, here) for mode, here in zip(modes, reported, strict=True)]


def mixture_variance(best: Mode, modes: list[Mode], probability: torch.Tensor) -> torch.Tensor:
    """Mean square deviation of PDFF from the reported value over all modes, percent^2.

    Parameters
    ----------
    probability : (mode, voxels), sums to 1. With one sure mode this is its own variance.
    """
    pdff = torch.stack([m.pdff for m in modes]).clamp(*MIXTURE_PDFF_RANGE)
    variance = torch.stack([m.pdff_variance for m in modes]).clamp_max(100.0**2)
    return (probability * (variance + (pdff - best.pdff.clamp(*MIXTURE_PDFF_RANGE)) ** 2)).sum(0)


def with_swap_probability(posterior: torch.Tensor, reported: torch.Tensor, swap: torch.Tensor) -> torch.Tensor:
    """Probabilities of the modes, those not reported having at least `swap` (voxels,) together, shared as the posterior does.

    Parameters
    ----------
    posterior : (mode, voxels); reported : bool (mode, voxels), one mode of each voxel.
    swap : probability that another mode is right.
    """
    others = posterior.clamp_min(LEAST_POSTERIOR).masked_fill(reported, 0.0)
    total = others.sum(0)
    others = torch.maximum(swap, total) * others / total
    return torch.where(reported, 1 - others.sum(0), others)


@dataclass(frozen=True)
class Solution:
    """What a method returns: the reported mode, P(swap), PDFF variance of the mixture (percent^2), the noise per channel."""

    best: Mode
    swap_probability: torch.Tensor
    mixture_variance: torch.Tensor
    noise_sd: torch.Tensor
