"""What a jump of the field between neighbouring voxels costs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .fusion_options import REFERENCE_FIELD_T, FusionOptions
from .neighbours import Neighbours


@dataclass(frozen=True)
class Smoothness:
    """Pair cost weight * cut * x / (x + cut), x = (jump / scale)^2: quadratic at first, then level.

    The field of tissue is smooth but for skin, gas and bone, where it may jump at a bounded cost. The form is of Geman and
    McClure (Bull Int Stat Inst 1987;52:5).

    Attributes
    ----------
    neighbours : who neighbours whom.
    height : (offset,) nats of a large jump; level_hz2 : (offset,) squared jump that costs half of it.
    """

    neighbours: Neighbours
    height: torch.Tensor
    level_hz2: torch.Tensor

    @classmethod
    def of(cls, neighbours: Neighbours, options: FusionOptions, field_strength_t: float) -> Smoothness:
        """Cost at a field strength in tesla: fields, and so their jumps, grow with it."""
        distance = neighbours.distance
        scale = options.scale_hz * (field_strength_t / REFERENCE_FIELD_T) * distance**options.distance_power
        weights = torch.stack([torch.as_tensor(w, dtype=distance.dtype, device=distance.device) for w in options.ring_weights])
        return cls(neighbours, options.cut * weights[neighbours.ring], options.cut * scale**2)

    def penalties(self, field_hz: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Cost of every pair of candidates of neighbouring voxels.

        Parameters
        ----------
        field_hz : (candidate, voxels).

        Returns
        -------
        (voxels, candidate, offset * candidate of the neighbour).
        """
        turns = (field_hz / period_hz).t().contiguous()
        apart = turns[:, :, None, None] - self.neighbours.gather(turns)[:, None]
        apart = apart - torch.round(apart)
        jump2 = apart * apart
        penalties = jump2 / (jump2 + (self.level_hz2 / period_hz**2)[:, None]) * self.height[:, None]
        return penalties.reshape(*turns.shape, -1)

    def border_change(self, now: torch.Tensor, then: torch.Tensor, region: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Change of pair cost along region borders when a voxel's field goes from `now` to `then` (Hz), (voxels,)."""
        across = (self.neighbours.gather(region, -1) != region[:, None]) & self.neighbours.exists
        voxel, offset = across.nonzero(as_tuple=True)
        there = now[self.neighbours.index[voxel, offset]]
        change = self._cost(then[voxel] - there, offset, period_hz) - self._cost(now[voxel] - there, offset, period_hz)
        return torch.zeros_like(now).index_add_(0, voxel, change)

    def _cost(self, apart_hz: torch.Tensor, offset: torch.Tensor, period_hz: float) -> torch.Tensor:
        turns = apart_hz / period_hz
        jump2 = ((turns - torch.round(turns)) * period_hz) ** 2
        return self.height[offset] * jump2 / (jump2 + self.level_hz2[offset])
