"""What only a machine with a CUDA device can show: it gives the CPU's maps, and every stage trains on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.models import load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.held_out import held_out_case
from AIDEALLib.simulation.protocol import PROTOCOLS, Protocol
from AIDEALLib.simulation.scenes import PLAIN

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

LARGEST_DIFFERENCE_POINTS = 0.01
ON_THE_FENCE = 1e-3
"""Share of voxels whose modes, or whose fits' ends, single precision may decide otherwise on another device."""


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@pytest.mark.parametrize("method", ["refined", "one-shot"])
def test_maps_are_those_of_the_cpu(protocol: Protocol, method: str) -> None:
    series = held_out_case(731, protocol, (731, 1), (2, 96, 96), 10.0, PLAIN).series
    cpu, cuda = (
        estimate(series, RunOptions(method=method, device=device), networks=load_networks) for device in ("cpu", "cuda")
    )
    assert np.mean(cpu.mask != cuda.mask) < ON_THE_FENCE
    both = cpu.mask & cuda.mask
    apart = np.abs(cpu.pdff[both] - cuda.pdff[both])
    assert np.median(apart) < LARGEST_DIFFERENCE_POINTS / 10
    assert np.mean(apart > LARGEST_DIFFERENCE_POINTS) < ON_THE_FENCE
    assert np.mean(np.abs(cpu.swap_probability[both] - cuda.swap_probability[both]) > 0.01) < ON_THE_FENCE


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_stages_train(tmp_path: Path, precision: str) -> None:
    from lightning.fabric import Fabric

    from AIDEALLib.training.loop import LoopOptions
    from AIDEALLib.training.run_stage import STAGES, run_stage

    options = LoopOptions(steps=3, batch=2, size=32, workers=2)
    losses: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for device in ("cpu", "cuda"):
        fabric = Fabric(accelerator=device, devices=1, precision="32-true" if device == "cpu" else precision)
        for stage in STAGES:
            run_stage(stage, options, tmp_path / device, fabric, lambda step, loss, stage=stage: losses[stage].append(loss))
    for stage, values in losses.items():
        assert values[3] == pytest.approx(values[0], rel=0.02), stage  # the first step, from the same weights
        assert np.isfinite(values).all()
