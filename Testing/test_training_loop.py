"""Training: the loop resumes as if nothing had happened, the stages are wired as they should be."""

from __future__ import annotations

import csv
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn

from AIDEALLib.errors import InputError
from AIDEALLib.simulation.random_slices import SliceBatch
from AIDEALLib.training import run_stage as stages
from AIDEALLib.training.loop import LoopOptions, run_loop, simulated_batches
from AIDEALLib.training.networks import FieldNetwork, R2StarNetwork
from AIDEALLib.training.run_stage import STAGES, final_networks, run_stage, trained

OPTIONS = LoopOptions(steps=4, batch=1, accumulate=2, size=16, checkpoint_every=2)


class Stopped(Exception):
    pass


@pytest.fixture
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "FieldNetwork", partial(FieldNetwork, (8, 8, 8, 16)))
    monkeypatch.setattr(stages, "R2StarNetwork", partial(R2StarNetwork, (8, 8, 8, 16)))


def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv2d(1, 4, 3, padding=1)


def tiny_loss(network: nn.Module, batch: SliceBatch, share: float) -> torch.Tensor:
    return (network(batch.echoes.abs().mean(1, keepdim=True)) - share).square().mean()


def train(directory: Path, fabric: Fabric, stop_after: int | None = None) -> nn.Module:
    network = tiny_network()

    def progress(step: int, loss: float) -> None:
        if step == stop_after:
            raise Stopped

    run_loop(network, partial(tiny_loss, network), OPTIONS, directory, fabric, progress)
    return network


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path, fabric: Fabric) -> None:
    unbroken = train(tmp_path / "a", fabric)
    with pytest.raises(Stopped):
        train(tmp_path / "b", fabric, stop_after=3)
    assert torch.load(tmp_path / "b" / "checkpoint.pt", weights_only=True)["step"] == 2
    resumed = train(tmp_path / "b", fabric)
    for name, weight in unbroken.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
        assert not torch.equal(weight, tiny_network().state_dict()[name]), "nothing was learnt"


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, fabric: Fabric) -> None:
    first = train(tmp_path, fabric)
    steps: list[int] = []
    second = tiny_network()
    run_loop(second, partial(tiny_loss, second), OPTIONS, tmp_path, fabric, lambda step, loss: steps.append(step))
    assert steps == []
    assert torch.equal(first.state_dict()["weight"], second.state_dict()["weight"])


def test_the_log_has_a_line_a_step(tmp_path: Path, fabric: Fabric) -> None:
    train(tmp_path, fabric)
    with (tmp_path / "log.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert [int(row[0]) for row in rows] == [1, 2, 3, 4]
    assert all(float(row[1]) > 0 for row in rows)


def test_batches_depend_on_number_rank_and_seed_alone() -> None:
    def echoes(start: int, rank: int = 0, seed: int = 0) -> torch.Tensor:
        return next(simulated_batches(replace(OPTIONS, seed=seed), start, rank)).echoes

    stream = simulated_batches(OPTIONS, 0)
    second = [next(stream).echoes for _ in range(2)][1]
    assert torch.equal(second, echoes(1))
    for other in (echoes(1, rank=1), echoes(1, seed=1), echoes(2)):
        assert other.shape != second.shape or not torch.equal(other, second)


def test_stages_build_on_each_other(tmp_path: Path, fabric: Fabric, small: None) -> None:
    options = replace(OPTIONS, steps=2, accumulate=1)
    seen: list[float] = []
    for stage in STAGES:
        run_stage(stage, options, tmp_path, fabric, lambda step, loss: seen.append(loss))
    assert len(seen) == 6
    assert all(loss == loss for loss in seen)
    before = trained("field", tmp_path).state_dict()
    after = trained("field-with-r2star", tmp_path).state_dict()
    moved = max(float((after[n].float() - w.float()).abs().max()) for n, w in before.items())
    assert 0 < moved < 0.1  # fine-tuned, not begun anew
    field, _, steps = final_networks(tmp_path)
    assert steps == dict.fromkeys(STAGES, 2)
    assert all(torch.equal(w, after[n]) for n, w in field.state_dict().items())


def test_stage_without_its_predecessor(tmp_path: Path, fabric: Fabric) -> None:
    with pytest.raises(InputError, match="Stage field has no checkpoint.*aideal train field"):
        run_stage("r2star", OPTIONS, tmp_path, fabric, lambda step, loss: None)
    with pytest.raises(InputError, match="'fields'.*field, r2star"):
        run_stage("fields", OPTIONS, tmp_path, fabric, lambda step, loss: None)


def test_other_options_are_refused_on_resuming(tmp_path: Path, fabric: Fabric, small: None) -> None:
    options = replace(OPTIONS, steps=1, accumulate=1, checkpoint_every=1)
    run_stage("field", options, tmp_path, fabric, lambda step, loss: None)
    with pytest.raises(InputError, match="steps 1 -> 9"):
        run_stage("field", replace(options, steps=9), tmp_path, fabric, lambda step, loss: None)
    run_stage("field", replace(options, checkpoint_every=5), tmp_path, fabric, lambda step, loss: None)
