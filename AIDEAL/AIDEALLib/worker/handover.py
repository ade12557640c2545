"""Writing a scan for the server in a thread of its own: Slicer does not wait for the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from ..echoes import EchoSeries
from ..io.interchange import write_series


class Handover:
    """A scan on its way into the folder of a run.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    folder : Path
        Existing folder that receives it.
    then : callable
        Called in the thread, once: with None when the scan is there, otherwise with what stopped it (`Cancelled` after `stop`).
    """

    def __init__(self, series: EchoSeries, folder: Path, then: Callable[[Exception | None], None]) -> None:
        self._series, self._folder, self._then = series, folder, then
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="aideal-handover")
        self._thread.start()

    def stop(self) -> None:
        """Let the thread stop before the next echo; returns at once."""
        self._stop.set()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            write_series(self._series, self._folder, self._stop.is_set)
        except Exception as error:  # whatever it is, the run must end with an event
            self._then(error)
        else:
            self._then(None)
