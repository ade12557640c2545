"""Types of shared fixtures that are functions."""

from __future__ import annotations

from collections.abc import Callable

import torch

Voxels = Callable[..., torch.Tensor]
"""Makes echoes (echo, voxels) of the signal model; see the fixture `voxels`."""
