"""`aideal train adapt`: the bundled networks, adapted to unlabelled scans of one's own."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from .options import Debug, Models
from .training_options import (
    Accelerator,
    Accumulate,
    Batch,
    Devices,
    Nodes,
    Precision,
    PrecisionOption,
    Seed,
    Size,
    Threads,
    launched_fabric,
    shown_progress,
)

if TYPE_CHECKING:
    from rich.console import Console

    from ..training.before_after import Figures

TABLE = "adaptation.csv"


def adapt_command(
    scans: Annotated[
        list[Path], typer.Argument(metavar="SCAN...", help="Scans without labels, one each: whatever 'aideal run' reads.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder for the adapted networks and the table.")],
    models: Models = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of G_phi; G_R2* takes half of them.")] = 400,
    learning_rate: Annotated[float, typer.Option(min=1e-7, help="Peak; a tenth of that of training.")] = 1e-4,
    seed: Seed = 0,
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
    """Adapt the networks to scans of your own, without labels; 'aideal run --models DIR' then uses them.

    Trains on random windows of the scans and on simulated slices in turn, and compares misfit and swaps before and after.
    """
    from ..io.load import load_series
    from ..models import load_networks, model_directory
    from ..options import RunOptions
    from ..physics.spectrum import SIX_PEAK
    from ..quality.preflight import preflight
    from ..statistics import LowConfidence

    source = models or model_directory()
    if to.resolve() in (source.resolve(), model_directory().resolve()):
        raise InputError(f"{to} holds the networks to start from; they are never overwritten. Name another folder with --to.")
    fabric = launched_fabric(accelerator, devices, nodes, precision, threads)
    from rich.console import Console

    from ..training.adapt import adapt
    from ..training.before_after import figures
    from ..training.export import export_networks
    from ..training.loop import LoopOptions
    from ..training.model_cards import Adaptation, model_cards
    from ..training.own_scans import OwnScan
    from ..training.settings import store_settings

    series = [load_series(path) for path in scans]
    for one in series:
        preflight(one, RunOptions(), SIX_PEAK).refuse()
    own = [OwnScan.of(one) for one in series]
    networks = load_networks(directory=source)
    limit = LowConfidence().swap_probability
    options = LoopOptions(steps, batch, accumulate, size, learning_rate, seed)
    with ExitStack() as bars:
        networks_after = adapt(
            networks,
            own,
            options,
            to / "training",
            fabric,
            lambda stage: bars.enter_context(
                shown_progress(stage, steps if stage == "field" else max(1, steps // 2), fabric.is_global_zero)
            ),
        )
    if not fabric.is_global_zero:
        return
    adaptation = Adaptation(networks.checksums, len(own), sum(len(scan.echoes) for scan in own), TABLE)
    taken = {"adaptation of G_phi": steps, "adaptation of G_R2*": max(1, steps // 2)}
    export_networks(*networks_after, to, model_cards(*networks_after, taken, adaptation))
    if networks.settings:
        store_settings(to, to, networks.settings, "the slices of the networks before; taken over unchanged")
    console = Console()
    with Console(stderr=True).status("Comparing before and after"):
        before = figures(networks, series, limit)
        after = figures(load_networks(directory=to), series, limit)
    _save(before, after, to / TABLE)
    _print(console, before, after, limit)
    console.print(f"Networks: {to.resolve()}", markup=False, highlight=False, soft_wrap=True)


def _save(before: list[Figures], after: list[Figures], path: Path) -> None:
    columns = ("residual_percent", "suspected_percent", "swapped_percent")
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["data", "method", "voxels", *(f"{c}_{when}" for c in columns for when in ("before", "after"))])
        for a, b in zip(before, after, strict=True):
            values = [x for c in columns for x in (getattr(a, c), getattr(b, c))]
            writer.writerow([a.data, a.method, a.voxels, *("" if x != x else f"{x:.4f}" for x in values)])
    unfinished.replace(path)


def _print(console: Console, before: list[Figures], after: list[Figures], limit: float) -> None:
    from .results import number, table_of

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
                f"Simulated slices of other protocols swap more often than before ({a.method}): keep these networks to scans "
                "like your own, or adapt with fewer steps.",
                markup=False,
                highlight=False,
            )
