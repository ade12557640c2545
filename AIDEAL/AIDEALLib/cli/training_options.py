"""Options that the commands of `aideal train` share, and how a training is launched and shown."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from lightning.fabric import Fabric

RUNS = Path("runs")
EXPORTED = RUNS / "export"


class Precision(str, Enum):
    """Arithmetic of the networks; the physics around them is never rounded."""

    FULL = "32-true"
    BFLOAT16 = "bf16-mixed"


Directory = Annotated[
    Path, typer.Option("--directory", "-d", metavar="DIR", help="Folder of the run; a checkpoint in it is resumed.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of initial weights and slices.")]
Batch = Annotated[int, typer.Option(min=1, help="Slices of each protocol.")]
Size = Annotated[int, typer.Option(min=16, help="Rows and columns of a slice.")]
Accumulate = Annotated[int, typer.Option(min=1, help="Protocols in each step, shared by all devices.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; by default torch decides.", show_default=False)]


@dataclass(frozen=True)
class Launch:
    """Options: the devices of a training.

    Attributes
    ----------
    accelerator : str
        Kind of device.
    devices : str
        Devices on each machine: a number, or 'auto'.
    nodes : int
        Number of machines.
    precision : Precision
        Arithmetic of the networks.
    threads : int, optional
        CPU threads.
    """

    accelerator: Annotated[str, typer.Option(metavar="cpu|cuda|auto", help="Kind of device.")] = "cpu"
    devices: Annotated[str, typer.Option(help="Devices on each machine: a number, or auto.")] = "1"
    nodes: Annotated[int, typer.Option(min=1, help="Machines; start the same command on each (MASTER_ADDR, NODE_RANK).")] = 1
    precision: Annotated[Precision, typer.Option(help="Of the networks; bf16-mixed is for CUDA.")] = Precision.FULL
    threads: Threads = None

    def fabric(self) -> Fabric:
        """Lightning Fabric on these devices; with several, each process of the training returns from here.

        Raises
        ------
        InputError
            Lightning is missing, or refuses the devices.
        """
        require_lightning()
        import torch
        from lightning.fabric import Fabric

        if self.threads:
            torch.set_num_threads(self.threads)
        try:
            fabric = Fabric(
                accelerator=self.accelerator,
                devices=int(self.devices) if self.devices.isdecimal() else self.devices,
                num_nodes=self.nodes,
                precision=self.precision.value,
            )
        except (ValueError, TypeError, RuntimeError) as error:  # MisconfigurationException is a RuntimeError or ValueError
            raise InputError(
                f"Lightning refuses accelerator {self.accelerator} with devices {self.devices}: {error}"
            ) from error
        fabric.launch()
        return fabric


def require_lightning() -> None:
    """Check that lightning is installed.

    Raises
    ------
    InputError
        It is not; the message says how to install it.
    """
    import importlib.util

    if importlib.util.find_spec("lightning") is None:
        raise InputError(
            "Training needs the package lightning, which is not installed. Install it: pip install 'aideal[train]'."
        )


@contextmanager
def shown_progress(stage: str, steps: int, value: str = "loss", shown: bool = True) -> Iterator[Callable[[int, float], None]]:
    """Progress bar of a stage.

    Parameters
    ----------
    stage : str
        Name of the stage.
    steps : int
        Number of steps.
    value : str
        What is shown beside the bar, as a moving average: single batches differ too much to be read.
    shown : bool
        False shows nothing, for processes other than the first.

    Yields
    ------
    callable
        To be called after each step with (step, value).
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
