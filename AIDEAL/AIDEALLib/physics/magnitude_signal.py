"""Signal model of magnitudes, their Rician noise, and the Cramer-Rao bound they allow.

Without phase, water and fat are taken to share one phase, so that with S = W + F > 0 and f = F / S

    m_n = S |1 + f (c_n - 1)| exp(-R2* t_n),    x_n ~ Rice(m_n, sigma).

Off-resonance drops out, and with it the only difference between f and 1 - f for a single fat peak; a spectrum of several
peaks leaves a small difference.

References
----------
Model: Yu et al., Magn Reson Med 2011;66:199; Triay Bagur et al., Magn Reson Med 2019;82:460 (both solutions compared).
Rician density and its Fisher information: Karlsen et al., IEEE Trans Med Imaging 1999;18:655.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch

from .signal import per_echo
from .spectrum import FatSpectrum

_TABLE_STEP, _TABLE_END = 0.05, 12.0


@dataclass(frozen=True)
class MagnitudeModel:
    """Noise-free magnitudes and their derivatives.

    Attributes
    ----------
    values : torch.Tensor, shape (echo, ...)
        Magnitudes m_n.
    jacobian : torch.Tensor, shape (3, echo, ...)
        Derivatives with respect to (S, f, R2*).
    """

    values: torch.Tensor
    jacobian: torch.Tensor


def magnitude_model(
    total: torch.Tensor, fraction: torch.Tensor, r2star_per_s: torch.Tensor, tau_s: torch.Tensor, modulation: torch.Tensor
) -> MagnitudeModel:
    """Noise-free magnitudes for given (S, f, R2*).

    Parameters
    ----------
    total : torch.Tensor, shape (...)
        S, signal of water and fat at `tau_s` = 0.
    fraction : torch.Tensor, shape (...)
        Fat fraction f, 0 to 1; slightly beyond is allowed.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate.
    tau_s : torch.Tensor, shape (echo,), seconds
        Time of each echo from the time of S.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c_n.

    Returns
    -------
    MagnitudeModel
        Magnitudes and derivatives.
    """
    beat = per_echo(modulation, total) - 1
    h = 1 + fraction * beat
    length = h.abs().clamp_min(1e-12)
    tau = per_echo(tau_s.to(total.dtype), total)
    decay = torch.exp(-r2star_per_s * tau)
    values = total * length * decay
    slope = total * decay * (h.conj() * beat).real / length
    return MagnitudeModel(values, torch.stack([length * decay, slope, -tau * values]))


def rician_mean(true: torch.Tensor, noise_sd: torch.Tensor) -> torch.Tensor:
    """Expected magnitude of a true magnitude under noise of SD `noise_sd` per real channel (mean of the Rice distribution)."""
    quarter = (true / noise_sd) ** 2 / 4
    bessel = (1 + 2 * quarter) * torch.special.i0e(quarter) + 2 * quarter * torch.special.i1e(quarter)
    return noise_sd * math.sqrt(math.pi / 2) * bessel


def rician_log_likelihood(measured: torch.Tensor, true: torch.Tensor, noise_sd: torch.Tensor) -> torch.Tensor:
    """Logarithm of the Rician density up to terms independent of the true magnitude.

    Parameters
    ----------
    measured : torch.Tensor, shape (...)
        Measured magnitude.
    true : torch.Tensor, shape (...)
        Noise-free magnitude.
    noise_sd : torch.Tensor
        Noise SD per real channel.

    Returns
    -------
    torch.Tensor, shape (...)
        Log-likelihood in nats.
    """
    return -((measured - true) ** 2) / (2 * noise_sd**2) + torch.log(torch.special.i0e(measured * true / noise_sd**2))


def rician_score(measured: torch.Tensor, true: torch.Tensor, noise_sd: torch.Tensor) -> torch.Tensor:
    """Derivative of `rician_log_likelihood` with respect to the true magnitude, times sigma^2.

    Parameters
    ----------
    measured : torch.Tensor, shape (...)
        Measured magnitude.
    true : torch.Tensor, shape (...)
        Noise-free magnitude.
    noise_sd : torch.Tensor
        Noise SD per real channel.

    Returns
    -------
    torch.Tensor, shape (...)
        Score, in the unit of the magnitudes.
    """
    z = measured * true / noise_sd**2
    return measured * torch.special.i1e(z) / torch.special.i0e(z) - true


def rician_information(ratio: torch.Tensor) -> torch.Tensor:
    """Fisher information of a magnitude about its true value at signal-to-noise `ratio`, times sigma^2 (0 to 1)."""
    position = (ratio / _TABLE_STEP).clamp(0, _TABLE_END / _TABLE_STEP - 1e-6)
    low = position.floor().long()
    table = _information_table().to(ratio)
    inside = table[low] + (position - low) * (table[low + 1] - table[low])
    return torch.where(ratio < _TABLE_END, inside, 1 - 0.5 / ratio.clamp_min(1.0) ** 2)


@lru_cache(maxsize=1)
def _information_table() -> torch.Tensor:
    """E[(y I1(y v) / I0(y v) - v)^2] for y ~ Rice(v, 1), by quadrature."""
    v = torch.arange(0, _TABLE_END + 2 * _TABLE_STEP, _TABLE_STEP, dtype=torch.float64)[:, None]
    y = torch.linspace(0, _TABLE_END + 9, 4001, dtype=torch.float64)
    density = y * torch.exp(-((y - v) ** 2) / 2) * torch.special.i0e(y * v)
    score = y * torch.special.i1e(y * v) / torch.special.i0e(y * v) - v
    return torch.trapezoid(density * score**2, y) / torch.trapezoid(density, y)


def magnitude_covariance(model: MagnitudeModel, noise_sd: torch.Tensor) -> torch.Tensor:
    """Inverse Fisher information of (S, f, R2*), shape (..., 3, 3): the Cramer-Rao bound of a magnitude fit."""
    weight = rician_information(model.values / noise_sd) / noise_sd**2
    information = torch.einsum("an...,n...,bn...->...ab", model.jacobian, weight, model.jacobian)
    scale = information.diagonal(dim1=-2, dim2=-1).clamp_min(torch.finfo(information.dtype).tiny).rsqrt()
    outer = scale[..., :, None] * scale[..., None, :]
    # 1e-10 on the diagonal keeps the (then huge) variance of voxels of pure noise finite.
    conditioned = information * outer + 1e-10 * torch.eye(3, dtype=information.dtype, device=information.device)
    return torch.linalg.inv(conditioned) * outer


def magnitude_bound_pdff_sd(
    pdff_percent: torch.Tensor, r2star_per_s: float, snr: float, te_s: torch.Tensor, field_strength_t: float, fat: FatSpectrum
) -> torch.Tensor:
    """Cramer-Rao bound on the SD of PDFF from magnitudes alone, given which of the two solutions is right.

    Parameters
    ----------
    pdff_percent : torch.Tensor, shape (...), percent
        Fat fraction.
    r2star_per_s : float, 1/s
        Transverse decay rate.
    snr : float
        W + F at t = 0 over the noise SD per real channel.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    field_strength_t : float, tesla
        Field strength.
    fat : FatSpectrum
        Fat spectrum.

    Returns
    -------
    torch.Tensor, shape (...), percentage points
        Bound on the standard deviation.
    """
    fraction = pdff_percent.to(torch.float64) / 100
    te = te_s.to(torch.float64)
    one = torch.ones_like(fraction)
    model = magnitude_model(one, fraction, r2star_per_s * one, te, fat.modulation(te, field_strength_t))
    return 100 * magnitude_covariance(model, one / snr)[..., 1, 1].sqrt()
