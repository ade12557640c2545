"""Proton density fat fraction from complex water and fat: its forms, and its variance by the delta method."""

from __future__ import annotations

import torch

from ...physics.variable_projection import LinearFit
from .least_squares import WeightedFit


def pdff_signed(water: torch.Tensor, fat: torch.Tensor) -> torch.Tensor:
    """PDFF in percent, signed: 100 Re(F conj(W + F)) / |W + F|^2.

    The projection of fat on the common phase. Noise may put it below 0 or above 100; leave it so for statistics.
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


def pdff_variance(at: LinearFit, weighted: WeightedFit, noise_sd: torch.Tensor) -> torch.Tensor:
    """Variance of the signed PDFF in percent^2.

    Delta method on eta = F / (W + F), PDFF = 100 Re eta:  d eta = ((1 - eta) dF - eta dW) / (W + F), with the full covariance
    of `least_squares`: noise of water and fat (sigma^2 G^-1) and the shared errors of phi and R2*.
    """
    total = weighted.water + weighted.fat
    inverse = total.conj() / _power(total)
    eta = weighted.fat * inverse
    d_water, d_fat = -eta * inverse, (1 - eta) * inverse
    thermal = noise_sd**2 * at.gram_quadratic_inverse(d_water.conj(), d_fat.conj())
    along = d_water * at.sensitivity_water + d_fat * at.sensitivity_fat
    shared = (2 * torch.pi * along.imag) ** 2 * weighted.field_variance + along.real**2 * weighted.r2star_variance
    return 1e4 * (thermal + shared)


def _power(x: torch.Tensor) -> torch.Tensor:
    return (x.real * x.real + x.imag * x.imag).clamp_min(torch.finfo(x.real.dtype).tiny)
