"""What a jump of the field between neighbouring voxels costs."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .fusion_options import REFERENCE_FIELD_T, FusionOptions, Weight
from .neighbours import Neighbours


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
        turns = (field_hz / period_hz).t().contiguous()
        apart = turns[:, :, None, None] - self.neighbours.gather(turns)[:, None]
        apart = apart - torch.round(apart)
        jump2 = apart * apart
        noise = variance_hz2[:, None] + self.neighbours.gather(variance_hz2)
        level = (self.level_hz2 + self.cut * noise) / period_hz**2
        penalties = jump2 / (jump2 + level[:, None, :, None]) * self.height[:, None]
        return penalties.reshape(*turns.shape, -1)

    def border_change(
        self, now: torch.Tensor, then: torch.Tensor, variance_hz2: torch.Tensor, region: torch.Tensor, period_hz: float
    ) -> torch.Tensor:
        """Change of pair cost along region borders when a voxel's field goes from `now` to `then` (Hz), (voxels,)."""
        across = (self.neighbours.gather(region, -1) != region[:, None]) & self.neighbours.exists
        voxel, offset = across.nonzero(as_tuple=True)
        other = self.neighbours.index[voxel, offset]
        level = self.level_hz2[offset] + self.cut * (variance_hz2[voxel] + variance_hz2[other])

        def cost(apart_hz: torch.Tensor) -> torch.Tensor:
            turns = apart_hz / period_hz
            jump2 = ((turns - torch.round(turns)) * period_hz) ** 2
            return self.height[offset] * jump2 / (jump2 + level)

        change = cost(then[voxel] - now[other]) - cost(now[voxel] - now[other])
        return torch.zeros_like(now).index_add_(0, voxel, change)
