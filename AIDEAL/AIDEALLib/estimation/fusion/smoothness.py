"""What a jump of the field between neighbouring voxels costs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..voxelwise.neighbours import Neighbours
from .weights import REFERENCE_FIELD_T, FusionOptions, Weight

VOXELS_AT_ONCE = 512
"""On the CPU; what is computed in between for so many stays in its cache."""


@dataclass(frozen=True)
class Smoothness:
    """Pair cost weight * cut * x / (x + cut), x = (jump / scale)^2: quadratic at first, then level.

    The field of tissue is smooth but for skin, gas and bone, where it may jump at a bounded cost. The form is of Geman and
    McClure (Bull Int Stat Inst 1987;52:5). Noise in the two fields adds to the jump; its variance is added to scale^2.

    Attributes
    ----------
    neighbours : who neighbours whom.
    height : (offset,) nats of a large jump; level_hz2 : (offset,) squared jump that costs half of it without noise.
    cut : of the options.
    """

    neighbours: Neighbours
    height: torch.Tensor
    level_hz2: torch.Tensor
    cut: Weight

    @classmethod
    def of(cls, neighbours: Neighbours, options: FusionOptions, field_strength_t: float) -> Smoothness:
        """Cost at a field strength in tesla: fields, and so their jumps, grow with it."""
        distance = neighbours.distance
        scale = options.scale_hz * (field_strength_t / REFERENCE_FIELD_T) * distance**options.distance_power
        weights = torch.stack([torch.as_tensor(w, dtype=distance.dtype, device=distance.device) for w in options.ring_weights])
        return cls(neighbours, options.cut * weights[neighbours.ring], options.cut * scale**2, options.cut)

    def penalties(self, field_hz: torch.Tensor, variance_hz2: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Cost of every pair of candidates of neighbouring voxels.

        Parameters
        ----------
        field_hz : (candidate, voxels). variance_hz2 : of the noise in a voxel's field, (voxels,): it widens the scale.

        Returns
        -------
        (voxels, candidate, offset * candidate of the neighbour).
        """
        every = torch.arange(field_hz.shape[1], device=field_hz.device)
        return self._penalties(every, field_hz, variance_hz2, period_hz)

    def renew(
        self,
        penalties: torch.Tensor,
        changed: torch.Tensor,
        field_hz: torch.Tensor,
        variance_hz2: torch.Tensor,
        period_hz: float,
    ) -> None:
        """Write into `penalties` what differs in them since the candidates of some voxels (numbers) have `changed`."""
        near = self.neighbours.dilated(changed)
        penalties[near] = self._penalties(near, field_hz, variance_hz2, period_hz)

    def _penalties(
        self, voxels: torch.Tensor, field_hz: torch.Tensor, variance_hz2: torch.Tensor, period_hz: float
    ) -> torch.Tensor:
        """Those of some voxels (numbers), block by block."""
        turns = torch.nn.functional.pad(field_hz / period_hz, (0, 1))
        noise = torch.nn.functional.pad(variance_hz2, (0, 1))
        blocks = voxels.split(VOXELS_AT_ONCE) if voxels.device.type == "cpu" else (voxels,)
        return torch.cat([self._of_block(block, turns, noise, period_hz) for block in blocks])

    def _of_block(self, voxels: torch.Tensor, turns: torch.Tensor, noise_hz2: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Those of a block; `turns` and `noise_hz2` have one more voxel, which stands for no neighbour.

        Until the end voxels lie along the last axis: elementwise work is fastest on long rows.
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
        now : Hz, (voxels,). then : Hz, (..., some voxels). variance_hz2, region : (voxels,).
        voxels : numbers of those some; all when None.

        Returns
        -------
        (..., some voxels), in nats.
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
