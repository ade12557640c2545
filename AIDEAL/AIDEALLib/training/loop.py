"""The training loop: one function for every stage, resumable, on one machine or many (Lightning Fabric decides)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from ..errors import InputError
from ..simulation.random_slices import EchoBatch, random_slices
from .prefetch import BatchOf, prefetched
from .progress import StepProgress
from .step_log import StepLog

Logits = Callable[..., torch.Tensor]
"""Computes a network's logits; takes the arguments of its method `logits`."""
Loss = Callable[[Logits, EchoBatch, float], torch.Tensor]
"""Loss of (logits, batch, share of the run done, 0 to 1, for annealing)."""


@dataclass(frozen=True)
class LoopOptions:
    """Options of the training loop.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Slices of each protocol.
    accumulate : int
        Protocols in each step, shared by all processes.
    size : int
        Rows and columns of a slice.
    learning_rate : float
        Peak of the learning rate.
    seed : int
        Of the slices.
    checkpoint_every : int
        Steps between checkpoints.
    workers : int
        Processes that simulate batches ahead; with 0 each is simulated when it is needed.
    """

    steps: int
    batch: int = 3
    accumulate: int = 2
    size: int = 96
    learning_rate: float = 1e-3
    seed: int = 0
    checkpoint_every: int = 200
    workers: int = 0


def simulated_batches(options: LoopOptions) -> BatchOf:
    """Random slices seeded by their number."""
    return partial(_simulated_batch, options)


def _simulated_batch(options: LoopOptions, number: int) -> EchoBatch:
    generator = torch.Generator().manual_seed(options.seed * 1_000_003 + number)
    return random_slices(options.batch, options.size, generator)


class _LogitsModule(nn.Module):
    """`network.logits` as a forward pass of its own: only this is distributed over processes and runs in mixed precision.

    The physics around it (residuals, likelihoods) stays in single and double precision.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Any) -> torch.Tensor:
        return self.network.logits(*inputs)  # type: ignore[operator]


def check_shares(options: LoopOptions, processes: int) -> None:
    """Check that the processes share the batches of a step evenly.

    Parameters
    ----------
    options : LoopOptions
        Options of the loop.
    processes : int
        Number of processes.

    Raises
    ------
    InputError
        The number of protocols in a step is no multiple of that of the processes.
    """
    if options.accumulate % processes:
        raise InputError(
            f"{options.accumulate} protocol(s) in each step cannot be shared by {processes} processes; a multiple of "
            f"their number was expected. Give --accumulate {processes * -(-options.accumulate // processes)}."
        )


def run_loop(
    network: nn.Module,
    loss_of: Loss,
    batch_of: BatchOf,
    options: LoopOptions,
    directory: Path,
    fabric: Fabric,
    progress: StepProgress,
) -> None:
    """Train `network` in place.

    The gradient of a step is the mean over its `options.accumulate` batches, however many processes share them: the loss
    curve does not depend on the number of processes.

    Parameters
    ----------
    network : nn.Module
        Network with a method `logits`, the part that is trained.
    loss_of : Loss
        Loss of a batch.
    batch_of : BatchOf
        Batch by its number.
    options : LoopOptions
        Options of the loop.
    directory : Path
        Receives `checkpoint.pt` (replaced atomically) and `log.csv`; a checkpoint found there is resumed.
    fabric : Fabric
        Devices.
    progress : StepProgress
        Called after each step with (steps done, loss).

    Raises
    ------
    InputError
        The processes cannot share the batches of a step evenly.
    """
    check_shares(options, fabric.world_size)
    share = options.accumulate // fabric.world_size
    directory.mkdir(parents=True, exist_ok=True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=options.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.steps + 1, pct_start=0.1
    )
    module, optimizer = fabric.setup(_LogitsModule(network), optimizer)
    checkpoint = directory / "checkpoint.pt"
    start = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=fabric.device, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        start = state["step"]
    network.train()
    first = fabric.global_rank * share
    numbers = [step * options.accumulate + first + part for step in range(start, options.steps) for part in range(share)]
    batches = prefetched(batch_of, numbers, options.workers)
    with StepLog(directory / "log.csv", start, enabled=fabric.is_global_zero) as log:
        for step in range(start, options.steps):
            optimizer.zero_grad(set_to_none=True)
            value = torch.zeros((), device=fabric.device)
            for part in range(share):
                batch = next(batches).to(fabric.device)
                with fabric.no_backward_sync(module, enabled=part + 1 < share):
                    loss = loss_of(module, batch, step / options.steps) / share
                    fabric.backward(loss)
                value += loss.detach()
            fabric.clip_gradients(module, optimizer, max_norm=1.0, error_if_nonfinite=False)
            optimizer.step()
            schedule.step()
            mean = float(fabric.all_reduce(value, reduce_op="mean"))  # type: ignore[arg-type]
            log.write(step + 1, mean)
            progress(step + 1, mean)
            if (step + 1) % options.checkpoint_every == 0 or step + 1 == options.steps:
                log.flush()
                if fabric.is_global_zero:
                    unfinished = checkpoint.with_suffix(".part")
                    states = {"network": network, "optimizer": optimizer, "schedule": schedule}
                    torch.save({name: x.state_dict() for name, x in states.items()} | {"step": step + 1}, unfinished)
                    unfinished.replace(checkpoint)
    fabric.barrier()  # the next stage reads this one's checkpoint
    network.eval()
