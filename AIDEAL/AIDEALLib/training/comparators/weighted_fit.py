"""Weighted least squares of water and fat with independent echoes, differentiable: the linear step of AI-DEAL as published."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...physics.signal import decay_and_rotation, per_echo


@dataclass(frozen=True)
class WaterFat:
    """Water and fat with the variances of independent echoes.

    Attributes
    ----------
    water : torch.Tensor, shape (batch, row, column), complex
        Water at t = 0.
    fat : torch.Tensor, shape (batch, row, column), complex
        Fat at t = 0.
    water_variance : torch.Tensor, shape (batch, row, column)
        Variance of water.
    fat_variance : torch.Tensor, shape (batch, row, column)
        Variance of fat.
    model : torch.Tensor, shape (batch, echo, row, column), complex
        Fitted echoes.
    echo_sd : torch.Tensor, shape (batch, echo, row, column)
        Standard deviation of each echo that the weights belong to.
    """

    water: torch.Tensor
    fat: torch.Tensor
    water_variance: torch.Tensor
    fat_variance: torch.Tensor
    model: torch.Tensor
    echo_sd: torch.Tensor


def weighted_fit(
    echoes: torch.Tensor,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    te_s: torch.Tensor,
    modulation: torch.Tensor,
    variance: torch.Tensor,
) -> WaterFat:
    """Solve the 2 x 2 normal equations in closed form.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, batch, row, column), complex
        Echoes.
    field_hz : torch.Tensor, shape (batch, row, column), Hz
        Off-resonance.
    r2star_per_s : torch.Tensor, shape (batch, row, column), 1/s
        R2*.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor.
    variance : torch.Tensor, shape (echo, batch, row, column)
        Variance of each echo.

    Returns
    -------
    WaterFat

    Notes
    -----
    (A^H V^-1 A) rho = A^H V^-1 s with A = [1, c] exp(i 2 pi phi t - R2* t), covariance (A^H V^-1 A)^-1.
    """
    rotation = decay_and_rotation(field_hz, r2star_per_s, te_s)
    fat_signal = per_echo(modulation, field_hz) * rotation
    weight = 1 / variance
    a = (weight * rotation.abs().square()).sum(0)
    d = (weight * fat_signal.abs().square()).sum(0)
    b = (weight * rotation.conj() * fat_signal).sum(0)
    p, q = (weight * rotation.conj() * echoes).sum(0), (weight * fat_signal.conj() * echoes).sum(0)
    determinant = (a * d - b.abs().square()).clamp_min(1e-6 * a * d)
    water, fat = (d * p - b * q) / determinant, (a * q - b.conj() * p) / determinant
    model = water * rotation + fat * fat_signal
    return WaterFat(water, fat, d / determinant, a / determinant, model.movedim(0, 1), variance.sqrt().movedim(0, 1))
