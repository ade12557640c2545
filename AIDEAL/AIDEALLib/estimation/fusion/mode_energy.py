"""Energy of the random field over the candidate modes of all foreground voxels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .smoothness import Smoothness


@dataclass(frozen=True)
class ModeEnergy:
    """Costs of the candidates and the terms of their pair costs; voxels in the order of the neighbourhood in `smoothness`.

    Attributes
    ----------
    unary : torch.Tensor, shape (candidate, voxels), nats
        Cost of each candidate in its own voxel.
    field_hz : torch.Tensor, shape (candidate, voxels), Hz
        Off-resonance of each candidate.
    variance_hz2 : torch.Tensor, shape (voxels,), Hz^2
        Variance of a voxel's field due to noise.
    smoothness : Smoothness
        Pair cost.
    period_hz : float, Hz
        Period of off-resonance.
    fat_shift_hz : float, Hz
        Mean fat shift.
    free : torch.Tensor, shape (free voxels,), int64, optional
        Indices, in order, of the voxels whose mode may change; all when None.
    """

    unary: torch.Tensor
    field_hz: torch.Tensor
    variance_hz2: torch.Tensor
    smoothness: Smoothness
    period_hz: float
    fat_shift_hz: float
    free: torch.Tensor | None = None

    def penalties(self) -> torch.Tensor:
        """Cost of every pair of candidates of a free voxel and its neighbours, see `Smoothness.penalties`."""
        return self.smoothness.penalties(self.field_hz, self.variance_hz2, self.period_hz, self.free)
