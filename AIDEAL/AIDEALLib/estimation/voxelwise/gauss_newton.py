"""Gauss-Newton steps on off-resonance and R2* with water and fat projected out, all voxels at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import torch

from ...physics.closed_form_fit import fitted_values
from ...physics.torch_script import without_interpreter
from ...physics.variable_projection import EchoBasis, SplitEchoes

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
    return _largest_steps(r2star_per_s, float(basis.tau_s[-1]))


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
    split = SplitEchoes.of(echoes)
    if prior is None:
        flat = split.energy.new_zeros(())
        pull = [flat, flat, flat, flat]
    else:
        noise_variance = prior.noise_sd**2
        weights = noise_variance / prior.field_variance, noise_variance / prior.r2star_variance
        pull = [prior.field_hz, weights[0], prior.r2star_per_s, weights[1]]
    start, limits = (field_hz.reshape(-1), r2star_per_s.reshape(-1)), (LOWEST_R2STAR_PER_S, basis.fastest_decay_per_s)
    field, r2star = _stepped_without_interpreter(*start, split.tensors, basis.tensors, pull, steps, limits, loss)
    return NonlinearParameters(field.reshape(field_hz.shape), r2star.reshape(field_hz.shape))


def _stepped(
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    echoes: list[torch.Tensor],
    basis: list[torch.Tensor],
    pull: list[torch.Tensor],
    steps: int,
    r2star_limits: tuple[float, float],
    loss: Optional[torch.Tensor],  # noqa: UP045, as TorchScript of torch 2.2 requires
) -> tuple[torch.Tensor, torch.Tensor]:
    """Field and R2* after the steps; `pull` is mean and weight of the prior of the field, then of R2*."""
    mean_hz, field_weight, mean_per_s, r2star_weight = pull
    duration_s = float(basis[0][-1])
    for _ in range(steps):
        values = fitted_values(field_hz, r2star_per_s, echoes, basis, loss)
        slope_r, slope_i, curvature = values[5], values[6], values[7]
        d_phi = (2 * torch.pi * slope_i + field_weight * (mean_hz - field_hz)) / (4 * torch.pi**2 * curvature + field_weight)
        d_r2 = (r2star_weight * (mean_per_s - r2star_per_s) - slope_r) / (curvature + r2star_weight)
        phi_limit, r2_limit = _largest_steps(r2star_per_s, duration_s)
        field_hz = field_hz + d_phi.clamp(-phi_limit, phi_limit)
        r2star_per_s = r2star_per_s + torch.maximum(torch.minimum(d_r2, r2_limit), -r2_limit)
        r2star_per_s = r2star_per_s.clamp(r2star_limits[0], r2star_limits[1])
    return field_hz, r2star_per_s


def _largest_steps(r2star_per_s: torch.Tensor, duration_s: float) -> tuple[float, torch.Tensor]:
    return 0.25 / duration_s, 0.5 * r2star_per_s.abs() + 0.6 / duration_s


_stepped_without_interpreter = without_interpreter(_stepped)
