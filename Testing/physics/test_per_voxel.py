"""Values of some voxels, of two objects, and exchanged ones."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from AIDEALLib.physics.per_voxel import PerVoxel


@dataclass(frozen=True)
class Pair(PerVoxel):
    real: torch.Tensor
    integer: torch.Tensor


def pair(start: int) -> Pair:
    return Pair(start + torch.arange(4.0), -start - torch.arange(4))


def lists(values: Pair) -> tuple[list[float], list[int]]:
    return values.real.tolist(), values.integer.tolist()


def test_some_voxels_by_index_and_by_mask() -> None:
    assert lists(pair(0).at(torch.tensor([3, 1]))) == ([3.0, 1.0], [-3, -1])
    assert lists(pair(0).at(torch.tensor([True, False, False, True]))) == ([0.0, 3.0], [0, -3])


def test_replaced_takes_the_given_voxels_from_the_other_and_leaves_the_original() -> None:
    original, voxels = pair(0), torch.tensor([2, 0])
    found = original.replaced(voxels, pair(10).at(voxels))
    assert lists(found) == ([10.0, 1.0, 12.0, 3.0], [-10, -1, -12, -3])
    assert lists(original) == lists(pair(0))


def test_where_chooses_voxel_by_voxel() -> None:
    found = pair(0).where(torch.tensor([True, False, True, False]), pair(10))
    assert lists(found) == ([0.0, 11.0, 2.0, 13.0], [0, -11, -2, -13])
