"""What the tests of the comparators share."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.random_slices import SliceBatch, random_slices


@pytest.fixture
def one_batch() -> Callable[..., SliceBatch]:
    """Two random slices under the paper's protocol, by seed and size."""

    def draw(seed: int = 0, size: int = 32) -> SliceBatch:
        protocol = (torch.tensor(PAPER.te_s, dtype=torch.float64), PAPER.field_strength_t)
        return random_slices(2, size, torch.Generator().manual_seed(seed), protocol)

    return draw
