"""The weighted least-squares step: water and fat with the errors of field and R2* shared by all echoes.

An error of phi or R2* moves every echo together, so the covariance of the stacked echoes is not diagonal:

    Sigma = sigma^2 I + J_phi var_phi J_phi^T + J_R var_R J_R^T,   J_phi = i 2 pi t m,  J_R = -t m.

By the Woodbury identity its weighted solution is the ordinary one corrected along G^-1 A^H t m by the posterior means of the
two shared errors, and because J_phi and J_R stay orthogonal after projection, each posterior is a scalar:

    var(phi | s) = 1 / (1 / var_phi + 4 pi^2 w / sigma^2),   var(R2* | s) = 1 / (1 / var_R + w / sigma^2).

So the whole step is elementwise; nothing is inverted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...physics.variable_projection import LinearFit


@dataclass(frozen=True)
class WeightedFit:
    """Weighted least-squares solution; entries have the shape of the voxels.

    Attributes
    ----------
    water, fat : complex amplitudes at the first echo, demodulated.
    field_step, r2star_step : posterior means of the errors of phi (Hz) and R2* (1/s): add them to the values it was made at.
    field_variance, r2star_variance : their posterior variances.
    """

    water: torch.Tensor
    fat: torch.Tensor
    field_step: torch.Tensor
    r2star_step: torch.Tensor
    field_variance: torch.Tensor
    r2star_variance: torch.Tensor


def weighted_least_squares(
    at: LinearFit,
    noise_sd: torch.Tensor,
    field_variance: torch.Tensor | None = None,
    r2star_variance: torch.Tensor | None = None,
) -> WeightedFit:
    """Solve for water and fat under the rank-2 covariance.

    Parameters
    ----------
    at : fit at the mean field and R2*.
    noise_sd : noise per real channel, broadcastable.
    field_variance (Hz^2), r2star_variance (1/s^2) : of the values the fit was made at; None for no prior knowledge, which
        gives the Laplace posterior of the voxelwise fit (and so the Cramer-Rao bound at a converged fit).
    """
    sigma2 = noise_sd**2
    phi_information = 4 * torch.pi**2 * at.curvature
    r2_information = at.curvature
    if field_variance is not None:
        phi_information = phi_information + sigma2 / field_variance
    if r2star_variance is not None:
        r2_information = r2_information + sigma2 / r2star_variance
    field_step = 2 * torch.pi * at.slope.imag / phi_information
    r2star_step = -at.slope.real / r2_information
    shift = torch.complex(r2star_step, -2 * torch.pi * field_step)
    return WeightedFit(
        at.water + at.sensitivity_water * shift,
        at.fat + at.sensitivity_fat * shift,
        field_step,
        r2star_step,
        sigma2 / phi_information,
        sigma2 / r2_information,
    )


def water_fat_covariance(at: LinearFit, weighted: WeightedFit, noise_sd: torch.Tensor) -> torch.Tensor:
    """Covariance of (Re W, Im W, Re F, Im F) at the first echo, (..., 4, 4).

    sigma^2 G^-1 of the linear fit plus the two directions in which errors of phi and R2* move water and fat.
    """
    determinant = at.gram_water * at.gram_fat - at.gram_cross.abs() ** 2
    sigma2 = noise_sd**2 / determinant
    a, d = at.gram_fat * sigma2, at.gram_water * sigma2
    b = -at.gram_cross * sigma2
    zero = torch.zeros_like(a)
    rows = [
        [a, zero, b.real, -b.imag],
        [zero, a, b.imag, b.real],
        [b.real, b.imag, d, zero],
        [-b.imag, b.real, zero, d],
    ]
    covariance = torch.stack([torch.stack(r, -1) for r in rows], -2)
    p_w, p_f = at.sensitivity_water, at.sensitivity_fat
    along_r2 = torch.stack([p_w.real, p_w.imag, p_f.real, p_f.imag], -1)
    along_phi = 2 * torch.pi * torch.stack([p_w.imag, -p_w.real, p_f.imag, -p_f.real], -1)
    for direction, variance in ((along_phi, weighted.field_variance), (along_r2, weighted.r2star_variance)):
        covariance = covariance + direction[..., :, None] * direction[..., None, :] * variance[..., None, None]
    return covariance
