"""`aideal train`: the three unsupervised stages, and export to the files that the estimate loads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Debug
from .train_adapt import adapt_command
from .train_comparators import comparator_command, compare_command
from .train_fusion import CALIBRATION_CASES, CASES, PASSES, CalibrationCases, Cases, Passes, fusion
from .training_options import (
    RUNS,
    Accelerator,
    Devices,
    Directory,
    Nodes,
    Precision,
    PrecisionOption,
    Seed,
    Threads,
    Workers,
    launched_fabric,
    require_lightning,
    shown_progress,
)

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from ..training.loop import LoopOptions

FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"


@dataclass(frozen=True)
class StageDefaults:
    """What a stage takes where nothing else is asked for; as in `LoopOptions`."""

    steps: int
    batch: int
    accumulate: int
    size: int


DEFAULTS = {
    FIELD: StageDefaults(steps=5000, batch=3, accumulate=2, size=96),
    R2STAR: StageDefaults(steps=2000, batch=3, accumulate=2, size=96),
    # larger slices: the last stage sees as much of a body around a voxel as a scan shows
    FIELD_WITH_R2STAR: StageDefaults(steps=2000, batch=1, accumulate=3, size=160),
}
HELP = {
    FIELD: "Stage A: G_phi from the complex echoes.",
    R2STAR: "Stage B: G_R2* from the magnitudes, G_phi frozen.",
    FIELD_WITH_R2STAR: "Stage C: G_phi fine-tuned with the R2* of G_R2*, which is frozen.",
}
EXPORTED = RUNS / "export"

app = typer.Typer(no_args_is_help=True, help="Train the networks on simulated slices, without labels, and export them.")

Steps = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; each stage has its own default.", show_default=False)]
StageBatch = Annotated[int | None, typer.Option(min=1, help="Slices of each protocol; each stage has its own default.")]
StageSize = Annotated[int | None, typer.Option(min=16, help="Rows and columns of a slice; each stage has its own default.")]
StageAccumulate = Annotated[
    int | None, typer.Option(min=1, help="Protocols in each step, shared by all devices; each stage has its own default.")
]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the exported networks and their manifest.")]


def _add_stage(stage: str) -> None:
    @app.command(stage, help=HELP[stage])
    def command(
        steps: Steps = None,
        seed: Seed = 0,
        directory: Directory = RUNS,
        batch: StageBatch = None,
        size: StageSize = None,
        accumulate: StageAccumulate = None,
        accelerator: Accelerator = "cpu",
        devices: Devices = "1",
        nodes: Nodes = 1,
        precision: PrecisionOption = Precision.FULL,
        threads: Threads = None,
        workers: Workers = 0,
        debug: Debug = False,
    ) -> None:
        fabric = launched_fabric(accelerator, devices, nodes, precision, threads)
        _train(stage, _options(stage, steps, batch, accumulate, size, seed, workers), directory, fabric)


for _stage in DEFAULTS:
    _add_stage(_stage)


@app.command("all")
def every_stage(
    steps: Steps = None,
    seed: Seed = 0,
    directory: Directory = RUNS,
    batch: StageBatch = None,
    size: StageSize = None,
    accumulate: StageAccumulate = None,
    accelerator: Accelerator = "cpu",
    devices: Devices = "1",
    nodes: Nodes = 1,
    precision: PrecisionOption = Precision.FULL,
    threads: Threads = None,
    workers: Workers = 0,
    to: To = EXPORTED,
    cases: Cases = CASES,
    passes: Passes = PASSES,
    calibration_cases: CalibrationCases = CALIBRATION_CASES,
    debug: Debug = False,
) -> None:
    """All three stages, export, then the fusion."""
    fabric = launched_fabric(accelerator, devices, nodes, precision, threads)
    from ..training.loop import check_shares

    options = {stage: _options(stage, steps, batch, accumulate, size, seed, workers) for stage in DEFAULTS}
    for of_stage in options.values():
        check_shares(of_stage, fabric.world_size)  # before hours of training, not between two stages
    for stage, of_stage in options.items():
        _train(stage, of_stage, directory, fabric)
    if fabric.is_global_zero:
        export(directory, to)
        fusion(to, to, cases, passes, calibration_cases, seed=seed)


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


def _options(
    stage: str, steps: int | None, batch: int | None, accumulate: int | None, size: int | None, seed: int, workers: int
) -> LoopOptions:
    from ..training.loop import LoopOptions

    usual = DEFAULTS[stage]
    return LoopOptions(
        steps=steps or usual.steps,
        batch=batch or usual.batch,
        accumulate=accumulate or usual.accumulate,
        size=size or usual.size,
        seed=seed,
        workers=workers,
    )


def _train(stage: str, options: LoopOptions, directory: Path, fabric: Fabric) -> None:
    from ..training.run_stage import run_stage

    with shown_progress(stage, options.steps, fabric.is_global_zero) as progress:
        run_stage(stage, options, directory, fabric, progress)
    if fabric.is_global_zero:
        typer.echo(f"Stage {stage}: {directory / stage / 'checkpoint.pt'}")
