"""Estimate with a progress bar; the first Ctrl-C stops between two slices."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK, FatSpectrum


def estimate_with_progress(
    series: EchoSeries,
    method: str,
    device: str,
    *,
    spectrum: FatSpectrum = SIX_PEAK,
    conjugate: str = "auto",
    bipolar: str = "auto",
    first_echo: str = "no",
    gain_steps: str = "no",
    models: Path | None = None,
) -> ParameterMaps:
    """`estimate`, with its progress shown on the standard error stream.

    Raises
    ------
    Cancelled
        Ctrl-C was pressed. Everything else as `estimate`.
    """
    from ..estimation.estimate import choose_device, estimate
    from ..models import load_networks

    networks = load_networks(str(choose_device(device)), models) if models else None
    with ctrl_c_cancels() as cancelled, slices_bar(f"Estimating ({method})") as bar:
        task = bar.add_task(method, total=None)
        return estimate(
            series,
            method,
            device,
            lambda done, total: bar.update(task, completed=done, total=total),
            cancelled,
            spectrum=spectrum,
            conjugate=conjugate,
            bipolar=bipolar,
            first_echo=first_echo,
            gain_steps=gain_steps,
            networks=networks,
        )


def slices_bar(text: str) -> Progress:
    """A progress bar that counts slices; `text` may name fields of the task as rich does."""
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
def ctrl_c_cancels() -> Iterator[Callable[[], bool]]:
    """Callable that turns True at the first Ctrl-C; the second one interrupts at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield asked.is_set
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
