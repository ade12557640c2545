"""`aideal train comparator`: networks that others proposed, trained on the same simulator for comparison."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from .options import Debug
from .training_options import RUNS, Batch, Directory, Seed, Size, Threads, shown_progress


class ComparatorName(str, Enum):
    """Networks to compare with."""

    UNET = "unet"
    MDWF_NET = "mdwf-net"
    VET_NET = "vet-net"
    UP_NET = "up-net"
    AIDEAL_PUBLISHED = "aideal-published"


def comparator_command(
    name: ComparatorName,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps at most; more continue an earlier run.")] = 12_000,
    seed: Seed = 0,
    directory: Directory = RUNS / "comparators",
    batch: Batch = 2,
    size: Size = 96,
    patients: Annotated[int, typer.Option(min=1, help="Simulated abdomens; a tenth as many more for validation.")] = 120,
    threads: Threads = None,
    debug: Debug = False,
) -> None:
    """Train a network to compare with, until its validation error stops improving or the steps are used up.

    vet-net is given the echo times and serves any six echoes; the others are for 1.5 T, 1.3 + 2.1n ms. Weights, card and
    learning curve are written to DIR/export.
    """
    import torch

    from ..training.comparators.fit import Progress
    from ..training.comparators.options import ComparatorOptions
    from ..training.comparators.train import Training

    if threads:
        torch.set_num_threads(threads)
    options = ComparatorOptions(steps, batch, size, patients, seed=seed)
    with shown_progress(name.value, steps) as progress:

        def stage_progress(title: str) -> Progress:
            return progress

        weights = Training(name.value, options, directory).run(stage_progress)
    typer.echo(f"Comparator {name.value}: {weights}")
