"""The neighbourhood of the random field: who neighbours whom in the foreground."""

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
"""Row, column and number of the ring of every neighbour."""
_PLACES = [(row, column) for row, column, _ in OFFSETS]
ONE_SIDE = [n for n, place in enumerate(_PLACES) if place > (0, 0)]
OTHER_SIDE = [_PLACES.index((-_PLACES[n][0], -_PLACES[n][1])) for n in ONE_SIDE]
"""Numbers of half of the neighbours, and of those opposite them."""


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of every foreground voxel, in the order of `OFFSETS`.

    Attributes
    ----------
    index : (voxels, offset) number of the neighbour; the count of voxels stands for none.
    ring : (offset,) number of its ring; distance : (offset,) in voxels.
    """

    index: torch.Tensor
    ring: torch.Tensor
    distance: torch.Tensor

    @classmethod
    def of(cls, mask: torch.Tensor) -> Neighbours:
        """Neighbourhood of the True voxels of `mask` (row, column), in its order."""
        voxels = int(mask.sum())
        numbered = torch.full((mask.shape[0] + 2 * REACH, mask.shape[1] + 2 * REACH), voxels, device=mask.device)
        numbered[REACH:-REACH, REACH:-REACH][mask] = torch.arange(voxels, device=mask.device)
        rows, columns = mask.nonzero(as_tuple=True)
        index = torch.stack([numbered[rows + r + REACH, columns + c + REACH] for r, c, _ in OFFSETS], 1)
        ring = torch.tensor([ring for _, _, ring in OFFSETS], device=mask.device)
        distance = torch.tensor([RINGS[ring][0] for _, _, ring in OFFSETS], device=mask.device)
        return cls(index, ring, distance)

    @cached_property
    def exists(self) -> torch.Tensor:
        """Whether there is such a neighbour, bool (voxels, offset)."""
        return self.index < self.index.shape[0]

    def gather(self, values: torch.Tensor, empty: float = 0.0) -> torch.Tensor:
        """Values (voxels, ...) of all neighbours, (voxels, offset, ...), `empty` where there is none."""
        padded = torch.cat([values, torch.full_like(values[:1], empty)])
        return padded.index_select(0, self.index.reshape(-1)).reshape(*self.index.shape, *values.shape[1:])

    def around(self, voxels: torch.Tensor) -> torch.Tensor:
        """Numbers of all voxels that are among `voxels` (numbers) or neighbour one of them, in order."""
        near = torch.zeros(self.index.shape[0] + 1, dtype=torch.bool, device=self.index.device)
        near[self.index[voxels].reshape(-1)] = True
        near[voxels] = True
        return near[:-1].nonzero()[:, 0]

    def adjacent_pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Numbers of the voxels of every pair that shares an edge, each pair once, ordered by the first."""
        return self._adjacent

    @cached_property
    def _adjacent(self) -> tuple[torch.Tensor, torch.Tensor]:
        right_and_below = self.index[:, : len(RINGS[0][1])]
        first, offset = (right_and_below < self.index.shape[0]).nonzero(as_tuple=True)
        return first, right_and_below[first, offset]
