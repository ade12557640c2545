"""`aideal train comparator` and `aideal train compare`: deep networks that others proposed, beside this project's."""

from __future__ import annotations

import itertools
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Debug, Models, Out, TrustModels
from .training_options import RUNS, Batch, Directory, Launch, Seed, Size, Threads, require_lightning, shown_progress

if TYPE_CHECKING:
    from rich.console import Console

    from ..training.comparators.compare import LobeError


class ComparatorName(str, Enum):
    """Networks to compare with."""

    UNET = "unet"
    MDWF_NET = "mdwf-net"
    VET_NET = "vet-net"


SIX_MINUTES = {ComparatorName.UNET: 1150, ComparatorName.MDWF_NET: 700, ComparatorName.VET_NET: 1500}
"""Steps of the default batch and size in about six minutes of one core; of stage A of G_phi: 700."""


def comparator_command(
    name: ComparatorName,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Optimiser steps; by default about six minutes of one CPU core.", show_default=False),
    ] = None,
    seed: Seed = 0,
    directory: Directory = RUNS / "comparators",
    batch: Batch = 3,
    size: Size = 96,
    threads: Threads = None,
    debug: Debug = False,
) -> None:
    """Train a network to compare with: unet, mdwf-net (both for 1.5 T, 1.3 + 2.1n ms) or vet-net (any six echoes)."""
    fabric = Launch(threads=threads).fabric()
    from ..training.comparators.supervised import train_comparator
    from ..training.loop import LoopOptions

    steps = steps or SIX_MINUTES[name]
    with shown_progress(name.value, steps) as progress:
        train_comparator(name.value, LoopOptions(steps, batch, size=size, seed=seed), directory, fabric, progress)
    typer.echo(f"Comparator {name.value}: {directory / name.value / 'checkpoint.pt'}")


def compare_command(
    out: Out,
    directory: Directory = RUNS / "comparators",
    models: Models = None,
    trust_models: TrustModels = False,
    patients: Annotated[int, typer.Option(min=2, help="Abdomens under each protocol.")] = 10,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 160,
    debug: Debug = False,
) -> None:
    """Lobe PDFF of the trained comparators and of this project under the protocol of training and two others.

    A G_phi trained in the same directory (aideal train field) is compared too, as 'refined, same budget'.
    """
    require_lightning()
    from rich.console import Console

    from ..io.output.staging import staged_directory
    from ..models import load_networks
    from ..training.comparators.compare import compare
    from ..training.comparators.methods import trained_methods
    from ..validation.tables import save_rows

    methods = trained_methods(directory, load_networks(directory=models, trusted=trust_models))
    console = Console()
    with staged_directory(out) as stage, Console(stderr=True).status("Comparing") as status:
        rows = list(compare(methods, patients, matrix, lambda done, total: status.update(f"Scan {done} of {total}")))
        save_rows(rows, stage / "comparators.csv")
    _print(console, rows)
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)


def _print(console: Console, rows: list[LobeError]) -> None:
    """One table a protocol, one line a method."""
    from ..report.page import number
    from .results import table_of

    columns = ("Method", *(f"{lobe}, {what}" for lobe in ("Right", "Left") for what in ("bias", "SD", "mean |error|")))
    for protocol, group in itertools.groupby(rows, lambda row: row.protocol):
        lines = []
        for method, lobes in itertools.groupby(group, lambda row: row.method):
            values = [
                x for row in lobes for x in (number(row.bias, 2, sign=True), number(row.sd, 2), number(row.mean_absolute, 2))
            ]
            lines.append((method, *values))
        console.print(table_of(f"{protocol}: median PDFF of a lobe against the truth, points", columns, lines))
