"""The Cramer-Rao bound of any protocol: the least standard deviation an unbiased voxelwise estimate can have."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .signal import jacobian
from .spectrum import SIX_PEAK, FatSpectrum


@dataclass(frozen=True)
class CramerRao:
    """Lower bounds on standard deviations: PDFF in percent, R2* in 1/s, off-resonance in Hz."""

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
    pdff_percent, r2star_per_s, snr : real tensors that broadcast together to (...); snr is |W + F| over the noise standard
        deviation per real channel.
    te_s : (echo,) seconds.

    Returns
    -------
    CramerRao with entries of shape (...). Off-resonance itself does not change the bound and is taken as 0.

    Notes
    -----
    Fisher information of circular Gaussian noise: I = Re(J^H J) / sigma^2 with J the 6-column Jacobian of the signal model; the
    variance of PDFF = Re(F conj(W + F)) / |W + F|^2 follows by its gradient (delta method). Unit: sigma = 1 / snr.
    """
    pdff, r2star, snr = torch.broadcast_tensors(*(x.to(torch.float64) for x in (pdff_percent, r2star_per_s, snr)))
    fat = (pdff / 100).to(torch.complex128)
    water = 1 - fat
    zero = torch.zeros_like(pdff)
    j = jacobian(water, fat, zero, r2star, te_s.to(torch.float64), spectrum.modulation(te_s, field_strength_t))
    j = torch.cat([j.real, j.imag], dim=1)  # (6, 2 echo, ...)
    scale = torch.tensor([1, 1, 1, 1, 1e2, 1e2], dtype=torch.float64, device=j.device)  # conditions the inverse
    fisher = torch.einsum("an...,bn...->...ab", j, j) * torch.outer(scale, scale)
    covariance = torch.linalg.inv(fisher) * torch.outer(scale, scale) / snr[..., None, None] ** 2
    f = pdff / 100
    gradient = torch.stack([-f, zero, 1 - f, zero], -1)  # d PDFF / d (Re W, Im W, Re F, Im F) at |W + F| = 1
    variance = torch.einsum("...a,...ab,...b->...", gradient, covariance[..., :4, :4], gradient)
    return CramerRao(100 * variance.sqrt(), covariance[..., 5, 5].sqrt(), covariance[..., 4, 4].sqrt())
