"""`aideal train adapt`: the bundled networks, adapted to unlabelled scans of one's own."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .option_groups import takes_option_groups
from .options import Debug, Models, TrustModels
from .training_options import Accumulate, Batch, Launch, Seed, Size, shown_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ..echoes import EchoSeries
    from ..models import Networks
    from ..training.before_after import Metrics

TABLE = "adaptation.csv"
CHECKPOINTS = "training"


@takes_option_groups
def adapt_command(
    *,
    scans: Annotated[
        list[Path], typer.Argument(metavar="SCAN...", help="Scans without labels, one each: whatever 'aideal run' reads.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the adapted networks and the table.")],
    models: Models = None,
    trust_models: TrustModels = False,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of G_phi; G_R2* takes half of them.")] = 400,
    learning_rate: Annotated[float, typer.Option(min=1e-7, help="Peak; a tenth of that of training.")] = 1e-4,
    seed: Seed = 0,
    batch: Batch = 3,
    size: Size = 96,
    accumulate: Accumulate = 2,
    launch: Launch,
    debug: Debug = False,
) -> None:
    """Adapt the networks to scans of your own, without labels; 'aideal run --models DIR' then uses them.

    Trains on random windows of the scans and on simulated slices in turn, and compares misfit and swaps before and after.
    """
    from ..model_files import model_directory
    from ..models import load_networks

    source = models or model_directory()
    if to.resolve() in (source.resolve(), model_directory().resolve()):
        raise InputError(f"{to} holds the networks to start from; they are never overwritten. Name another folder with --to.")
    fabric = launch.fabric()
    from ..training.adapt import adapt, export_adapted
    from ..training.loop import LoopOptions
    from ..training.own_scans import OwnScan

    series = _usable(scans)
    own = [OwnScan.of(scan) for scan in series]
    networks = load_networks(directory=source, trusted=trust_models)
    options = LoopOptions(steps, batch, accumulate, size, learning_rate, seed)
    bars = partial(shown_progress, shown=fabric.is_global_zero)
    adapted = adapt(networks, own, options, to / CHECKPOINTS, fabric, bars)
    if fabric.is_global_zero:
        export_adapted(adapted, networks, own, options, to, TABLE)
        _compare(networks, load_networks(directory=to, trusted=True), series, to)


def _usable(paths: Sequence[Path]) -> list[EchoSeries]:
    """Load scans; raises where one cannot be estimated."""
    from ..io.load import load_series
    from ..options import RunOptions
    from ..physics.spectrum import SIX_PEAK
    from ..quality.preflight import preflight

    series = [load_series(path) for path in paths]
    for scan in series:
        preflight(scan, RunOptions(), SIX_PEAK).refuse()
    return series


def _compare(networks: Networks, adapted: Networks, series: Sequence[EchoSeries], to: Path) -> None:
    """Compare networks before and after adaptation, on screen and in a table."""
    from rich.console import Console

    from ..statistics import LowConfidence
    from ..training.before_after import metrics, save_comparison

    limit = LowConfidence().swap_probability
    console = Console()
    with Console(stderr=True).status("Comparing before and after"):
        before, after = (metrics(of, series, limit) for of in (networks, adapted))
    save_comparison(before, after, to / TABLE)
    _print(console, before, after, limit)
    console.print(f"Networks: {to.resolve()}", markup=False, highlight=False, soft_wrap=True)


def _print(console: Console, before: list[Metrics], after: list[Metrics], limit: float) -> None:
    from ..report.page import number
    from .results import table_of

    def pair(a: float, b: float, digits: int = 2) -> str:
        return f"{number(a, digits)} -> {number(b, digits)}" if a == a else "-"

    lines = [
        (
            f"{a.data}, {a.method}",
            pair(a.residual_percent, b.residual_percent, 3),
            pair(a.suspected_percent, b.suspected_percent),
            pair(a.swapped_percent, b.swapped_percent),
        )
        for a, b in zip(before, after, strict=True)
    ]
    columns = ("Data, method", "Residual %", f"P(swap) > {limit:g}, %", "Swapped, %")
    console.print(table_of("Before -> after adaptation, share of the foreground", columns, lines))
    for a, b in zip(before, after, strict=True):
        if b.swapped_percent > a.swapped_percent + 0.05:
            console.print(
                f"Simulated slices of other protocols swap more often than before ({a.method}): use these networks for scans "
                "like your own alone, or adapt with fewer steps.",
                markup=False,
                highlight=False,
            )
