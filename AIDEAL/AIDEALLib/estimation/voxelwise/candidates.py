"""Candidate modes of a voxel's field."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...physics.torch_script import without_interpreter
from ...physics.variable_projection import EchoBasis, LinearFit

R2STAR_STARTS_PER_S = (30.0, 150.0, 500.0)
SAME_MINIMUM = 1.0 / 96
"""Candidates nearer to each other than this share of the period are at the same minimum."""


@dataclass(frozen=True)
class Candidates:
    """Refined candidates of all voxels.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (candidate, voxels), Hz
        Off-resonance, within one period.
    r2star_per_s : torch.Tensor, shape (candidate, voxels), 1/s
        R2*.
    fits : tuple of LinearFit
        Fit of each candidate at its field and R2*.
    n_echoes : int
        Number of echoes.
    period_hz : float, Hz
        Period of off-resonance.
    """

    field_hz: torch.Tensor
    r2star_per_s: torch.Tensor
    fits: tuple[LinearFit, ...]
    n_echoes: int
    period_hz: float

    @property
    def residual_energy(self) -> torch.Tensor:
        """J of each candidate, (candidate, voxels)."""
        return torch.stack([f.residual_energy for f in self.fits])

    @property
    def curvature(self) -> torch.Tensor:
        """Curvature w of each candidate (see `variable_projection`), (candidate, voxels)."""
        return torch.stack([f.curvature for f in self.fits])

    @property
    def duplicates(self) -> torch.Tensor:
        """Candidates at the minimum of another one which fits no worse, bool (candidate, voxels)."""
        energy, same = self.residual_energy, torch.zeros_like(self.field_hz, dtype=torch.bool)
        for c in range(len(same)):
            for other in range(len(same)):
                near = wrap(self.field_hz[c] - self.field_hz[other], self.period_hz).abs() < SAME_MINIMUM * self.period_hz
                better = energy[other] <= energy[c] if other < c else energy[other] < energy[c]
                if other != c:
                    same[c] |= near & better
        return same

    def at(self, voxels: torch.Tensor) -> Candidates:
        """Candidates of some voxels (indices)."""
        fits = tuple(f.at(voxels) for f in self.fits)
        return replace(self, field_hz=self.field_hz[:, voxels], r2star_per_s=self.r2star_per_s[:, voxels], fits=fits)

    def field_variance(self, noise_sd: torch.Tensor) -> torch.Tensor:
        """Variance of a voxel's field due to noise, Hz^2, (voxels,): sigma^2 / (4 pi^2 w), see `variable_projection`.

        The minimum over its candidates, so that a poorly determined candidate does not lower the cost of its jumps.
        """
        return noise_sd**2 / (4 * torch.pi**2 * self.curvature.amax(0))


def wrap(hz: torch.Tensor, period_hz: float) -> torch.Tensor:
    """Value plus the number of periods that brings it within half a period of 0."""
    return torch.sub(hz, (hz / period_hz).round_(), alpha=period_hz)


def pick(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Values (candidate, voxels) of the candidate of index (voxels,), shape (voxels,)."""
    return values.gather(0, index[None])[0]


def largest(values: torch.Tensor) -> torch.Tensor:
    """Index of the largest of the values (candidate, voxels) of each voxel, (voxels,); ten times faster than `argmax`."""
    return values.max(0).indices


def search_r2star(
    echoes: torch.Tensor, field_hz: torch.Tensor, basis: EchoBasis, choices: tuple[float, ...] = R2STAR_STARTS_PER_S
) -> torch.Tensor:
    """R2*, among a few values, that explains most of the signal energy at a given field.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    field_hz : torch.Tensor, shape (voxels,), Hz
        Off-resonance.
    basis : EchoBasis
        Constants of the protocol.
    choices : tuple of float, 1/s
        Values to try.

    Returns
    -------
    torch.Tensor, shape (voxels,), 1/s
        Best value.
    """
    grid = torch.tensor(choices, device=field_hz.device)
    decay = torch.exp(-grid[:, None] * basis.tau_s).to(basis.modulation.dtype)
    q, _ = torch.linalg.qr(torch.stack([decay, decay * basis.modulation], -1))  # (R, echo, 2)
    q = q.transpose(1, 2).conj().reshape(-1, decay.shape[1])  # (2 R, echo)
    real_rows, imaginary_rows = torch.cat([q.real, -q.imag], 1), torch.cat([q.imag, q.real], 1)
    explained = _explained_without_interpreter(field_hz, echoes, basis.tau_s, real_rows, imaginary_rows)
    return grid[largest(explained.reshape(len(choices), 2, -1).sum(1))]


def _explained(
    field_hz: torch.Tensor, echoes: torch.Tensor, tau_s: torch.Tensor, real_rows: torch.Tensor, imaginary_rows: torch.Tensor
) -> torch.Tensor:
    """Signal energy along each row, (rows, voxels)."""
    angle = (2 * torch.pi) * field_hz * tau_s[:, None]
    cos, sin = torch.cos(angle), torch.sin(angle)
    real, imag = echoes.real, echoes.imag
    demodulated = torch.cat([real * cos + imag * sin, imag * cos - real * sin])
    return (real_rows @ demodulated).square() + (imaginary_rows @ demodulated).square()


_explained_without_interpreter = without_interpreter(_explained)
