"""Weighted least squares for water and fat with errors of field and R2* that all echoes share.

An error of phi or R2* moves every echo together, so the covariance of the stacked echoes is not diagonal:

    Sigma = sigma^2 I + J_phi var_phi J_phi^T + J_R var_R J_R^T,   J_phi = i 2 pi t m,  J_R = -t m.

By the Woodbury identity the weighted solution is the ordinary one corrected along G^-1 A^H t m by the posterior means of the
two shared errors, and because J_phi and J_R stay orthogonal after projection, each posterior is scalar:

    var(phi | s) = 1 / (1 / var_phi + 4 pi^2 w / sigma^2),   var(R2* | s) = 1 / (1 / var_R + w / sigma^2).

So the whole step is elementwise; no matrix is inverted.

References
----------
Weighted least squares with the variances of field and R2*: Meneses et al., Med Image Anal 2026, doi
10.1016/j.media.2025.103811. The shared errors and the closed form: derived here.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ...physics.variable_projection import LinearFit


@dataclass(frozen=True)
class WeightedFit:
    """Weighted least-squares solution.

    Attributes
    ----------
    water : torch.Tensor, shape (...), complex
        Water amplitude at the first echo, demodulated.
    fat : torch.Tensor, shape (...), complex
        Fat amplitude at the first echo, demodulated.
    field_step : torch.Tensor, shape (...), Hz
        Posterior mean of the error of phi, to be added to the phi of the fit.
    r2star_step : torch.Tensor, shape (...), 1/s
        Posterior mean of the error of R2*, to be added to the R2* of the fit.
    field_variance : torch.Tensor, shape (...), Hz^2
        Posterior variance of phi.
    r2star_variance : torch.Tensor, shape (...), 1/s^2
        Posterior variance of R2*.
    """

    water: torch.Tensor
    fat: torch.Tensor
    field_step: torch.Tensor
    r2star_step: torch.Tensor
    field_variance: torch.Tensor
    r2star_variance: torch.Tensor


def weighted_least_squares(
    linear_fit: LinearFit,
    noise_sd: torch.Tensor,
    field_variance: torch.Tensor | None = None,
    r2star_variance: torch.Tensor | None = None,
) -> WeightedFit:
    """Solve for water and fat under the rank-2 covariance.

    Parameters
    ----------
    linear_fit : LinearFit
        Fit at the prior means of phi and R2*.
    noise_sd : torch.Tensor
        Noise SD per real channel, broadcastable.
    field_variance : torch.Tensor, Hz^2, optional
        Prior variance of phi; None for a flat prior.
    r2star_variance : torch.Tensor, 1/s^2, optional
        Prior variance of R2*; None for a flat prior. Two flat priors give the Laplace posterior of the voxelwise fit, and so
        the Cramer-Rao bound at a converged fit.

    Returns
    -------
    WeightedFit
        Solution with entries of the shape of the fit.
    """
    sigma2 = noise_sd**2
    phi_information = 4 * torch.pi**2 * linear_fit.curvature
    r2_information = linear_fit.curvature
    if field_variance is not None:
        phi_information = phi_information + sigma2 / field_variance
    if r2star_variance is not None:
        r2_information = r2_information + sigma2 / r2star_variance
    field_step = 2 * torch.pi * linear_fit.slope.imag / phi_information
    r2star_step = -linear_fit.slope.real / r2_information
    shift = torch.complex(r2star_step, -2 * torch.pi * field_step)
    return WeightedFit(
        linear_fit.water + linear_fit.sensitivity_water * shift,
        linear_fit.fat + linear_fit.sensitivity_fat * shift,
        field_step,
        r2star_step,
        sigma2 / phi_information,
        sigma2 / r2_information,
    )


def water_fat_covariance(linear_fit: LinearFit, weighted: WeightedFit, noise_sd: torch.Tensor) -> torch.Tensor:
    """Covariance of (Re W, Im W, Re F, Im F) at the first echo.

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
    torch.Tensor, shape (..., 4, 4)
        sigma^2 G^-1 of the linear fit plus the two directions in which errors of phi and R2* move water and fat.
    """
    determinant = linear_fit.gram_water * linear_fit.gram_fat - linear_fit.gram_cross.abs() ** 2
    sigma2 = noise_sd**2 / determinant
    a, d = linear_fit.gram_fat * sigma2, linear_fit.gram_water * sigma2
    b = -linear_fit.gram_cross * sigma2
    zero = torch.zeros_like(a)
    rows = [
        [a, zero, b.real, -b.imag],
        [zero, a, b.imag, b.real],
        [b.real, b.imag, d, zero],
        [-b.imag, b.real, zero, d],
    ]
    covariance = torch.stack([torch.stack(r, -1) for r in rows], -2)
    p_w, p_f = linear_fit.sensitivity_water, linear_fit.sensitivity_fat
    along_r2 = torch.stack([p_w.real, p_w.imag, p_f.real, p_f.imag], -1)
    along_phi = 2 * torch.pi * torch.stack([p_w.imag, -p_w.real, p_f.imag, -p_f.real], -1)
    for direction, variance in ((along_phi, weighted.field_variance), (along_r2, weighted.r2star_variance)):
        covariance = covariance + direction[..., :, None] * direction[..., None, :] * variance[..., None, None]
    return covariance
