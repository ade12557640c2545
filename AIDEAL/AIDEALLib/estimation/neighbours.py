"""The neighbourhood of the random field: who neighbours whom in the foreground, and what a jump costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

RINGS: tuple[tuple[float, float, tuple[tuple[int, int], ...]], ...] = (
    (1.0, 1.0, ((0, 1), (1, 0))),
    (math.sqrt(2), 0.7, ((1, 1), (1, -1))),
    (2.0, 0.5, ((0, 2), (2, 0))),
    (4.0, 0.25, ((0, 4), (4, 0))),
)
"""Distance in voxels, weight, and the offsets (row, column) of one half of a symmetric neighbourhood."""
REACH = 4


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of every foreground voxel, with the pair penalty weight * min((d / scale)^2, cut).

    Attributes
    ----------
    index : (voxels, offset) number of the neighbour; the count of voxels stands for none. The offsets of one half of the
        neighbourhood come first within each ring, their opposites after them.
    scale_hz, weight : (offset,) scale of a jump (grows with distance) and weight of the pair.
    cut : where the quadratic is truncated.
    """

    index: torch.Tensor
    scale_hz: torch.Tensor
    weight: torch.Tensor
    cut: float

    @classmethod
    def of(cls, mask: torch.Tensor, smoothness: float, scale_hz: float, cut: float) -> Neighbours:
        """Neighbourhood of the True voxels of `mask` (row, column), in its order."""
        voxels = int(mask.sum())
        numbered = torch.full((mask.shape[0] + 2 * REACH, mask.shape[1] + 2 * REACH), voxels, device=mask.device)
        numbered[REACH:-REACH, REACH:-REACH][mask] = torch.arange(voxels, device=mask.device)
        rows, columns = mask.nonzero(as_tuple=True)
        offsets = [(r, c, d, w) for d, w, half in RINGS for r, c in half + tuple((-r, -c) for r, c in half)]
        index = torch.stack([numbered[rows + r + REACH, columns + c + REACH] for r, c, _, _ in offsets], 1)
        scale = torch.tensor([scale_hz * d for _, _, d, _ in offsets], device=mask.device)
        weight = torch.tensor([smoothness * w for _, _, _, w in offsets], device=mask.device)
        return cls(index, scale, weight, cut)

    def gather(self, values: torch.Tensor, empty: float = 0.0) -> torch.Tensor:
        """Values (voxels, ...) of all neighbours, (voxels, offset, ...), `empty` where there is none."""
        padded = torch.cat([values, torch.full_like(values[:1], empty)])
        return padded.index_select(0, self.index.reshape(-1)).reshape(*self.index.shape, *values.shape[1:])

    def pair_penalties(self, field_hz: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Cost of every pair of candidates of neighbouring voxels.

        Parameters
        ----------
        field_hz : (candidate, voxels).

        Returns
        -------
        (voxels, candidate, offset * candidate of the neighbour).
        """
        turns = (field_hz / period_hz).t().contiguous()
        apart = turns[:, :, None, None] - self.gather(turns)[:, None]
        apart = (apart - torch.round(apart)) * (period_hz / self.scale_hz)[:, None]
        penalties = (apart * apart).clamp_max_(self.cut).mul_(self.weight[:, None])
        return penalties.reshape(*turns.shape, -1)

    def border_change(self, now: torch.Tensor, then: torch.Tensor, region: torch.Tensor, period_hz: float) -> torch.Tensor:
        """Change of pair cost along region borders when a voxel's field goes from `now` to `then` (Hz), (voxels,)."""
        across = (self.gather(region, -1) != region[:, None]) & (self.index < region.numel())
        voxel, offset = across.nonzero(as_tuple=True)
        there = now[self.index[voxel, offset]]
        change = self._cost(then[voxel] - there, offset, period_hz) - self._cost(now[voxel] - there, offset, period_hz)
        return torch.zeros_like(now).index_add_(0, voxel, change)

    def _cost(self, apart_hz: torch.Tensor, offset: torch.Tensor, period_hz: float) -> torch.Tensor:
        turns = apart_hz / period_hz
        jump = (turns - torch.round(turns)) * period_hz / self.scale_hz[offset]
        return self.weight[offset] * (jump * jump).clamp_max(self.cut)

    def adjacent_pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Numbers of the voxels of every pair that shares an edge, each pair once."""
        right_and_below = self.index[:, : len(RINGS[0][2])]
        first, offset = (right_and_below < self.index.shape[0]).nonzero(as_tuple=True)
        return first, right_and_below[first, offset]
