"""The chemical-shift-encoded signal model and its derivatives."""

from __future__ import annotations

import torch


def per_echo(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Reshape (echo,) so that it broadcasts against (echo, ...) for voxels of the shape of `like`."""
    return values.reshape(-1, *([1] * like.ndim))


def decay_and_rotation(field_hz: torch.Tensor, r2star_per_s: torch.Tensor, te_s: torch.Tensor) -> torch.Tensor:
    """exp(i 2 pi phi t_n) exp(-R2* t_n), complex, shape (echo, ...)."""
    te = per_echo(te_s.to(field_hz.dtype), field_hz)
    return torch.polar(torch.exp(-r2star_per_s * te), 2 * torch.pi * field_hz * te)


def synthesise(
    water: torch.Tensor,
    fat: torch.Tensor,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    te_s: torch.Tensor,
    modulation: torch.Tensor,
) -> torch.Tensor:
    """Noise-free echoes s_n = (W + F c_n) exp(i 2 pi phi t_n - R2* t_n).

    Parameters
    ----------
    water, fat : complex amplitudes at t = 0, shape (...).
    field_hz, r2star_per_s : off-resonance in Hz and transverse decay rate in 1/s, real, shape (...).
    te_s : echo times in seconds, shape (echo,).
    modulation : fat phasor of `FatSpectrum.modulation`, shape (echo,).

    Returns
    -------
    Complex echoes, shape (echo, ...).
    """
    c = per_echo(modulation.to(water.dtype), field_hz)
    return (water + fat * c) * decay_and_rotation(field_hz, r2star_per_s, te_s)


def jacobian(
    water: torch.Tensor,
    fat: torch.Tensor,
    field_hz: torch.Tensor,
    r2star_per_s: torch.Tensor,
    te_s: torch.Tensor,
    modulation: torch.Tensor,
) -> torch.Tensor:
    """Derivatives of the echoes with respect to (Re W, Im W, Re F, Im F, phi, R2*).

    Shapes as in `synthesise`.

    Returns
    -------
    Complex tensor (6, echo, ...): dm/dW = e_n, dm/dF = c_n e_n (times 1 and i for the real and imaginary parts),
    dm/dphi = i 2 pi t m, dm/dR2* = -t m.
    """
    e = decay_and_rotation(field_hz, r2star_per_s, te_s)
    c = per_echo(modulation.to(e.dtype), field_hz)
    t = per_echo(te_s.to(field_hz.dtype), field_hz)
    m = (water + fat * c) * e
    return torch.stack([e, 1j * e, c * e, 1j * c * e, 2j * torch.pi * t * m, -t * m])
