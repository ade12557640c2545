"""Gauss-Newton steps on off-resonance and R2* with water and fat projected out, all voxels at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...physics.variable_projection import EchoBasis, SplitEchoes, fit

LOWEST_R2STAR_PER_S = -100.0
"""Noise may push R2* below 0; clamping it there would bias fat fractions, so a margin is left."""


@dataclass(frozen=True)
class NonlinearParameters:
    """Parameters of the signal model that are not linear.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (...), Hz
        Off-resonance.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate.
    """

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor


@dataclass(frozen=True)
class GaussianPrior:
    """Normal prior of off-resonance and R2*.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Mean of off-resonance.
    field_variance : torch.Tensor, shape (voxels,), Hz^2
        Variance of off-resonance.
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        Mean of R2*.
    r2star_variance : torch.Tensor, shape (voxels,), 1/s^2
        Variance of R2*.
    noise_sd : torch.Tensor, scalar or broadcastable
        Noise SD per real channel: weights the data against the prior.
    """

    field_hz: torch.Tensor
    field_variance: torch.Tensor
    r2star_per_s: torch.Tensor
    r2star_variance: torch.Tensor
    noise_sd: torch.Tensor

    def at(self, voxels: torch.Tensor) -> GaussianPrior:
        """Prior of some voxels (indices)."""
        field, r2star = self.field_hz[voxels], self.r2star_per_s[voxels]
        return GaussianPrior(field, self.field_variance[voxels], r2star, self.r2star_variance[voxels], self.noise_sd)


def step_limits(r2star_per_s: torch.Tensor, basis: EchoBasis) -> tuple[float, torch.Tensor]:
    """Largest steps of phi (Hz) and R2* (1/s, shape of `r2star_per_s`), which keep noise from carrying a voxel away.

    A quarter turn over the echo train in phi; half of R2* plus a decay of 0.6 over the echo train in R2*.
    """
    duration = float(basis.tau_s[-1])
    return 0.25 / duration, 0.5 * r2star_per_s.abs() + 0.6 / duration


def gauss_newton(
    echoes: torch.Tensor | SplitEchoes,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    basis: EchoBasis,
    steps: int,
    prior: GaussianPrior | None = None,
    loss: torch.Tensor | None = None,
) -> NonlinearParameters:
    """Refine (phi, R2*) by a fixed number of Gauss-Newton steps.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, ...), complex, or SplitEchoes
        Echoes.
    field_hz : torch.Tensor, shape (...), Hz
        Start of off-resonance.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Start of R2*.
    basis : EchoBasis
        Constants of the protocol.
    steps : int
        Number of steps: two are enough from a bin of G_phi, four from a coarse R2*.
    prior : GaussianPrior, optional
        Prior, added to the normal equations.
    loss : torch.Tensor, shape (echo, voxels), optional
        Known real factor of the signal at each echo.

    Returns
    -------
    NonlinearParameters
        Refined values, R2* limited to the range that the echoes determine.

    Notes
    -----
    Each step is limited (`step_limits`). Equations: `physics.variable_projection`.
    """
    phi, r2 = field_hz, r2star_per_s
    fastest_r2 = basis.fastest_decay_per_s
    split = SplitEchoes.of(echoes)
    for _ in range(steps):
        linear_fit = fit(split, phi, r2, basis, loss)
        if prior is None:
            d_phi = linear_fit.slope.imag / (2 * torch.pi * linear_fit.curvature)
            d_r2 = -linear_fit.slope.real / linear_fit.curvature
        else:
            sigma2 = prior.noise_sd**2
            weight_phi, weight_r2 = sigma2 / prior.field_variance, sigma2 / prior.r2star_variance
            d_phi = (2 * torch.pi * linear_fit.slope.imag + weight_phi * (prior.field_hz - phi)) / (
                4 * torch.pi**2 * linear_fit.curvature + weight_phi
            )
            d_r2 = (-linear_fit.slope.real + weight_r2 * (prior.r2star_per_s - r2)) / (linear_fit.curvature + weight_r2)
        phi_limit, r2_limit = step_limits(r2, basis)
        phi = phi + d_phi.clamp(-phi_limit, phi_limit)
        r2 = (r2 + torch.maximum(torch.minimum(d_r2, r2_limit), -r2_limit)).clamp(LOWEST_R2STAR_PER_S, fastest_r2)
    return NonlinearParameters(phi, r2)
