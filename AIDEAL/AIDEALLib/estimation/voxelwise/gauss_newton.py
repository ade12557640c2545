"""A fixed number of Gauss-Newton steps on off-resonance and R2*, water and fat projected out, all voxels at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...physics.variable_projection import EchoBasis, SplitEchoes, fit

LOWEST_R2STAR_PER_S = -100.0
"""Noise may push R2* below 0; clamping it there would bias fat fractions, so a margin is left."""


@dataclass(frozen=True)
class NonlinearParameters:
    """Off-resonance (Hz) and R2* (1/s), one value a voxel."""

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor


@dataclass(frozen=True)
class GaussianPrior:
    """Mean and variance of off-resonance and R2* known beforehand; `noise_sd` scales data against prior (per real channel)."""

    field_hz: torch.Tensor
    field_variance: torch.Tensor
    r2star_per_s: torch.Tensor
    r2star_variance: torch.Tensor
    noise_sd: torch.Tensor

    def at(self, voxels: torch.Tensor) -> GaussianPrior:
        """That of some voxels (numbers)."""
        field, r2star = self.field_hz[voxels], self.r2star_per_s[voxels]
        return GaussianPrior(field, self.field_variance[voxels], r2star, self.r2star_variance[voxels], self.noise_sd)


def gauss_newton(
    echoes: torch.Tensor | SplitEchoes,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    basis: EchoBasis,
    steps: int,
    prior: GaussianPrior | None = None,
) -> NonlinearParameters:
    """Refine (phi, R2*).

    Parameters
    ----------
    echoes : complex (echo, ...), or split already; field_hz, r2star_per_s : starting values (...).
    steps : number of steps (two are enough from a bin of G_phi, four from a coarse R2*).
    prior : is added to the normal equations.

    Notes
    -----
    Each step is limited to a quarter turn over the echo train in phi and to half of R2* plus a constant, so that a voxel of
    noise stays put. Equations: `physics.variable_projection`.
    """
    phi, r2 = field_hz, r2star_per_s
    furthest_phi = 0.25 / float(basis.tau_s[-1])
    furthest_r2 = 0.6 / float(basis.tau_s[-1])
    fastest_r2 = basis.fastest_decay_per_s
    split = SplitEchoes.of(echoes)
    for _ in range(steps):
        at = fit(split, phi, r2, basis)
        if prior is None:
            d_phi = at.slope.imag / (2 * torch.pi * at.curvature)
            d_r2 = -at.slope.real / at.curvature
        else:
            sigma2 = prior.noise_sd**2
            weight_phi, weight_r2 = sigma2 / prior.field_variance, sigma2 / prior.r2star_variance
            d_phi = (2 * torch.pi * at.slope.imag + weight_phi * (prior.field_hz - phi)) / (
                4 * torch.pi**2 * at.curvature + weight_phi
            )
            d_r2 = (-at.slope.real + weight_r2 * (prior.r2star_per_s - r2)) / (at.curvature + weight_r2)
        phi = phi + d_phi.clamp(-furthest_phi, furthest_phi)
        limit = 0.5 * r2.abs() + furthest_r2
        r2 = (r2 + torch.maximum(torch.minimum(d_r2, limit), -limit)).clamp(LOWEST_R2STAR_PER_S, fastest_r2)
    return NonlinearParameters(phi, r2)
