"""The training loop: a resumed run equals an uninterrupted one, whatever the number of processes."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric import Fabric
from torch import nn
from waiting import LONG_S

import AIDEALLib
from AIDEALLib.errors import InputError
from AIDEALLib.simulation.random_slices import EchoBatch
from AIDEALLib.training.loop import Logits, LoopOptions, run_loop, simulated_batches
from AIDEALLib.training.run_stage import run_stage, trained

OPTIONS = LoopOptions(steps=4, batch=1, accumulate=2, size=16, checkpoint_every=2)
LOOPBACK = "lo0" if sys.platform == "darwin" else "lo"


class Stopped(Exception):
    pass


class TinyNetwork(nn.Conv2d):
    def logits(self, x: torch.Tensor) -> torch.Tensor:
        return self(x)


def tiny_network() -> nn.Module:
    torch.manual_seed(0)
    return TinyNetwork(1, 4, 3, padding=1)


def tiny_loss(logits: Logits, batch: EchoBatch, share: float) -> torch.Tensor:
    return (logits(batch.echoes.abs().mean(1, keepdim=True)) - share).square().mean()


def train(
    directory: Path, fabric: Fabric, stop_after: int | None = None, options: LoopOptions = OPTIONS, steps: Any = None
) -> nn.Module:
    network = tiny_network()

    def progress(step: int, loss: float) -> None:
        if steps is not None:
            steps.append(step)
        if step == stop_after:
            raise Stopped

    run_loop(network, tiny_loss, simulated_batches(options), options, directory, fabric, progress)
    return network


def logged(directory: Path) -> list[tuple[int, float]]:
    with (directory / "log.csv").open(newline="") as stream:
        return [(int(step), float(loss)) for step, loss in csv.reader(stream)]


def test_a_resumed_run_ends_with_the_weights_of_an_unbroken_one(tmp_path: Path, fabric: Fabric) -> None:
    unbroken = train(tmp_path / "a", fabric)
    with pytest.raises(Stopped):
        train(tmp_path / "b", fabric, stop_after=3)
    assert torch.load(tmp_path / "b" / "checkpoint.pt", weights_only=True)["step"] == 2
    resumed = train(tmp_path / "b", fabric)
    for name, weight in unbroken.state_dict().items():
        assert torch.equal(weight, resumed.state_dict()[name]), name
        assert not torch.equal(weight, tiny_network().state_dict()[name]), "nothing was learnt"


def test_batches_made_ahead_change_nothing(tmp_path: Path, fabric: Fabric) -> None:
    here = train(tmp_path / "a", fabric)
    ahead = train(tmp_path / "b", fabric, options=replace(OPTIONS, workers=2))
    assert logged(tmp_path / "a") == logged(tmp_path / "b")
    assert torch.equal(here.state_dict()["weight"], ahead.state_dict()["weight"])


def test_a_finished_run_is_left_as_it_is(tmp_path: Path, fabric: Fabric) -> None:
    first = train(tmp_path, fabric)
    steps: list[int] = []
    second = train(tmp_path, fabric, steps=steps)
    assert steps == []
    assert torch.equal(first.state_dict()["weight"], second.state_dict()["weight"])
    assert [step for step, _ in logged(tmp_path)] == [1, 2, 3, 4]


def test_the_log_has_one_line_a_step_also_after_an_interruption(tmp_path: Path, fabric: Fabric) -> None:
    train(tmp_path / "a", fabric)
    with pytest.raises(Stopped):
        train(tmp_path / "b", fabric, stop_after=3)
    assert [step for step, _ in logged(tmp_path / "b")] == [1, 2, 3]
    train(tmp_path / "b", fabric)  # resumes the checkpoint of step 2
    assert logged(tmp_path / "b") == logged(tmp_path / "a")
    assert [step for step, _ in logged(tmp_path / "a")] == [1, 2, 3, 4]
    assert all(loss > 0 for _, loss in logged(tmp_path / "a"))


def test_batches_depend_on_number_and_seed_alone() -> None:
    def echoes(number: int, seed: int = 0) -> torch.Tensor:
        return simulated_batches(replace(OPTIONS, seed=seed))(number).echoes

    stream = simulated_batches(OPTIONS)
    second = [stream(number).echoes for number in range(2)][1]
    assert torch.equal(second, echoes(1))
    for other in (echoes(1, seed=1), echoes(2)):
        assert other.shape != second.shape or not torch.equal(other, second)


@pytest.mark.skipif(sys.platform == "win32", reason="gloo between processes is tried on Linux and macOS")
def test_two_processes_give_the_loss_curve_of_one(tmp_path: Path, fabric: Fabric) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    options = LoopOptions(steps=3, batch=1, size=32)
    run_stage("field", options, one, fabric, lambda step, loss: None)
    command = "train field --steps 3 --batch 1 --size 32 --threads 1 --devices 2 --directory"
    paths = os.pathsep.join([str(Path(AIDEALLib.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "AIDEALLib.cli.main", *command.split(), str(two)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": LOOPBACK},
        capture_output=True,
        text=True,
        timeout=2 * LONG_S,
    )
    assert done.returncode == 0, done.stderr
    curve = [loss for _, loss in logged(one / "field")]
    assert len(curve) == 3
    assert curve[0] != curve[1]
    assert [loss for _, loss in logged(two / "field")] == pytest.approx(curve, rel=1e-4)
    after = trained("field", two).state_dict()
    for name, weight in trained("field", one).state_dict().items():
        assert torch.allclose(weight, after[name], atol=1e-4), name


def test_processes_must_share_a_step_evenly(tmp_path: Path, fabric: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fabric, "world_size", 3)
    with pytest.raises(InputError, match=r"2 protocol.*3 processes.*--accumulate 3"):
        train(tmp_path, fabric)
