"""Cramer-Rao bound of a protocol: the smallest standard deviation of an unbiased voxelwise estimate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .signal import jacobian
from .spectrum import SIX_PEAK, FatSpectrum


@dataclass(frozen=True)
class CramerRao:
    """Lower bounds on standard deviations.

    Attributes
    ----------
    pdff_sd : torch.Tensor, shape (...), percent
        Of PDFF.
    r2star_sd : torch.Tensor, shape (...), 1/s
        Of R2*.
    field_sd : torch.Tensor, shape (...), Hz
        Of off-resonance.
    """

    pdff_sd: torch.Tensor
    r2star_sd: torch.Tensor
    field_sd: torch.Tensor


def cramer_rao(
    pdff_percent: torch.Tensor,
    r2star_per_s: torch.Tensor,
    snr: torch.Tensor,
    te_s: torch.Tensor,
    field_strength_t: float,
    spectrum: FatSpectrum = SIX_PEAK,
) -> CramerRao:
    """Bound with water, fat (complex, independent), off-resonance and R2* all unknown.

    Parameters
    ----------
    pdff_percent : torch.Tensor, percent
        Fat fraction; the first three parameters broadcast together to (...).
    r2star_per_s : torch.Tensor, 1/s
        Transverse decay rate.
    snr : torch.Tensor
        |W + F| over the noise standard deviation per real channel.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    field_strength_t : float, tesla
        Field strength.
    spectrum : FatSpectrum
        Fat spectrum.

    Returns
    -------
    CramerRao
        Bounds of shape (...). Off-resonance itself does not change them and is taken as 0.

    Notes
    -----
    Fisher information of circular Gaussian noise: I = Re(J^H J) / sigma^2 with J the 6-column Jacobian of the signal model; the
    variance of PDFF = Re(F conj(W + F)) / |W + F|^2 follows from its gradient (delta method). Unit: sigma = 1 / snr.

    References
    ----------
    Kay, Fundamentals of Statistical Signal Processing: Estimation Theory, 1993, chapter 3.
    """
    pdff, r2star, snr = torch.broadcast_tensors(*(x.to(torch.float64) for x in (pdff_percent, r2star_per_s, snr)))
    fat = (pdff / 100).to(torch.complex128)
    water = 1 - fat
    zero = torch.zeros_like(pdff)
    slopes = jacobian(water, fat, zero, r2star, te_s.to(torch.float64), spectrum.modulation(te_s, field_strength_t))
    slopes = torch.cat([slopes.real, slopes.imag], dim=1)  # (6, 2 echo, ...)
    scale = torch.tensor([1, 1, 1, 1, 1e2, 1e2], dtype=torch.float64, device=slopes.device)  # conditions the inverse
    fisher = torch.einsum("an...,bn...->...ab", slopes, slopes) * torch.outer(scale, scale)
    covariance = torch.linalg.inv(fisher) * torch.outer(scale, scale) / snr[..., None, None] ** 2
    fraction = pdff / 100
    gradient = torch.stack([-fraction, zero, 1 - fraction, zero], -1)  # d PDFF / d (Re W, Im W, Re F, Im F) at |W + F| = 1
    variance = torch.einsum("...a,...ab,...b->...", gradient, covariance[..., :4, :4], gradient)
    return CramerRao(100 * variance.sqrt(), covariance[..., 5, 5].sqrt(), covariance[..., 4, 4].sqrt())
