"""Cost of a field that differs from that of the adjoining slice."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .candidates import wrap

MOST_NATS = 2.0
"""Cost of a large difference: about that of a jump to one neighbour four voxels away, so that clear evidence outweighs it."""
HALF_AT = 5.0
"""The cost is half of that where the difference is this many times the typical one."""
NOISE_SDS = 2.0
"""As many standard deviations of the voxel's field widen the scale."""


@dataclass(frozen=True)
class AdjoiningField:
    """Field of the adjoining slice beside each voxel of a slice.

    Attributes
    ----------
    field_hz : torch.Tensor, shape (voxels,), Hz
        Field there.
    weight : torch.Tensor, shape (voxels,)
        Probability that it is right; 0 where there is no voxel.
    typical_change_hz : float, Hz
        How much the field changes between the two slices.
    """

    field_hz: torch.Tensor
    weight: torch.Tensor
    typical_change_hz: float

    def cost_nats(
        self, field_hz: torch.Tensor, variance_hz2: torch.Tensor, period_hz: float, voxels: torch.Tensor
    ) -> torch.Tensor:
        """Cost of the fields of some voxels, of the form that neighbours in the slice have (`Smoothness`).

        Parameters
        ----------
        field_hz : torch.Tensor, shape (candidate, n), Hz
            Field of each candidate.
        variance_hz2 : torch.Tensor, shape (n,), Hz^2
            Variance of the field due to noise.
        period_hz : float, Hz
            Period of off-resonance.
        voxels : torch.Tensor, shape (n,), int64
            Indices of the voxels.

        Returns
        -------
        torch.Tensor, shape (candidate, n), nats
            Cost, at most `MOST_NATS`.
        """
        jump2 = wrap(field_hz - self.field_hz[voxels], period_hz).square()
        level = (HALF_AT * self.typical_change_hz) ** 2 + NOISE_SDS**2 * variance_hz2
        return MOST_NATS * self.weight[voxels] * jump2 / (jump2 + level)
