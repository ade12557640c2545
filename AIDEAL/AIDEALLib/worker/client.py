"""Requests maps from the server without ever waiting for it; numpy only, so that it can be used inside Slicer.

Call `poll` a few times a second (a timer does). The child starts with the first run, or ahead of it to warm up, and stays for
the next one; when it died, was killed or has to see other devices, the next run starts a new one.
"""

from __future__ import annotations

import queue
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from ..echoes import EchoSeries
from ..errors import Cancelled
from ..io.interchange import read_maps
from ..options import RunOptions
from ..quality.findings import Finding, QualityReport, Severity
from ..scratch import ScratchFolder, remove_abandoned
from .connection import Connection
from .endings import LOG_LINES, crash, not_handed_over, silence
from .events import Event, Result, WorkerBusy
from .handover import Handover
from .messages import (
    CancelRequest,
    EstimateRequest,
    Failed,
    Finished,
    Message,
    Progress,
    Reason,
    Stage,
    Step,
    Stopped,
    WarmUpRequest,
    read_quality,
)
from .process import python_executable, run_aside, start_server

__all__ = [
    "Event",
    "Failed",
    "Finding",
    "Progress",
    "QualityReport",
    "Reason",
    "Result",
    "Severity",
    "Stage",
    "Step",
    "Stopped",
    "WorkerBusy",
    "WorkerClient",
]


FOLDERS = "aideal-worker-"
MOST_SILENT_S = 60.0
CLOSING_S = 0.3


_Needs = tuple[str, str, str, bool]
"""Options that decide what a run has to import and load."""


class WorkerClient:
    """One child process and the runs it makes, one at a time.

    Parameters
    ----------
    python : str, optional
        Interpreter of the child; by default this one (PythonSlicer inside Slicer).
    environment : mapping of str to str, optional
        Variables set for the child in addition to those of this process.
    grace_s : float, seconds
        Time that a cancelled child has to stop by itself before it is killed.
    silence_s : float, seconds
        A child that gives no sign of life for so long is killed; it sends one every second.
    """

    def __init__(
        self,
        python: str | None = None,
        environment: Mapping[str, str] | None = None,
        grace_s: float = 1.0,
        silence_s: float = MOST_SILENT_S,
    ) -> None:
        self._python = python or python_executable()
        self._environment = dict(environment or {})
        self._grace_s, self._silence_s = grace_s, silence_s
        self._scratch: ScratchFolder | None = None
        self._child: Connection[Event] | None = None
        self._ended: Connection[Event] | None = None
        self._sees_gpu = True
        self._warm_for: _Needs | None = None
        self._run = 0
        self._shape = (0, 0, 0)
        self._run_folder: Path | None = None
        self._handover: Handover | None = None
        self._own_events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._cancelled_at: float | None = None
        run_aside(remove_abandoned, FOLDERS)

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._run_folder is not None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None when there is none."""
        return self._child.pid if self._child else None

    def warm_up(self, options: RunOptions | None = None) -> None:
        """Have the child import and load what a run needs, so that the run does not wait for it; returns at once.

        No effect while a run is under way, and where the child was asked to before.

        Parameters
        ----------
        options : RunOptions, optional
            Options of the run that is expected; the defaults when None.

        Raises
        ------
        OSError
            The child cannot be started.
        """
        options = options or RunOptions()
        if self.busy or self._warm_for == _needs(options):
            return
        self._running_child(sees_gpu=options.device != "cpu").send(WarmUpRequest(options))
        self._warm_for = _needs(options)

    def start(self, series: EchoSeries, options: RunOptions | None = None, check: bool = True) -> int:
        """Begin a run; returns at once. The scan is written for the child in a thread, whose end or failure `poll` returns.

        Parameters
        ----------
        series : EchoSeries
            The scan.
        options : RunOptions, optional
            Options of the run; the defaults when None.
        check : bool
            Check the scan before and the result after the estimate.

        Returns
        -------
        int
            Number of the run.

        Raises
        ------
        WorkerBusy
            Another run is under way.
        OSError
            The child cannot be started, or no temporary folder be made.
        """
        if self.busy:
            raise WorkerBusy("A run is under way; wait for it, or cancel it, before starting another.")
        options = options or RunOptions()
        self._run += 1
        self._scratch = self._scratch or ScratchFolder(FOLDERS)
        folder = self._scratch.path / f"run-{self._run}"
        folder.mkdir()
        try:
            child = self._running_child(sees_gpu=options.device != "cpu")
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._run_folder, self._cancelled_at, self._shape = folder, None, series.shape
        self._warm_for = _needs(options)
        self._own_events = queue.SimpleQueue()
        self._own_events.put(Stage(self._run, Step.READ))
        child.silent_s()
        request, events = EstimateRequest(self._run, str(folder), options, check), self._own_events

        def then(error: Exception | None) -> None:
            if error is None:
                child.send(request)
            else:
                cancelled = isinstance(error, Cancelled)
                events.put(Stopped(request.run) if cancelled else not_handed_over(request.run, error))

        self._handover = Handover(series, folder, then)
        return self._run

    def cancel(self) -> None:
        """Request the run to stop; it ends within `grace_s` (seen by `poll`), by force where needed. No effect when idle."""
        if self.busy and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            if self._handover:
                self._handover.stop()
            if self._child:
                self._child.send(CancelRequest(self._run))

    def poll(self) -> list[Event]:
        """Return the events since the last call; never waits. A run ends with exactly one `Result`, `Failed` or `Stopped`."""
        events: list[Event] = []
        if self._child is None:
            return events
        for event in (*self._from_here(), *self._child.received()):
            if self.busy and event.run == self._run:
                events += self._taken(event)
        if not self.busy or self._child is None:
            return events
        if self._cancelled_at and time.monotonic() - self._cancelled_at > self._grace_s:
            self._kill()
            events.append(self._end(Stopped(self._run)))
        elif self._child.ended():
            events.append(self._end(Stopped(self._run) if self._cancelled_at else self._crash(self._child)))
            self._kill()
        elif self._child.silent_s() > self._silence_s:
            events.append(self._end(silence(self._run, self._silence_s, self._child.log(LOG_LINES))))
            self._kill()
        return events

    def close(self) -> None:
        """End the child and everything it started, and remove the temporary folder. The client can be used again."""
        child, handover = self._child, self._handover
        self._kill()
        if self._run_folder:
            self._end(Stopped(self._run))
        if handover:
            handover.join(CLOSING_S)  # what still writes keeps its folder
        if child:
            child.wait(CLOSING_S)
        if self._scratch:
            self._scratch.remove()
            self._scratch = None

    def log(self, lines: int = 20) -> str:
        """Last lines the child wrote to its standard error."""
        child = self._child or self._ended
        return child.log(lines) if child else ""

    def _from_here(self) -> list[Event]:
        """Events of this process."""
        events: list[Event] = []
        while not self._own_events.empty():
            events.append(self._own_events.get())
        return events

    def _converted(self, message: Message) -> Event | None:
        """Event of a message (in the thread that reads, since maps take time to load)."""
        if isinstance(message, Stage | Progress | Failed | Stopped):
            return message
        folder = self._run_folder
        if not isinstance(message, Finished) or message.run != self._run or folder is None:
            return None
        try:
            maps, quality = read_maps(folder, self._shape), read_quality(folder)
        except Exception as error:  # the files are the child's: whatever is wrong with them ends the run, not this thread
            return Failed(message.run, Reason.INTERNAL, f"The maps could not be read back: {type(error).__name__}: {error}")
        return Result(message.run, maps, message.seconds, message.torch_import_s, quality)

    def _taken(self, event: Event) -> list[Event]:
        if isinstance(event, Stage | Progress):
            return [] if self._cancelled_at else [event]
        if self._cancelled_at and isinstance(event, Result):
            return [self._end(Stopped(self._run))]
        if isinstance(event, Failed) and event.reason is Reason.TORCH_MISSING:
            self._kill()  # its import system has cached that torch is missing
        return [self._end(event)]

    def _end(self, event: Event) -> Event:
        if self._run_folder and self._handover:
            self._handover.stop()
            run_aside(_remove, self._run_folder, self._handover)
        self._run_folder = self._handover = self._cancelled_at = None
        return event

    def _crash(self, child: Connection[Event]) -> Failed:
        return crash(self._run, child.returncode, self._python, child.log(LOG_LINES))

    def _running_child(self, sees_gpu: bool) -> Connection[Event]:
        if self._child and (self._child.pid is None or sees_gpu != self._sees_gpu or self._child.ended()):
            self._kill()
        if self._child is None:
            hidden = {} if sees_gpu else {"CUDA_VISIBLE_DEVICES": "-1"}
            self._child = Connection(start_server(self._python, {**self._environment, **hidden}), self._converted)
            self._sees_gpu = sees_gpu
        return self._child

    def _kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child, self._ended, self._warm_for = None, self._child, None


def _needs(options: RunOptions) -> _Needs:
    return options.method.value, options.device, options.models, options.trust_models


def _remove(folder: Path, handover: Handover) -> None:
    handover.join()  # what is still being written would stay
    shutil.rmtree(folder, ignore_errors=True)
