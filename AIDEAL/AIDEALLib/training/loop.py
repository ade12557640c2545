"""The training loop: one function for every stage, resumable, on one machine or many (Lightning Fabric decides)."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from lightning.fabric import Fabric
from torch import nn

from ..simulation.random_slices import SliceBatch, random_slices


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast.

    Attributes
    ----------
    steps : optimiser steps; accumulate : protocols in each; batch : slices of a protocol; size : rows and columns of a slice.
    learning_rate : peak; seed : of slices; checkpoint_every : steps between checkpoints.
    """

    steps: int
    batch: int = 3
    accumulate: int = 2
    size: int = 96
    learning_rate: float = 1e-3
    seed: int = 0
    checkpoint_every: int = 200


def simulated_batches(options: LoopOptions, start: int, rank: int = 0) -> Iterator[SliceBatch]:
    """Endless batches from number `start` on, each seeded by number and rank: a resumed run sees what an unbroken one would."""
    for number in itertools.count(start):
        generator = torch.Generator().manual_seed((options.seed * 1_000_003 + number) * 1009 + rank)
        yield random_slices(options.batch, options.size, generator)


def run_loop(
    network: nn.Module,
    loss_of: Callable[[SliceBatch, float], torch.Tensor],
    options: LoopOptions,
    directory: Path,
    fabric: Fabric,
    progress: Callable[[int, float], None],
) -> None:
    """Train `network` in place.

    Parameters
    ----------
    loss_of : loss of a batch; its second argument is the share of the run done, 0..1 (for annealing).
    directory : receives `checkpoint.pt` (replaced atomically) and `log.csv`; a checkpoint found there is resumed.
    progress : called after every step with (step, loss).
    """
    directory.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.steps + 1, pct_start=0.1
    )
    module, optimizer = fabric.setup(network, optimizer)
    checkpoint = directory / "checkpoint.pt"
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=fabric.device, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        start = state["step"]
    network.train()
    batches = simulated_batches(options, start * options.accumulate, fabric.global_rank)
    with open(directory / "log.csv", "a", newline="") as handle:
        log = csv.writer(handle)
        for step in range(start, options.steps):
            optimizer.zero_grad(set_to_none=True)
            value = 0.0
            for part in range(options.accumulate):
                loss = loss_of(next(batches), step / options.steps) / options.accumulate
                with fabric.no_backward_sync(module, enabled=part + 1 < options.accumulate):
                    fabric.backward(loss)
                value += float(loss.detach())
            fabric.clip_gradients(module, optimizer, max_norm=1.0, error_if_nonfinite=False)
            optimizer.step()
            schedule.step()
            log.writerow([step + 1, f"{value:.6f}"])
            progress(step + 1, value)
            if (step + 1) % options.checkpoint_every == 0 or step + 1 == options.steps:
                handle.flush()
                state = {
                    "network": network.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "schedule": schedule.state_dict(),
                    "step": step + 1,
                }
                if fabric.is_global_zero:
                    unfinished = checkpoint.with_suffix(".part")
                    torch.save(state, unfinished)
                    unfinished.replace(checkpoint)
    network.eval()
