"""The comparators learn, take the inputs they should, and leave a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.random_slices import SliceBatch
from AIDEALLib.training.comparators.compare import by_comparator
from AIDEALLib.training.comparators.supervised import COMPARATORS, batches, train_comparator, trained_comparator
from AIDEALLib.training.loop import LoopOptions

OPTIONS = LoopOptions(steps=1, batch=1, size=32)


@pytest.mark.parametrize("name", COMPARATORS)
def test_a_comparator_fits_one_batch(name: str, one_batch: Callable[..., SliceBatch]) -> None:
    torch.manual_seed(0)
    network: Any = COMPARATORS[name](6)
    batch = one_batch(3)
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    errors = []
    for _ in range(40):
        outputs = network.logits(batch.echoes, batch.te_s, batch.field_strength_t)
        loss = network.loss(outputs, batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        errors.append(float((100 * network.pdff(outputs) - batch.pdff_percent)[batch.tissue].abs().mean().detach()))
    assert errors[-1] < 0.5 * errors[0]
    assert bool(((network.pdff(outputs) >= 0) & (network.pdff(outputs) <= 1)).all())


def test_only_vet_net_depends_on_the_echo_times(one_batch: Callable[..., SliceBatch]) -> None:
    batch = one_batch()
    for name, made in COMPARATORS.items():
        torch.manual_seed(1)
        network: Any = made(6)
        given = network.logits(batch.echoes, batch.te_s, 1.5)
        longer = network.logits(batch.echoes, 1.2 * batch.te_s, 1.5)
        assert torch.equal(given, longer) == (name != "vet-net"), name
        scaled = network.logits(50 * batch.echoes, batch.te_s, 1.5)
        assert torch.allclose(given, scaled, atol=1e-4), "the unit of the echoes must not matter"


def test_batches_have_six_echoes_of_one_protocol_or_of_many() -> None:
    one, many = batches(True, OPTIONS), batches(False, OPTIONS)
    for number in range(3):
        assert one(number).te_s.tolist() == pytest.approx(PAPER.te_s)
        assert many(number).te_s.numel() == 6
    assert many(0).te_s.tolist() != many(1).te_s.tolist()


def test_training_leaves_a_checkpoint(tmp_path: Path, fabric: Fabric, one_batch: Callable[..., SliceBatch]) -> None:
    with pytest.raises(InputError, match="aideal train comparator unet"):
        trained_comparator("unet", tmp_path)
    train_comparator("unet", OPTIONS, tmp_path, fabric, lambda step, loss: None)
    scan = EchoSeries(
        one_batch(size=35).echoes[:1].movedim(1, 0).contiguous().numpy(), np.array(PAPER.te_s), PAPER.field_strength_t
    )
    found = by_comparator(trained_comparator("unet", tmp_path))(scan)
    assert found.shape == (1, 35, 35)
    assert 0 <= float(found.min()) <= float(found.max()) <= 100
    with pytest.raises(InputError, match="'net'.*unet, mdwf-net, vet-net"):
        train_comparator("net", OPTIONS, tmp_path, fabric, lambda step, loss: None)
