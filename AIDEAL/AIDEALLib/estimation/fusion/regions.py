"""Moves of whole regions to another mode, which voxel-by-voxel sweeps cannot make.

Mean-field sweeps change one voxel at a time and do not correct an island that is swapped as a whole, since each of its voxels
agrees with its neighbours. Here the voxels are grouped where the field is continuous, and a group moves to the mode a fat shift
away when that lowers the energy of the same random field: the evidence of all its voxels against the jumps along its border.
"""

from __future__ import annotations

import torch

from ..voxelwise.candidates import pick, wrap
from ..voxelwise.neighbours import Neighbours
from .mode_energy import ModeEnergy

ROUNDS = 4
"""Passes over all regions; regions moved in one pass may merge with others in the next."""
LARGEST_SHARE = 0.5
"""A region of more than this share of the foreground is the reference for the others and is not moved."""


def move_regions(chosen: torch.Tensor, energy: ModeEnergy) -> torch.Tensor:
    """Candidate of each voxel after moving regions to lower energy.

    Parameters
    ----------
    chosen : torch.Tensor, shape (voxels,), int64
        Index of the present candidate.
    energy : ModeEnergy
        Energy of the candidates.

    Returns
    -------
    torch.Tensor, shape (voxels,), int64
        Index of the new candidate.
    """
    field_hz, period_hz, fat_shift_hz = energy.field_hz, energy.period_hz, energy.fat_shift_hz
    neighbours = energy.smoothness.neighbours
    tolerance = abs(fat_shift_hz) / 4
    shifts = field_hz.new_tensor([[fat_shift_hz], [-fat_shift_hz]])
    for _ in range(ROUNDS):
        current = pick(field_hz, chosen)
        region, count = _regions(current, neighbours, period_hz, abs(fat_shift_hz) / 3)
        sizes = torch.bincount(region, minlength=count)
        free = (sizes <= LARGEST_SHARE * region.numel())[region].nonzero()[:, 0]  # mostly few voxels
        if not free.numel():
            break
        present, fields, costs = chosen[free], field_hz[:, free], energy.unary[:, free]
        apart = fields[:, None] - (current[free] + shifts)  # (candidate, shift, voxel)
        shifted = wrap(apart, period_hz).abs() < tolerance
        # Of several candidates at one minimum the cheapest is taken.
        target = torch.where(shifted.any(0), costs[:, None].masked_fill(~shifted, float("inf")).min(0).indices, present)
        border = energy.smoothness.border_change(
            current, fields.gather(0, target), energy.variance_hz2, region, period_hz, free
        )
        change = costs.gather(0, target) - pick(costs, present) + border
        gain = torch.zeros(2, count, device=change.device, dtype=change.dtype).index_add_(1, region[free], change)
        moved = torch.zeros_like(gain).index_add_(1, region[free], (target != present).to(gain))
        gain, side = gain.masked_fill(moved < 0.5 * sizes, float("inf")).min(0)
        gain = torch.where(sizes > LARGEST_SHARE * region.numel(), float("inf"), gain)
        accepted = _independent(gain, region, neighbours)
        if not torch.any(accepted):
            break
        new = target.gather(0, side[region[free]][None])[0]
        chosen = chosen.index_copy(0, free, torch.where(accepted[region[free]], new, present))
    return chosen


def _regions(field_hz: torch.Tensor, neighbours: Neighbours, period_hz: float, jump_hz: float) -> tuple[torch.Tensor, int]:
    """Label of the region of each voxel (adjacent voxels that differ by less than `jump_hz`), and the number of regions."""
    first, second = neighbours.adjacent_pairs()
    joined = wrap(field_hz[first] - field_hz[second], period_hz).abs() < jump_hz
    return connected(field_hz.numel(), first[joined], second[joined])


def connected(voxels: int, first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, int]:
    """Connected components of voxels.

    Runs of consecutive voxels are joined first, which leaves few pairs; then every label takes the least one that it touches,
    until none changes. It takes less time than `scipy.sparse.csgraph`, not counting the import of that.

    Parameters
    ----------
    voxels : int
        Number of voxels.
    first, second : torch.Tensor, shape (pairs,), int64
        Indices of voxels that are connected.

    Returns
    -------
    component : torch.Tensor, shape (voxels,), int64
        Number of the component of each voxel, in the order of their first voxels.
    count : int
        Number of components.
    """
    begins = torch.ones(voxels, dtype=torch.bool, device=first.device)
    begins[second[second == first + 1]] = False
    run = begins.cumsum(0) - 1
    runs = int(run[-1]) + 1
    a, b = run[first], run[second]
    pairs = torch.unique_consecutive((a * runs + b)[a != b])
    a, b = pairs // runs, pairs % runs
    numbers = label = torch.arange(runs, device=first.device)
    while True:
        of_a, of_b = label[a], label[b]
        apart = (of_a != of_b).nonzero()[:, 0]
        if not apart.numel():
            break
        a, b, of_a, of_b = (x[apart] for x in (a, b, of_a, of_b))
        label = label.scatter_reduce(0, torch.maximum(of_a, of_b), torch.minimum(of_a, of_b), "amin")
        while not torch.equal(label, further := label[label]):
            label = further
    least = label == numbers
    return (least.cumsum(0) - 1)[label[run]], int(least.sum())


def _independent(gain: torch.Tensor, region: torch.Tensor, neighbours: Neighbours) -> torch.Tensor:
    """Regions to move: those that lower the energy, and by more than any region they touch."""
    first, second = neighbours.adjacent_pairs()
    a, b = region[first], region[second]
    touching = a != b
    a, b = a[touching], b[touching]
    best_around = torch.full_like(gain, float("inf"))
    best_around.scatter_reduce_(0, a, gain[b], "amin")
    best_around.scatter_reduce_(0, b, gain[a], "amin")
    return (gain < 0) & (gain < best_around)
