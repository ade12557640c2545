"""Neighbourhood of the random field: the neighbours of every foreground voxel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch

RINGS: tuple[tuple[float, tuple[tuple[int, int], ...]], ...] = (
    (1.0, ((0, 1), (1, 0))),
    (math.sqrt(2), ((1, 1), (1, -1))),
    (2.0, ((0, 2), (2, 0))),
    (4.0, ((0, 4), (4, 0))),
)
"""Distance in voxels, and the offsets (row, column) of one half of a symmetric neighbourhood."""
REACH = 4
OFFSETS = tuple((r, c, ring) for ring, (_, half) in enumerate(RINGS) for r, c in half + tuple((-r, -c) for r, c in half))
"""Row, column and index of the ring of every neighbour."""


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of every foreground voxel, in the order of `OFFSETS`.

    Attributes
    ----------
    index : torch.Tensor, shape (voxels, offset), int64
        Index of the neighbour; the number of voxels where there is none.
    ring : torch.Tensor, shape (offset,), int64
        Index of the ring in `RINGS`.
    distance : torch.Tensor, shape (offset,), voxels
        Distance of the neighbour.
    """

    index: torch.Tensor
    ring: torch.Tensor
    distance: torch.Tensor

    @classmethod
    def of(cls, mask: torch.Tensor) -> Neighbours:
        """Neighbourhood of the True voxels of `mask` (row, column), in its order."""
        padded = torch.nn.functional.pad(mask, (REACH, REACH, REACH, REACH))
        places = padded.flatten().nonzero()[:, 0]
        numbered = torch.full((padded.numel(),), len(places), device=mask.device)
        numbered[places] = torch.arange(len(places), device=mask.device)
        steps = torch.tensor([r * padded.shape[1] + c for r, c, _ in OFFSETS], device=mask.device)
        index = numbered[places[:, None] + steps]
        ring = torch.tensor([ring for _, _, ring in OFFSETS], device=mask.device)
        distance = torch.tensor([RINGS[ring][0] for _, _, ring in OFFSETS], device=mask.device)
        return cls(index, ring, distance)

    @cached_property
    def exists(self) -> torch.Tensor:
        """Whether the neighbour exists, bool (voxels, offset)."""
        return self.index < self.index.shape[0]

    def gather(self, values: torch.Tensor, empty: float = 0.0) -> torch.Tensor:
        """Values (voxels, ...) of all neighbours, (voxels, offset, ...), `empty` where there is none."""
        padded = torch.cat([values, torch.full_like(values[:1], empty)])
        return padded.index_select(0, self.index.reshape(-1)).reshape(*self.index.shape, *values.shape[1:])

    def mean_around(self, values: torch.Tensor, rings: int = len(RINGS)) -> torch.Tensor:
        """Mean of the values (voxels,) over each voxel and its neighbours of so many `RINGS`, (voxels,)."""
        near = sum(2 * len(half) for _, half in RINGS[:rings])
        return (values + self.gather(values)[:, :near].sum(1)) / (1 + self.exists[:, :near].sum(1))

    def gather_by_side(self, values: torch.Tensor) -> torch.Tensor:
        """Values (voxels,) of all neighbours, (ring, side, 2, voxels), 0 where there is none; sides 0 and 1 are opposite.

        Voxels lie along the last axis, because elementwise arithmetic is fastest on long rows.
        """
        padded = torch.nn.functional.pad(values, (0, 1))
        return padded.index_select(0, self.by_side.reshape(-1)).reshape(self.by_side.shape)

    @cached_property
    def by_side(self) -> torch.Tensor:
        """The `index` as (ring, side, 2, voxels)."""
        return self.index.t().contiguous().reshape(len(RINGS), 2, 2, -1)

    def near(self, voxels: torch.Tensor) -> torch.Tensor:
        """Whether each voxel is one of `voxels` (indices) or a neighbour of one, bool (voxels,)."""
        near = torch.zeros(self.index.shape[0] + 1, dtype=torch.bool, device=self.index.device)
        near[self.index[voxels].reshape(-1)] = True
        near[voxels] = True
        return near[:-1]

    def adjacent_pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Indices of the two voxels of every pair that shares an edge, each pair once, ordered by the first."""
        return self._adjacent

    @cached_property
    def _adjacent(self) -> tuple[torch.Tensor, torch.Tensor]:
        right_and_below = self.index[:, : len(RINGS[0][1])]
        first, offset = (right_and_below < self.index.shape[0]).nonzero(as_tuple=True)
        return first, right_and_below[first, offset]
