"""Noise of a slice whose background was set to zero, from the smoothest parts of the body."""

from __future__ import annotations

import torch

from ..estimation.voxelwise.noise import NORMAL_MAD

BLOCK = 8
LEAST_FILLED = 0.75
"""Share of a block that has to hold signal."""
SMOOTHEST = 0.15
"""Quantile of the blocks: organs without vessels and edges."""
QUANTILE_BIAS = 0.93
"""Of that quantile against the noise, where all blocks hold noise alone (simulated: blocks of 8 x 8, two channels)."""


def noise_of_smooth_parts(echoes: torch.Tensor) -> torch.Tensor:
    """Noise SD per real channel from a second difference of neighbouring voxels in the smoothest blocks of a slice.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        One slice with a background of exact zeros.

    Returns
    -------
    torch.Tensor, scalar
        Noise SD; infinite where no block is filled.
    """
    x = torch.view_as_real(echoes)
    upper, lower = x[:, :-1], x[:, 1:]
    difference = upper[:, :, :-1] - upper[:, :, 1:] - lower[:, :, :-1] + lower[:, :, 1:]
    blocks = difference.unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK).flatten(3)  # (echo, rows, columns, part, voxels)
    blocks = blocks.movedim(3, -1).flatten(3).flatten(1, 2).abs()
    filled = (blocks > 0).float().mean(-1) >= LEAST_FILLED
    found = [
        values[here].median(-1).values.quantile(SMOOTHEST) for values, here in zip(blocks, filled, strict=True) if here.any()
    ]
    if not found:
        return echoes.real.new_full((), float("inf"))
    return torch.stack(found).min() / (2 * NORMAL_MAD * QUANTILE_BIAS)
