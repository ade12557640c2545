"""`aideal train`: the three unsupervised stages, and export to the files that the estimate loads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Debug
from .train_adapt import adapt_command
from .train_comparators import comparator_command, compare_command
from .train_fusion import fusion
from .training_options import (
    RUNS,
    Accelerator,
    Accumulate,
    Batch,
    Devices,
    Directory,
    Nodes,
    Precision,
    PrecisionOption,
    Seed,
    Size,
    Threads,
    launched_fabric,
    require_lightning,
    shown_progress,
)

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from ..training.loop import LoopOptions

FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"
DEFAULT_STEPS = {FIELD: 5000, R2STAR: 2000, FIELD_WITH_R2STAR: 1500}
HELP = {
    FIELD: "Stage A: G_phi from the complex echoes.",
    R2STAR: "Stage B: G_R2* from the magnitudes, G_phi frozen.",
    FIELD_WITH_R2STAR: "Stage C: G_phi fine-tuned with the R2* of G_R2*, which is frozen.",
}
EXPORTED = RUNS / "export"

app = typer.Typer(no_args_is_help=True, help="Train the networks on simulated slices, without labels, and export them.")

Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; each stage has its own default.", show_default=False)]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the exported networks and their manifest.")]


def _add_stage(stage: str) -> None:
    @app.command(stage, help=HELP[stage])
    def command(
        steps: Steps = None,
        seed: Seed = 0,
        directory: Directory = RUNS,
        batch: Batch = 3,
        size: Size = 96,
        accumulate: Accumulate = 2,
        accelerator: Accelerator = "cpu",
        devices: Devices = "1",
        nodes: Nodes = 1,
        precision: PrecisionOption = Precision.FULL,
        threads: Threads = None,
        debug: Debug = False,
    ) -> None:
        fabric = launched_fabric(accelerator, devices, nodes, precision, threads)
        _train(stage, _options(stage, steps, batch, accumulate, size, seed), directory, fabric)


for _stage in DEFAULT_STEPS:
    _add_stage(_stage)


@app.command("all")
def every_stage(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    batch: Batch = 3,
    size: Size = 96,
    accumulate: Accumulate = 2,
    accelerator: Accelerator = "cpu",
    devices: Devices = "1",
    nodes: Nodes = 1,
    precision: PrecisionOption = Precision.FULL,
    threads: Threads = None,
    to: To = EXPORTED,
    debug: Debug = False,
) -> None:
    """All three stages, export, then the fusion."""
    fabric = launched_fabric(accelerator, devices, nodes, precision, threads)
    for stage in DEFAULT_STEPS:
        _train(stage, _options(stage, steps, batch, accumulate, size, seed), directory, fabric)
    if fabric.is_global_zero:
        export(directory, to)
        fusion(to, to, seed=seed)


app.command("adapt")(adapt_command)
app.command("comparator")(comparator_command)
app.command("compare")(compare_command)
app.command("fusion")(fusion)


@app.command("export")
def export(directory: Directory = RUNS, to: To = EXPORTED, debug: Debug = False) -> None:
    """Write the trained networks as TorchScript files with checksum and model card."""
    require_lightning()
    from ..training.export import export_networks
    from ..training.model_cards import model_cards
    from ..training.run_stage import final_networks

    field_network, r2star_network, steps = final_networks(directory)
    export_networks(field_network, r2star_network, to, model_cards(field_network, r2star_network, steps))
    typer.echo(f"Networks: {to.resolve()}")


def _options(stage: str, steps: int | None, batch: int, accumulate: int, size: int, seed: int) -> LoopOptions:
    from ..training.loop import LoopOptions

    return LoopOptions(steps=steps or DEFAULT_STEPS[stage], batch=batch, accumulate=accumulate, size=size, seed=seed)


def _train(stage: str, options: LoopOptions, directory: Path, fabric: Fabric) -> None:
    from ..training.run_stage import run_stage

    with shown_progress(stage, options.steps, fabric.is_global_zero) as progress:
        run_stage(stage, options, directory, fabric, progress)
    if fabric.is_global_zero:
        typer.echo(f"Stage {stage}: {directory / stage / 'checkpoint.pt'}")
