"""`aideal train`: the three unsupervised stages, and export to the files that the estimate loads."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import Debug

if TYPE_CHECKING:
    from lightning.fabric import Fabric
    from rich.progress import Progress, TaskID

FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"
DEFAULT_STEPS = {FIELD: 5000, R2STAR: 2000, FIELD_WITH_R2STAR: 1500}

app = typer.Typer(no_args_is_help=True, help="Train the networks on simulated slices, without labels, and export them.")

Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; each stage has its own default.", show_default=False)]
Seed = Annotated[int, typer.Option(min=0, help="Of initial weights and slices.")]
Directory = Annotated[
    Path, typer.Option("--directory", "-d", metavar="DIR", help="Folder of the run; a checkpoint in it is resumed.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; torch decides when not given.", show_default=False)]
Devices = Annotated[str, typer.Option(help="Devices for Lightning Fabric: a number, or auto.")]
Accelerator = Annotated[str, typer.Option(help="Accelerator for Lightning Fabric: cpu, cuda, auto, ...")]
Batch = Annotated[int, typer.Option(min=1, help="Slices of each protocol.")]
Size = Annotated[int, typer.Option(min=16, help="Rows and columns of a slice.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the exported networks and their manifest.")]

RUNS = Path("runs")
MODELS = Path("Resources/Models")


@app.command(FIELD)
def field(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    threads: Threads = None,
    devices: Devices = "1",
    accelerator: Accelerator = "cpu",
    batch: Batch = 3,
    size: Size = 96,
    debug: Debug = False,
) -> None:
    """Stage A: G_phi from the complex echoes."""
    _train([FIELD], steps, seed, directory, threads, devices, accelerator, batch, size)


@app.command(R2STAR)
def r2star(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    threads: Threads = None,
    devices: Devices = "1",
    accelerator: Accelerator = "cpu",
    batch: Batch = 3,
    size: Size = 96,
    debug: Debug = False,
) -> None:
    """Stage B: G_R2* from the magnitudes, G_phi frozen."""
    _train([R2STAR], steps, seed, directory, threads, devices, accelerator, batch, size)


@app.command(FIELD_WITH_R2STAR)
def field_with_r2star(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    threads: Threads = None,
    devices: Devices = "1",
    accelerator: Accelerator = "cpu",
    batch: Batch = 3,
    size: Size = 96,
    debug: Debug = False,
) -> None:
    """Stage C: G_phi fine-tuned with the R2* of G_R2*, which is frozen."""
    _train([FIELD_WITH_R2STAR], steps, seed, directory, threads, devices, accelerator, batch, size)


@app.command("all")
def every_stage(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    threads: Threads = None,
    devices: Devices = "1",
    accelerator: Accelerator = "cpu",
    batch: Batch = 3,
    size: Size = 96,
    to: To = MODELS,
    debug: Debug = False,
) -> None:
    """All three stages, then export."""
    _train(list(DEFAULT_STEPS), steps, seed, directory, threads, devices, accelerator, batch, size)
    export(directory, to)


@app.command("export")
def export(directory: Directory = RUNS, to: To = MODELS, debug: Debug = False) -> None:
    """Write the trained networks as TorchScript files with checksum and model card."""
    _require_lightning()
    from ..training.export import export_networks
    from ..training.model_cards import model_cards
    from ..training.run_stage import final_networks

    field_network, r2star_network, steps = final_networks(directory)
    export_networks(field_network, r2star_network, to, model_cards(field_network, r2star_network, steps))
    typer.echo(f"Networks: {to.resolve()}")


def _train(
    stages: list[str],
    steps: int | None,
    seed: int,
    directory: Path,
    threads: int | None,
    devices: str,
    accelerator: str,
    batch: int,
    size: int,
) -> None:
    fabric = _fabric(accelerator, devices, threads)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from ..training.loop import LoopOptions
    from ..training.run_stage import run_stage

    for stage in stages:
        options = LoopOptions(steps=steps or DEFAULT_STEPS[stage], batch=batch, size=size, seed=seed)
        columns = (TextColumn(f"Stage {stage}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
        with Progress(*columns, TextColumn("loss {task.fields[loss]:.4f}"), console=Console(stderr=True)) as bar:
            shown = _Shown(bar, bar.add_task(stage, total=options.steps, loss=float("nan")))
            run_stage(stage, options, directory, fabric, shown)
        typer.echo(f"Stage {stage}: {directory / stage / 'checkpoint.pt'}")


class _Shown:
    """A stage's progress bar, with a mean loss that forgets: single batches differ too much to be read."""

    def __init__(self, bar: Progress, task: TaskID, keep: float = 0.97) -> None:
        self._bar, self._task, self._keep, self._mean = bar, task, keep, math.nan

    def __call__(self, step: int, loss: float) -> None:
        self._mean = loss if math.isnan(self._mean) else self._keep * self._mean + (1 - self._keep) * loss
        self._bar.update(self._task, completed=step, loss=self._mean)


def _require_lightning() -> None:
    import importlib.util

    if importlib.util.find_spec("lightning") is None:
        raise InputError(
            "Training needs the package lightning, which is not installed. Install it: pip install 'aideal[train]'."
        )


def _fabric(accelerator: str, devices: str, threads: int | None) -> Fabric:
    _require_lightning()
    import torch
    from lightning.fabric import Fabric

    if threads:
        torch.set_num_threads(threads)
    try:
        return Fabric(accelerator=accelerator, devices=int(devices) if devices.isdecimal() else devices)
    except (ValueError, TypeError, RuntimeError) as error:  # MisconfigurationException is a RuntimeError or ValueError
        raise InputError(f"Lightning refuses accelerator {accelerator} with devices {devices}: {error}") from error
