"""Cost of a jump of the field between neighbouring voxels."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..voxelwise.neighbours import Neighbours
from .weights import REFERENCE_FIELD_T, FusionOptions, Weight

VOXELS_AT_ONCE = 512
"""On the CPU; intermediate results of that size stay in its cache."""


@dataclass(frozen=True)
class Smoothness:
    """Pair cost weight * cut * x / (x + cut), x = (jump / scale)^2: quadratic for small jumps, bounded for large ones.

    Attributes
    ----------
    neighbours : Neighbours
        Neighbourhood.
    height : torch.Tensor, shape (offset,), nats
        Cost of a large jump.
    level_hz2 : torch.Tensor, shape (offset,), Hz^2
        Squared jump of half that cost, without noise.
    cut : float or torch.Tensor
        `FusionOptions.cut`.

    Notes
    -----
    The field of tissue is smooth except at skin, gas and bone, where it may jump at a bounded cost. Noise in the two fields
    adds to the jump; its variance is added to scale^2.

    References
    ----------
    Geman and McClure, Bull Int Stat Inst 1987;52:5 (form of the cost).
    """

    neighbours: Neighbours
    height: torch.Tensor
    level_hz2: torch.Tensor
    cut: Weight

    @classmethod
    def of(cls, neighbours: Neighbours, options: FusionOptions, field_strength_t: float) -> Smoothness:
        """Pair cost at a field strength.

        Parameters
        ----------
        neighbours : Neighbours
            Neighbourhood.
        options : FusionOptions
            Weights.
        field_strength_t : float, tesla
            Field strength; jumps grow with it.

        Returns
        -------
        Smoothness
            Pair cost.
        """
        distance = neighbours.distance
        scale = options.scale_hz * (field_strength_t / REFERENCE_FIELD_T) * distance**options.distance_power
        weights = torch.stack([torch.as_tensor(w, dtype=distance.dtype, device=distance.device) for w in options.ring_weights])
        return cls(neighbours, options.cut * weights[neighbours.ring], options.cut * scale**2, options.cut)

    def penalties(
        self, field_hz: torch.Tensor, variance_hz2: torch.Tensor, period_hz: float, voxels: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Cost of every pair of candidates of neighbouring voxels.

        Parameters
        ----------
        field_hz : torch.Tensor, shape (candidate, voxels), Hz
            Field of each candidate.
        variance_hz2 : torch.Tensor, shape (voxels,), Hz^2
            Variance of a voxel's field due to noise; it widens the scale.
        period_hz : float, Hz
            Period of off-resonance.
        voxels : torch.Tensor, shape (n,), int64, optional
            Indices of the voxels whose costs are computed; all when None.

        Returns
        -------
        torch.Tensor, shape (n, candidate, offset * candidate of the neighbour), nats
            Pair costs.
        """
        if voxels is None:
            voxels = torch.arange(field_hz.shape[1], device=field_hz.device)
        return self._penalties(voxels, field_hz, variance_hz2, period_hz)

    def update(
        self,
        penalties: torch.Tensor,
        changed: torch.Tensor,
        field_hz: torch.Tensor,
        variance_hz2: torch.Tensor,
        period_hz: float,
        voxels: torch.Tensor | None = None,
    ) -> None:
        """Update `penalties` in place after the candidates of some voxels have changed.

        Parameters
        ----------
        penalties : torch.Tensor, shape (n, candidate, offset * candidate), nats
            Pair costs of `voxels` before the change.
        changed : torch.Tensor, shape (m,), int64
            Indices of the changed voxels.
        field_hz : torch.Tensor, shape (candidate, voxels), Hz
            Field of each candidate after the change.
        variance_hz2 : torch.Tensor, shape (voxels,), Hz^2
            Variance of a voxel's field after the change.
        period_hz : float, Hz
            Period of off-resonance.
        voxels : torch.Tensor, shape (n,), int64, optional
            Indices of the voxels of `penalties`; all when None.
        """
        if voxels is None:
            voxels = torch.arange(field_hz.shape[1], device=field_hz.device)
        rows = self.neighbours.near(changed)[voxels].nonzero()[:, 0]
        penalties[rows] = self._penalties(voxels[rows], field_hz, variance_hz2, period_hz)

    def _penalties(
        self, voxels: torch.Tensor, field_hz: torch.Tensor, variance_hz2: torch.Tensor, period_hz: float
    ) -> torch.Tensor:
        """Pair costs of some voxels (indices), block by block."""
        turns = torch.nn.functional.pad(field_hz / period_hz, (0, 1))
        noise = torch.nn.functional.pad(variance_hz2, (0, 1))
        blocks = voxels.split(VOXELS_AT_ONCE) if voxels.device.type == "cpu" else (voxels,)
        return torch.cat([self._of_block(block, turns, noise, period_hz) for block in blocks])

    def _of_block(self, voxels: torch.Tensor, turns: torch.Tensor, noise_hz2: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Pair costs of a block; the last entry of `turns` and `noise_hz2` belongs to missing neighbours.

        Voxels lie along the last axis until the end, because elementwise arithmetic is fastest on long rows.
        """
        index = self.neighbours.index[voxels].t()
        shape, flat = index.shape, index.reshape(-1)
        around = torch.stack([row.index_select(0, flat).reshape(shape) for row in turns], 1)
        apart = turns[:, voxels][:, None, None] - around  # (candidate, offset, candidate of the neighbour, voxel)
        apart = apart - torch.round(apart)
        jump2 = apart * apart
        noise = noise_hz2[voxels] + noise_hz2.index_select(0, flat).reshape(shape)
        level = (self.level_hz2[:, None] + self.cut * noise) / period_hz**2
        penalties = jump2 / (jump2 + level[:, None]) * self.height[:, None, None]
        return penalties.reshape(-1, len(voxels)).t().reshape(len(voxels), len(turns), -1)

    def border_change(
        self,
        now: torch.Tensor,
        then: torch.Tensor,
        variance_hz2: torch.Tensor,
        region: torch.Tensor,
        period_hz: float,
        voxels: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Change of pair cost along region borders when the fields of some voxels change.

        Parameters
        ----------
        now : torch.Tensor, shape (voxels,), Hz
            Present field.
        then : torch.Tensor, shape (..., n), Hz
            Changed field of n voxels.
        variance_hz2 : torch.Tensor, shape (voxels,), Hz^2
            Variance of a voxel's field due to noise.
        region : torch.Tensor, shape (voxels,), int64
            Label of the region.
        period_hz : float, Hz
            Period of off-resonance.
        voxels : torch.Tensor, shape (n,), int64, optional
            Indices of the changed voxels; all when None.

        Returns
        -------
        torch.Tensor, shape (..., n), nats
            Change of cost.
        """
        index = self.neighbours.index if voxels is None else self.neighbours.index[voxels]
        own = region if voxels is None else region[voxels]
        padded = torch.nn.functional.pad(region, (0, 1), value=-1)
        around = padded.index_select(0, index.reshape(-1)).reshape(index.shape)
        place, offset = ((around != own[:, None]) & (around >= 0)).nonzero(as_tuple=True)
        voxel, other = place if voxels is None else voxels[place], index[place, offset]
        level = self.level_hz2[offset] + self.cut * (variance_hz2[voxel] + variance_hz2[other])

        def cost(apart_hz: torch.Tensor) -> torch.Tensor:
            turns = apart_hz / period_hz
            jump2 = ((turns - torch.round(turns)) * period_hz) ** 2
            return self.height[offset] * jump2 / (jump2 + level)

        change = cost(then[..., place] - now[other]) - cost(now[voxel] - now[other])
        return torch.zeros_like(then).index_add_(-1, place, change)
