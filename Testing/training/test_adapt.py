"""Adaptation starts from the weights of exported files and does not change them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric

from AIDEALLib.errors import InputError, ModelError
from AIDEALLib.models import load_networks
from AIDEALLib.training.adapt import adapt, trainable
from AIDEALLib.training.loop import LoopOptions
from AIDEALLib.training.own_scans import OwnScan
from AIDEALLib.training.progress import StepProgress

OPTIONS = LoopOptions(steps=2, batch=2, size=32, learning_rate=1e-3, checkpoint_every=1)


def test_adaptation_starts_from_the_files_and_keeps_their_temperature(
    own: OwnScan, fresh_models: Path, tmp_path: Path, fabric: Fabric
) -> None:
    networks = load_networks(directory=fresh_models, trusted=True)
    before = {name: weight.clone() for name, weight in networks.field.state_dict().items()}
    start, _ = trainable(networks)
    assert all(torch.equal(weight, before[name]) for name, weight in start.state_dict().items())
    networks.field.temperature.data.fill_(1.7)
    losses: dict[str, list[float]] = {}

    @contextmanager
    def bars(stage: str, steps: int, value: str = "loss") -> Iterator[StepProgress]:
        yield lambda step, loss: losses.setdefault(stage, []).append(loss)

    field, r2star = adapt(networks, [own], OPTIONS, tmp_path, fabric, bars)
    assert {stage: len(seen) for stage, seen in losses.items()} == {"field": 2, "r2star": 1}
    assert float(field.temperature) == pytest.approx(1.7)
    assert float(r2star.temperature) == 1
    moved = max(float((field.state_dict()[name] - weight).abs().max()) for name, weight in before.items() if "body" in name)
    assert 0 < moved < 0.1
    assert all(torch.equal(networks.field.state_dict()[name], w) for name, w in before.items() if name != "temperature")
    with pytest.raises(InputError, match="data own scans"):
        adapt(networks, [replace(own, echoes=2 * own.echoes)], OPTIONS, tmp_path, fabric, bars)


def test_networks_of_another_architecture_are_refused(fresh_models: Path) -> None:
    networks = load_networks(directory=fresh_models, trusted=True)
    with pytest.raises(ModelError, match="weights of G_phi do not fit"):
        trainable(replace(networks, field=networks.r2star))
