"""A run with its progress on the screen; the first Ctrl-C stops it between two slices."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..echoes import EchoSeries
from ..options import RunOptions
from ..progress import Monitor, Step

if TYPE_CHECKING:
    from ..pipeline import Outcome, Source

STEPS = {
    Step.TORCH: "Loading PyTorch",
    Step.READ: "Reading the scan",
    Step.CHECK: "Checking the scan",
    Step.NETWORKS: "Loading the networks",
    Step.PREPARE: "Searching for phase errors",
    Step.ASSESS: "Checking the result",
}


def run_with_progress(
    source: Source, options: RunOptions, *, check: bool = True, ready: Callable[[EchoSeries], None] | None = None
) -> Outcome:
    """`pipeline.run`, with progress and the precision to expect on the standard error stream.

    Parameters
    ----------
    source : EchoSeries, or path, or sequence of paths
        The scan, or the files to load it from.
    options : RunOptions
        Options of the run.
    check : bool
        Check the scan before and the result after the estimate.
    ready : callable, optional
        Called with the scan before it is estimated; what it raises ends the run.

    Returns
    -------
    Outcome
        Maps, findings and provenance.

    Raises
    ------
    Cancelled
        Ctrl-C was pressed.
    AidealError
        Whatever `pipeline.run` raises.
    """
    from ..pipeline import run

    with ctrl_c_cancels() as cancelled, slices_bar("{task.description}") as bar:
        task = bar.add_task(STEPS[Step.READ], total=None)

        def begin(series: EchoSeries, expectation: str) -> None:
            if ready:
                ready(series)
            if expectation:
                bar.console.print(expectation, markup=False, highlight=False, soft_wrap=True)

        monitor = Monitor(
            step=lambda step: bar.update(task, description=STEPS[step]),
            slices=lambda done, total: bar.update(
                task, description=f"Estimating ({options.method})", completed=done, total=total
            ),
            ready=begin,
            cancelled=cancelled,
        )
        return run(source, options, check=check, monitor=monitor)


def slices_bar(text: str) -> Progress:
    """Progress bar that counts slices; `text` may name fields of the task as rich does."""
    return Progress(
        TextColumn(text),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("slices"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


@contextmanager
def ctrl_c_cancels(also: Sequence[str] = ()) -> Iterator[Callable[[], bool]]:
    """Yield a callable that returns True after the first Ctrl-C; the second one interrupts at once.

    Parameters
    ----------
    also : sequence of str
        Names of other signals that are like Ctrl-C, those that the system has.

    Yields
    ------
    callable
    """
    requested = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield requested.is_set
        return

    def request(number: int, frame: FrameType | None) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()

    kinds = [getattr(signal, name) for name in ("SIGINT", *also) if hasattr(signal, name)]
    before = {kind: signal.signal(kind, request) for kind in kinds}
    try:
        yield requested.is_set
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
