"""Candidates: the modes a voxel's field may be in, each refined to its exact minimum before any two are compared.

On a coarse grid quantisation hides the evidence; after refinement the right mode fits many times better than the swapped one.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..physics.variable_projection import EchoBasis, LinearFit, fit
from .refinement import gauss_newton

R2STAR_STARTS_PER_S = (30.0, 150.0, 500.0)


@dataclass(frozen=True)
class Candidates:
    """Refined candidates, axis 0 the candidate: field (Hz, within one period), R2* (1/s) and the fit at them."""

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fits: tuple[LinearFit, ...]

    @property
    def residual_energy(self) -> torch.Tensor:
        """J of each candidate, (candidate, voxels)."""
        return torch.stack([f.residual_energy for f in self.fits])


def wrap(hz: torch.Tensor, period_hz: float) -> torch.Tensor:
    """Value within half a period of 0."""
    return hz - period_hz * torch.floor(hz / period_hz + 0.5)


def search_r2star(
    echoes: torch.Tensor, field_hz: torch.Tensor, basis: EchoBasis, choices: tuple[float, ...] = R2STAR_STARTS_PER_S
) -> torch.Tensor:
    """The R2* among a few that explains most of the signal at a given field.

    Parameters
    ----------
    echoes : complex (echo, voxels); field_hz : (voxels,).
    """
    decay = torch.exp(-torch.tensor(choices, device=field_hz.device)[:, None] * basis.tau_s).to(basis.modulation.dtype)
    q, _ = torch.linalg.qr(torch.stack([decay, decay * basis.modulation], -1))  # (R, echo, 2)
    angle = (2 * torch.pi) * field_hz * basis.tau_s[:, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    demodulated = torch.cat([echoes.real * cos + echoes.imag * sin, echoes.imag * cos - echoes.real * sin])
    q = q.transpose(1, 2).conj().reshape(-1, decay.shape[1])  # (2 R, echo)
    real_rows = torch.cat([q.real, -q.imag], 1)
    imaginary_rows = torch.cat([q.imag, q.real], 1)
    explained = (real_rows @ demodulated) ** 2 + (imaginary_rows @ demodulated) ** 2
    best = explained.reshape(len(choices), 2, -1).sum(1).argmax(0)
    return torch.tensor(choices, device=field_hz.device)[best]


def refined_candidates(
    echoes: torch.Tensor,
    field_hz: torch.Tensor,
    fat_shift_hz: float,
    period_hz: float,
    basis: EchoBasis,
    steps: int = 4,
) -> Candidates:
    """The field itself and its two neighbours a fat shift away, refined.

    Parameters
    ----------
    echoes : complex (echo, voxels); field_hz : (voxels,) main mode of G_phi.
    fat_shift_hz : mean fat shift; period_hz : period of off-resonance.
    """
    fields, decays, fits = [], [], []
    for shift in (0.0, fat_shift_hz, -fat_shift_hz):
        start = field_hz + shift
        r2 = search_r2star(echoes, start, basis)
        at = gauss_newton(echoes, start, r2, basis, steps)
        fields.append(wrap(at.field_hz, period_hz))
        decays.append(at.r2star_per_s)
        fits.append(fit(echoes, at.field_hz, at.r2star_per_s, basis))
    return Candidates(torch.stack(fields), torch.stack(decays), tuple(fits))
