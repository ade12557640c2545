"""The chemical-shift-encoded signal model and its derivatives."""

from __future__ import annotations

import torch


def per_echo(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Reshape (echo,) so that it broadcasts against (echo, ...) for voxels of the shape of `like`."""
    return values.reshape(-1, *([1] * like.ndim))


def residual_degrees_of_freedom(n_echoes: int) -> int:
    """Degrees of freedom of the residual of a voxelwise complex fit: 2 N real samples less six real unknowns.

    The unknowns are water and fat (complex), off-resonance and R2*. Uses only operators of TorchScript: the exported networks
    contain it.
    """
    return 2 * n_echoes - 6


def decay_and_rotation(field_hz: torch.Tensor, r2star_per_s: torch.Tensor, te_s: torch.Tensor) -> torch.Tensor:
    """exp(i 2 pi phi t_n) exp(-R2* t_n).

    Parameters
    ----------
    field_hz : torch.Tensor, shape (...), Hz
        Off-resonance phi.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.

    Returns
    -------
    torch.Tensor, shape (echo, ...), complex
        Common factor of water and fat at each echo.
    """
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
    water : torch.Tensor, shape (...), complex
        Water amplitude W at t = 0.
    fat : torch.Tensor, shape (...), complex
        Fat amplitude F at t = 0.
    field_hz : torch.Tensor, shape (...), Hz
        Off-resonance phi.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate R2*.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times t_n.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor c_n of `FatSpectrum.modulation`.

    Returns
    -------
    torch.Tensor, shape (echo, ...), complex
        Echoes.

    References
    ----------
    Reeder et al., Magn Reson Med 2004;51:35; one R2* of water and fat: Yu et al., J Magn Reson Imaging 2007;26:1153.
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
    """Derivatives of the echoes of `synthesise` with respect to (Re W, Im W, Re F, Im F, phi, R2*).

    Parameters
    ----------
    water : torch.Tensor, shape (...), complex
        Water amplitude at t = 0.
    fat : torch.Tensor, shape (...), complex
        Fat amplitude at t = 0.
    field_hz : torch.Tensor, shape (...), Hz
        Off-resonance.
    r2star_per_s : torch.Tensor, shape (...), 1/s
        Transverse decay rate.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex
        Fat phasor.

    Returns
    -------
    torch.Tensor, shape (6, echo, ...), complex
        Derivatives in the order above.

    Notes
    -----
    Closed form, with e_n of `decay_and_rotation` and the model m_n: dm/dW = e_n, dm/dF = c_n e_n (times 1 and i for the real
    and imaginary parts), dm/dphi = i 2 pi t m, dm/dR2* = -t m.
    """
    e = decay_and_rotation(field_hz, r2star_per_s, te_s)
    c = per_echo(modulation.to(e.dtype), field_hz)
    t = per_echo(te_s.to(field_hz.dtype), field_hz)
    m = (water + fat * c) * e
    return torch.stack([e, 1j * e, c * e, 1j * c * e, 2j * torch.pi * t * m, -t * m])
