"""How a training is launched: options that the commands of `aideal train` share, and what they become."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from lightning.fabric import Fabric

RUNS = Path("runs")


class Precision(str, Enum):
    """Arithmetic of the networks; the physics around them is never rounded."""

    FULL = "32-true"
    BFLOAT16 = "bf16-mixed"


Seed = Annotated[int, typer.Option(min=0, help="Of initial weights and slices.")]
Directory = Annotated[
    Path, typer.Option("--directory", "-d", metavar="DIR", help="Folder of the run; a checkpoint in it is resumed.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; torch decides when not given.", show_default=False)]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that simulate slices ahead; for a GPU, about one for each processor core.")
]
Devices = Annotated[str, typer.Option(help="Devices on each machine: a number, or auto.")]
Nodes = Annotated[int, typer.Option(min=1, help="Machines; start the same command on each (MASTER_ADDR, NODE_RANK).")]
Accelerator = Annotated[str, typer.Option(metavar="cpu|cuda|auto", help="Kind of device.")]
PrecisionOption = Annotated[Precision, typer.Option(help="Of the networks; bf16-mixed is for CUDA.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Protocols in each step, shared by all devices.")]
Batch = Annotated[int, typer.Option(min=1, help="Slices of each protocol.")]
Size = Annotated[int, typer.Option(min=16, help="Rows and columns of a slice.")]


def require_lightning() -> None:
    """Say what to install where training cannot work.

    Raises
    ------
    InputError
        The package lightning is not installed.
    """
    import importlib.util

    if importlib.util.find_spec("lightning") is None:
        raise InputError(
            "Training needs the package lightning, which is not installed. Install it: pip install 'aideal[train]'."
        )


def launched_fabric(
    accelerator: str = "cpu",
    devices: str = "1",
    nodes: int = 1,
    precision: Precision = Precision.FULL,
    threads: int | None = None,
) -> Fabric:
    """Lightning Fabric on the devices asked for; with several, each process of the training comes back from here.

    Raises
    ------
    InputError
        Lightning is missing, or refuses the devices.
    """
    require_lightning()
    import torch
    from lightning.fabric import Fabric

    if threads:
        torch.set_num_threads(threads)
    try:
        fabric = Fabric(
            accelerator=accelerator,
            devices=int(devices) if devices.isdecimal() else devices,
            num_nodes=nodes,
            precision=precision.value,
        )
    except (ValueError, TypeError, RuntimeError) as error:  # MisconfigurationException is a RuntimeError or ValueError
        raise InputError(f"Lightning refuses accelerator {accelerator} with devices {devices}: {error}") from error
    fabric.launch()
    return fabric


@contextmanager
def shown_progress(stage: str, steps: int, shown: bool = True, value: str = "loss") -> Iterator[Callable[[int, float], None]]:
    """Progress bar of a stage, to be called with (step, loss), or with another `value` than a loss.

    The value shown is a mean that forgets: single batches differ too much to be read.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn(f"Stage {stage}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(
        *columns, TextColumn(value + " {task.fields[loss]:.4f}"), console=Console(stderr=True), disable=not shown
    ) as bar:
        task, mean, keep = bar.add_task(stage, total=steps, loss=math.nan), math.nan, 0.97

        def show(step: int, loss: float) -> None:
            nonlocal mean
            mean = loss if math.isnan(mean) else keep * mean + (1 - keep) * loss
            bar.update(task, completed=step, loss=mean)

        yield show
