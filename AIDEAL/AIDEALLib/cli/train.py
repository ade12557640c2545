"""`aideal train`: the three unsupervised stages, and export to the files that the estimate loads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .option_groups import takes_option_groups
from .options import Debug
from .train_adapt import adapt_command
from .train_comparators import comparator_command
from .train_fusion import FusionSize, fusion_command, train_fusion
from .training_options import EXPORTED, RUNS, Directory, Launch, Seed, require_lightning, shown_progress

if TYPE_CHECKING:
    from lightning.fabric import Fabric

    from ..training.loop import LoopOptions

FIELD, R2STAR, FIELD_WITH_R2STAR = "field", "r2star", "field-with-r2star"


@dataclass(frozen=True)
class StageDefaults:
    """Defaults of a stage, with the meaning of `LoopOptions`.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Slices of each protocol.
    accumulate : int
        Protocols in each step.
    size : int
        Rows and columns of a slice.
    """

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
OWN_DEFAULT = "each stage has its own default."

app = typer.Typer(no_args_is_help=True, help="Train the networks on simulated slices, without labels, and export them.")

To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the exported networks and their manifest.")]


@dataclass(frozen=True)
class StageOptions:
    """Options of a stage; None takes the stage's default.

    Attributes
    ----------
    steps : int, optional
        Optimiser steps.
    seed : int
        Of initial weights and slices.
    directory : Path
        Folder of the run.
    batch : int, optional
        Slices of each protocol.
    size : int, optional
        Rows and columns of a slice.
    accumulate : int, optional
        Protocols in each step.
    workers : int
        Processes that simulate slices ahead.
    """

    steps: Annotated[int | None, typer.Option(min=1, help=f"Optimiser steps; {OWN_DEFAULT}", show_default=False)] = None
    seed: Seed = 0
    directory: Directory = RUNS
    batch: Annotated[int | None, typer.Option(min=1, help=f"Slices of each protocol; {OWN_DEFAULT}")] = None
    size: Annotated[int | None, typer.Option(min=16, help=f"Rows and columns of a slice; {OWN_DEFAULT}")] = None
    accumulate: Annotated[
        int | None, typer.Option(min=1, help=f"Protocols in each step, shared by all devices; {OWN_DEFAULT}")
    ] = None
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that simulate slices ahead; for a GPU, about one for each processor core.")
    ] = 0

    def of(self, stage: str) -> LoopOptions:
        """Options of the training loop for a stage."""
        from ..training.loop import LoopOptions

        default = DEFAULTS[stage]
        return LoopOptions(
            steps=self.steps or default.steps,
            batch=self.batch or default.batch,
            accumulate=self.accumulate or default.accumulate,
            size=self.size or default.size,
            seed=self.seed,
            workers=self.workers,
        )


def _add_stage(stage: str) -> None:
    @app.command(stage, help=HELP[stage])
    @takes_option_groups
    def command(*, options: StageOptions, launch: Launch, debug: Debug = False) -> None:
        _train(stage, options.of(stage), options.directory, launch.fabric())


for _stage in DEFAULTS:
    _add_stage(_stage)


@app.command("all")
@takes_option_groups
def every_stage(
    *, options: StageOptions, launch: Launch, to: To = EXPORTED, fusion_size: FusionSize, debug: Debug = False
) -> None:
    """All three stages, export, then the fusion."""
    fabric = launch.fabric()
    from ..training.loop import check_shares

    loops = {stage: options.of(stage) for stage in DEFAULTS}
    for loop in loops.values():
        check_shares(loop, fabric.world_size)  # before hours of training, not between two stages
    for stage, loop in loops.items():
        _train(stage, loop, options.directory, fabric)
    if fabric.is_global_zero:
        export(options.directory, to)
        train_fusion(to, to, fusion_size, options.seed, trusted=True)


app.command("adapt")(adapt_command)
app.command("comparator")(comparator_command)
app.command("fusion")(fusion_command)


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


def _train(stage: str, options: LoopOptions, directory: Path, fabric: Fabric) -> None:
    from ..training.run_stage import run_stage

    with shown_progress(stage, options.steps, shown=fabric.is_global_zero) as progress:
        run_stage(stage, options, directory, fabric, progress)
    if fabric.is_global_zero:
        typer.echo(f"Stage {stage}: {directory / stage / 'checkpoint.pt'}")
