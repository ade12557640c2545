"""The comparators learn what they are for, see what they should, and are compared on equal terms."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.fabric import Fabric
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.random_slices import SliceBatch, random_slices
from AIDEALLib.training.comparators.compare import LOBES, by_comparator, compare
from AIDEALLib.training.comparators.parts import Targets
from AIDEALLib.training.comparators.supervised import COMPARATORS, batches, train_comparator, trained_comparator
from AIDEALLib.training.loop import LoopOptions

OPTIONS = LoopOptions(steps=1, batch=1, size=32)


def one_batch(seed: int = 0, size: int = 32) -> SliceBatch:
    protocol = (torch.tensor(PAPER.te_s, dtype=torch.float64), PAPER.field_strength_t)
    return random_slices(2, size, torch.Generator().manual_seed(seed), protocol)


def test_targets_are_the_truth_on_the_scale_of_the_inputs() -> None:
    batch = one_batch()
    targets = Targets.of(batch)
    inside = batch.tissue
    assert torch.allclose((100 * targets.fat / (targets.water + targets.fat))[inside], batch.pdff_percent[inside], atol=1e-3)
    # the first echo on the inputs' scale is close to water + fat for voxels that are nearly all of one kind
    strongest = batch.echoes.abs().amax(1) / torch.quantile(batch.echoes.abs().amax(1).flatten(1), 0.99, 1)[:, None, None]
    pure = inside & (batch.pdff_percent < 3) & (batch.r2star_per_s < 60)
    ratio = strongest[pure] / (targets.water + targets.fat)[pure]
    assert float(ratio.median()) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("name", COMPARATORS)
def test_it_learns_a_batch_by_heart(name: str) -> None:
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


def test_who_is_told_the_echo_times() -> None:
    batch = one_batch()
    for name, made in COMPARATORS.items():
        torch.manual_seed(1)
        network: Any = made(6)
        here = network.logits(batch.echoes, batch.te_s, 1.5)
        there = network.logits(batch.echoes, 1.2 * batch.te_s, 1.5)
        assert torch.equal(here, there) == (name != "vet-net"), name
        scaled = network.logits(50 * batch.echoes, batch.te_s, 1.5)
        assert torch.allclose(here, scaled, atol=1e-4), "the unit of the echoes must not matter"


def test_batches_have_six_echoes_of_one_protocol_or_of_many() -> None:
    one, many = batches(True, OPTIONS), batches(False, OPTIONS)
    for number in range(3):
        assert one(number).te_s.tolist() == pytest.approx(PAPER.te_s)
        assert many(number).te_s.numel() == 6
    assert many(0).te_s.tolist() != many(1).te_s.tolist()


def test_training_leaves_a_checkpoint(tmp_path: Path) -> None:
    fabric = Fabric(accelerator="cpu", devices=1)
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


def test_a_method_that_is_two_points_high_has_a_bias_of_two() -> None:
    methods = {name: lambda s, x=x: np.full(s.shape, x, np.float32) for name, x in (("two", 2.0), ("zero", 0.0))}
    rows = list(compare(methods, patients=2, matrix=64))
    assert {row.lobe for row in rows} == set(LOBES.values())
    assert len(rows) == 3 * 2 * 2
    for two, zero in zip(*([r for r in rows if r.method == name] for name in ("two", "zero")), strict=True):
        assert two.bias - zero.bias == pytest.approx(2, abs=1e-4)
        assert two.sd == pytest.approx(zero.sd, abs=1e-4)
        assert zero.bias < -1, "livers have fat"
        assert zero.mean_absolute == pytest.approx(-zero.bias, rel=0.1)


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("AIDEALLib.training.comparators.compare.SHIFTED", ())
    run = CliRunner().invoke
    for name in COMPARATORS:
        done = run(app, ["train", "comparator", name, "--steps", "1", "--batch", "1", "--size", "32", "-d", str(tmp_path)])
        assert done.exit_code == 0, done.output
    run(app, ["train", "field", "--steps", "1", "--batch", "1", "--size", "32", "-d", str(tmp_path)])
    arguments = ["--out", str(tmp_path / "o"), "-d", str(tmp_path), "--patients", "2", "--matrix", "64"]
    done = run(app, ["train", "compare", *arguments])
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader((tmp_path / "o" / "comparators.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["method"] for row in rows} == {*COMPARATORS, "refined", "one-shot", "refined, same budget"}
    paper = {row["method"]: row for row in rows if row["protocol"] == PAPER.name and row["lobe"] == "Right lobe"}
    assert abs(float(paper["refined"]["bias"])) < abs(float(paper["unet"]["bias"])), "one step teaches nothing"
