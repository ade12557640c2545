"""Whole regions change their mode together: what voxel-by-voxel sweeps cannot do.

Mean-field sweeps move one voxel at a time and leave an island that is swapped as a whole as it is, since each of its
voxels agrees with its neighbours. Here the voxels are grouped where the field is continuous, and a group moves to the mode
a fat shift away when that lowers the energy of the same random field: the evidence of all its voxels against the jumps
along its border.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from ..voxelwise.candidates import pick, wrap
from ..voxelwise.neighbours import Neighbours
from .smoothness import Smoothness

ROUNDS = 4
"""Passes over all regions; each may merge what the one before has moved."""
LARGEST_SHARE = 0.5
"""A region holding more than this share of the foreground is the reference for the others and stays."""


def move_regions(
    chosen: torch.Tensor,
    unary: torch.Tensor,
    field_hz: torch.Tensor,
    variance_hz2: torch.Tensor,
    smoothness: Smoothness,
    period_hz: float,
    fat_shift_hz: float,
) -> torch.Tensor:
    """Chosen candidate of each voxel after moving regions to lower energy, (voxels,).

    Parameters
    ----------
    chosen : index of the current candidate, (voxels,); unary, field_hz : nats and Hz, (candidate, voxels).
    variance_hz2 : of the noise in a voxel's field, (voxels,).
    smoothness : the pair cost; period_hz, fat_shift_hz : of the protocol.
    """
    neighbours = smoothness.neighbours
    tolerance = abs(fat_shift_hz) / 4
    shifts = field_hz.new_tensor([[fat_shift_hz], [-fat_shift_hz]])
    for _ in range(ROUNDS):
        current = pick(field_hz, chosen)
        region, count = _regions(current, neighbours, period_hz, abs(fat_shift_hz) / 3)
        sizes = torch.bincount(region, minlength=count)
        free = (sizes <= LARGEST_SHARE * region.numel())[region].nonzero()[:, 0]  # mostly few voxels
        if not free.numel():
            break
        here, fields, costs = chosen[free], field_hz[:, free], unary[:, free]
        apart = fields[:, None] - (current[free] + shifts)  # (candidate, shift, voxel)
        there = wrap(apart, period_hz).abs() < tolerance
        # Candidates may have come to one minimum: the one that costs least stands for it.
        target = torch.where(there.any(0), costs[:, None].masked_fill(~there, float("inf")).min(0).indices, here)
        border = smoothness.border_change(current, fields.gather(0, target), variance_hz2, region, period_hz, free)
        change = costs.gather(0, target) - pick(costs, here) + border
        gain = torch.zeros(2, count, device=change.device, dtype=change.dtype).index_add_(1, region[free], change)
        moved = torch.zeros_like(gain).index_add_(1, region[free], (target != here).to(gain))
        gain, side = gain.masked_fill(moved < 0.5 * sizes, float("inf")).min(0)
        gain = torch.where(sizes > LARGEST_SHARE * region.numel(), float("inf"), gain)
        accepted = _independent(gain, region, neighbours)
        if not torch.any(accepted):
            break
        to = target.gather(0, side[region[free]][None])[0]
        chosen = chosen.index_copy(0, free, torch.where(accepted[region[free]], to, here))
    return chosen


def _regions(field_hz: torch.Tensor, neighbours: Neighbours, period_hz: float, jump_hz: float) -> tuple[torch.Tensor, int]:
    """Number of the region of each voxel: connected where neighbouring voxels differ by less than `jump_hz`."""
    first, second = neighbours.adjacent_pairs()
    joined = wrap(field_hz[first] - field_hz[second], period_hz).abs() < jump_hz
    a, b = first[joined].cpu().numpy(), second[joined].cpu().numpy()
    voxels = field_hz.numel()
    ends = np.searchsorted(a, np.arange(voxels + 1))  # pairs are ordered by their first voxel
    graph = csr_matrix((np.ones(a.size), b, ends), shape=(voxels, voxels))
    count, labels = connected_components(graph, directed=False)
    return torch.from_numpy(labels).long().to(field_hz.device), int(count)


def _independent(gain: torch.Tensor, region: torch.Tensor, neighbours: Neighbours) -> torch.Tensor:
    """Regions to move now: those that lower the energy, and by more than any region they touch."""
    first, second = neighbours.adjacent_pairs()
    a, b = region[first], region[second]
    touching = a != b
    a, b = a[touching], b[touching]
    best_around = torch.full_like(gain, float("inf"))
    best_around.scatter_reduce_(0, a, gain[b], "amin")
    best_around.scatter_reduce_(0, b, gain[a], "amin")
    return (gain < 0) & (gain < best_around)
