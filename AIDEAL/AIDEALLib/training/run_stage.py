"""Assembly of the stages: the network, its loss and its start.

    field              A   G_phi on the complex echoes
    r2star             B   G_R2* on the magnitudes, at the field of the frozen G_phi of stage A
    field-with-r2star  C   G_phi again, with the R2* of the frozen G_R2* of stage B

Each stage keeps its checkpoint in a folder of its own name under the directory of the run.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import cast

import torch
from lightning.fabric import Fabric
from torch import nn

from ..errors import InputError
from ..simulation.random_slices import EchoBatch
from .loop import Logits, LoopOptions, Loss, run_loop, simulated_batches
from .networks import FieldNetwork, R2StarNetwork, r2star_profile
from .progress import StepProgress
from .stages import field_loss, field_of, prepare, r2star_loss

FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"
STAGES = (FIELD, R2STAR, FIELD_WITH_R2STAR)
FIELD_SMOOTHNESS, R2STAR_SMOOTHNESS = 0.5, 0.15
FINE_TUNING_RATE = 0.3
"""Learning rate of stage C as a share of that of the others."""
WITHOUT_EFFECT = ("checkpoint_every", "workers")
"""Options of the loop that do not change the result."""


def run_stage(
    stage: str,
    options: LoopOptions,
    directory: Path,
    fabric: Fabric,
    progress: StepProgress,
) -> nn.Module:
    """Train one stage; a checkpoint is resumed.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    options : LoopOptions
        Options of the loop; stage C takes `FINE_TUNING_RATE` of the learning rate.
    directory : Path
        Folder of the run, with the checkpoints of earlier stages.
    fabric : Fabric
        Devices.
    progress : StepProgress
        Called after each step with (steps done, loss).

    Returns
    -------
    nn.Module
        The trained network.

    Raises
    ------
    InputError
        No such stage, a stage that it builds on has no checkpoint, or the checkpoint belongs to a run with other options.
    """
    if stage not in STAGES:
        raise InputError(f"Stage is '{stage}'; one of {', '.join(STAGES)} was expected.")
    if stage == FIELD_WITH_R2STAR:
        options = replace(options, learning_rate=FINE_TUNING_RATE * options.learning_rate)
    keep_options(directory / stage, options, fabric)
    torch.manual_seed(options.seed)
    network, loss = _assembled(stage, directory, fabric.device)
    run_loop(network, loss, simulated_batches(options), options, directory / stage, fabric, progress)
    return network


def trained(stage: str, directory: Path) -> nn.Module:
    """Network of a stage from its checkpoint, for evaluation and without gradients.

    Parameters
    ----------
    stage : str
        One of `STAGES`.
    directory : Path
        Folder of the run.

    Returns
    -------
    nn.Module

    Raises
    ------
    InputError
        The stage has no checkpoint in the directory.
    """
    checkpoint = directory / stage / "checkpoint.pt"
    if not checkpoint.is_file():
        raise InputError(f"Stage {stage} has no checkpoint in {directory / stage}; train it first (aideal train {stage}).")
    network: nn.Module = R2StarNetwork() if stage == R2STAR else FieldNetwork()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["network"])
    return network.eval().requires_grad_(False)


def final_networks(directory: Path) -> tuple[nn.Module, nn.Module, dict[str, int]]:
    """The networks of a run.

    Parameters
    ----------
    directory : Path
        Folder of the run.

    Returns
    -------
    field : nn.Module
        G_phi, of stage C where it was trained, of A otherwise.
    r2star : nn.Module
        G_R2*.
    steps : dict[str, int]
        Optimiser steps by stage.

    Raises
    ------
    InputError
        A stage has no checkpoint.
    """
    last = FIELD_WITH_R2STAR if (directory / FIELD_WITH_R2STAR / "checkpoint.pt").is_file() else FIELD
    field, r2star = trained(last, directory), trained(R2STAR, directory)
    steps = {
        stage: int(torch.load(directory / stage / "checkpoint.pt", map_location="cpu", weights_only=True)["step"])
        for stage in STAGES
        if (directory / stage / "checkpoint.pt").is_file()
    }
    return field, r2star, steps


@torch.no_grad()
def r2star_of(network: R2StarNetwork, batch: EchoBatch, field_hz: torch.Tensor) -> torch.Tensor:
    """Mean R2* from G_R2*.

    Parameters
    ----------
    network : R2StarNetwork
        G_R2*.
    batch : EchoBatch
        Echoes.
    field_hz : torch.Tensor, shape (batch, row, column)
        Off-resonance.

    Returns
    -------
    torch.Tensor, shape (batch, row, column), 1/s
    """
    prepared = prepare(batch)
    grid = network.get_buffer("grid_per_s")
    energy = r2star_profile(batch.echoes, field_hz, batch.te_s, prepared.modulation, grid)
    logits = network.logits(energy, prepared.total, batch.echoes.shape[1], batch.te_s[-1] - batch.te_s[0])
    q = torch.softmax(logits, 1)
    return (q * grid.to(q.dtype).reshape(1, -1, 1, 1)).sum(1)


def _assembled(stage: str, directory: Path, device: torch.device) -> tuple[nn.Module, Loss]:
    """Network that a stage trains, and its loss; frozen networks on `device`."""
    if stage == FIELD:
        field = FieldNetwork()
        return field, lambda logits, batch, share: field_loss(
            field, batch, min(1.0, 0.1 + share / 0.15), FIELD_SMOOTHNESS, logits=logits
        )
    frozen_field = cast(FieldNetwork, trained(FIELD, directory).to(device))
    if stage == R2STAR:
        r2star = R2StarNetwork()
        return r2star, lambda logits, batch, share: r2star_loss(
            r2star, batch, field_of(frozen_field, batch), R2STAR_SMOOTHNESS, logits
        )
    frozen_r2star = cast(R2StarNetwork, trained(R2STAR, directory).to(device))
    tuned = FieldNetwork()
    tuned.load_state_dict(frozen_field.state_dict())

    def loss(logits: Logits, batch: EchoBatch, share: float) -> torch.Tensor:
        r2star = r2star_of(frozen_r2star, batch, field_of(frozen_field, batch))
        return field_loss(tuned, batch, 1.0, FIELD_SMOOTHNESS, r2star, logits)

    return tuned, loss


def keep_options(folder: Path, options: LoopOptions, fabric: Fabric, data: str = "simulated") -> None:
    """Store the options beside a new checkpoint; refuse one made with other options, whose schedule would not fit.

    Parameters
    ----------
    folder : Path
        Folder of the checkpoint.
    options : LoopOptions
        Options of the loop.
    fabric : Fabric
        Devices.
    data : str
        Description of the training data.

    Raises
    ------
    InputError
        The checkpoint was made with other options or data.
    """
    file = folder / "options.json"
    now = {name: value for name, value in asdict(options).items() if name not in WITHOUT_EFFECT} | {"data": data}
    if file.is_file() and (folder / "checkpoint.pt").is_file():
        before = {"data": "simulated"} | json.loads(file.read_text(encoding="utf-8"))
        changed = [f"{name} {before.get(name)} -> {value}" for name, value in now.items() if before.get(name) != value]
        if changed:
            raise InputError(
                f"The checkpoint in {folder} was made with other options ({', '.join(changed)}); the same ones were expected. "
                "Repeat them, choose another directory, or remove the folder to start anew."
            )
    fabric.barrier()
    if fabric.is_global_zero:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".part")
        unfinished.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(file)
    fabric.barrier()
