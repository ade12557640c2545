"""Targets are the truth on the scale of the inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from AIDEALLib.simulation.random_slices import SliceBatch
from AIDEALLib.training.comparators.parts import Targets


def test_targets_are_the_truth_on_the_scale_of_the_inputs(one_batch: Callable[..., SliceBatch]) -> None:
    batch = one_batch()
    targets = Targets.of(batch)
    inside = batch.tissue
    assert torch.allclose((100 * targets.fat / (targets.water + targets.fat))[inside], batch.pdff_percent[inside], atol=1e-3)
    # the first echo on the inputs' scale is close to water + fat for voxels that are nearly all of one kind
    strongest = batch.echoes.abs().amax(1) / torch.quantile(batch.echoes.abs().amax(1).flatten(1), 0.99, 1)[:, None, None]
    pure = inside & (batch.pdff_percent < 3) & (batch.r2star_per_s < 60)
    ratio = strongest[pure] / (targets.water + targets.fat)[pure]
    assert float(ratio.median()) == pytest.approx(1, abs=0.15)
