"""Base of dataclasses that hold one value a voxel in every field."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeVar

import torch

T = TypeVar("T", bound="PerVoxel")


@dataclass(frozen=True)
class PerVoxel:
    """Dataclass whose fields are all tensors of the shape of the voxels."""

    def at(self: T, voxels: torch.Tensor) -> T:
        """Values of some voxels (indices or bool)."""
        return type(self)(*(getattr(self, f.name)[voxels] for f in fields(self)))

    def replaced(self: T, voxels: torch.Tensor, other: T) -> T:
        """Copy with the values at `voxels` (indices) taken from `other`, whose voxels are exactly these."""
        return type(self)(*(getattr(self, f.name).index_copy(0, voxels, getattr(other, f.name)) for f in fields(self)))

    def where(self: T, condition: torch.Tensor, other: T) -> T:
        """Values of this object where the condition (bool) holds, of `other` elsewhere."""
        return type(self)(*(torch.where(condition, getattr(self, f.name), getattr(other, f.name)) for f in fields(self)))
