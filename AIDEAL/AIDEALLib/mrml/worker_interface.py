"""Interface of the worker that the logic needs."""

from __future__ import annotations

from typing import Protocol

from ..echoes import EchoSeries
from ..options import RunOptions
from ..worker.client import Event


class Worker(Protocol):
    """Interface of a worker; `WorkerClient` is the real one, tests may bring another."""

    @property
    def busy(self) -> bool:
        """True while a run is under way."""

    def warm_up(self, options: RunOptions | None = None) -> None:
        """Load what a run with these options needs.

        Parameters
        ----------
        options : RunOptions, optional
            Options of the run that is expected; the defaults when None.
        """

    def start(self, series: EchoSeries, options: RunOptions | None = None, check: bool = True) -> int:
        """Begin a run and return its number.

        Parameters
        ----------
        series : EchoSeries
            The scan.
        options : RunOptions, optional
            Options of the run; the defaults when None.
        check : bool
            Check scan and maps.
        """

    def cancel(self) -> None:
        """Ask the run to stop."""

    def poll(self) -> list[Event]:
        """Events since the last call."""

    def close(self) -> None:
        """End the child."""
