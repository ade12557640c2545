"""Proton density fat fraction (PDFF) of complex water and fat, and its variance by the delta method."""

from __future__ import annotations

import torch

from ...physics.variable_projection import LinearFit
from .least_squares import WeightedFit


def pdff_signed(water: torch.Tensor, fat: torch.Tensor) -> torch.Tensor:
    """PDFF in percent, signed: 100 Re(F conj(W + F)) / |W + F|^2.

    The projection of fat on the common phase. Noise may put it below 0 or above 100; clipping would bias means.
    """
    total = water + fat
    return 100 * (fat * total.conj()).real / _power(total)


def pdff_magnitude(water: torch.Tensor, fat: torch.Tensor) -> torch.Tensor:
    """PDFF in percent by magnitude discrimination, the vendors' convention (Liu et al., Magn Reson Med 2007;58:354).

    100 |F| / |W + F| where fat dominates, 100 (1 - |W| / |W + F|) where water does: no noise bias at either end.
    """
    total = _power(water + fat).sqrt()
    return torch.where(fat.abs() > water.abs(), 100 * fat.abs() / total, 100 * (1 - water.abs() / total))


def pdff_clipped(pdff_percent: torch.Tensor) -> torch.Tensor:
    """PDFF limited to 0..100 % for display; means of clipped values are biased."""
    return pdff_percent.clamp(0, 100)


def fat_fraction_derivatives(water: torch.Tensor, fat: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Complex derivatives of eta = F / (W + F) with respect to W and F: -eta / (W + F) and (1 - eta) / (W + F)."""
    total = water + fat
    inverse = total.conj() / _power(total)
    eta = fat * inverse
    return -eta * inverse, (1 - eta) * inverse


def pdff_variance(linear_fit: LinearFit, weighted: WeightedFit, noise_sd: torch.Tensor) -> torch.Tensor:
    """Variance of the signed PDFF.

    Parameters
    ----------
    linear_fit : LinearFit
        Fit that `weighted` was computed from.
    weighted : WeightedFit
        Weighted least-squares solution.
    noise_sd : torch.Tensor
        Noise SD per real channel, broadcastable.

    Returns
    -------
    torch.Tensor, shape (...), percent^2
        Variance.

    Notes
    -----
    Delta method on PDFF = 100 Re eta, eta = F / (W + F), with the full covariance of `least_squares`: noise of water and fat
    (sigma^2 G^-1) and the shared errors of phi and R2*. Closed form.
    """
    d_water, d_fat = fat_fraction_derivatives(weighted.water, weighted.fat)
    thermal = noise_sd**2 * linear_fit.gram_quadratic_inverse(d_water.conj(), d_fat.conj())
    along = d_water * linear_fit.sensitivity_water + d_fat * linear_fit.sensitivity_fat
    shared = (2 * torch.pi * along.imag) ** 2 * weighted.field_variance + along.real**2 * weighted.r2star_variance
    return 1e4 * (thermal + shared)


def _power(x: torch.Tensor) -> torch.Tensor:
    return (x.real * x.real + x.imag * x.imag).clamp_min(torch.finfo(x.real.dtype).tiny)
