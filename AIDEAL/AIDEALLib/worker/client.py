"""Requests maps from the server without ever waiting for it; numpy only, so that it can be used inside Slicer.

Call `poll` a few times a second (a timer does). The child starts with the first run and stays for the next one; when it died,
was killed or has to see other devices, the next run starts a new one.
"""

from __future__ import annotations

import contextlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..echoes import EchoSeries
from ..errors import AidealError
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..quality.findings import Finding, QualityReport, Severity
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
    decode,
    encode,
    read_maps,
    read_quality,
    write_series,
)
from .process import kill_tree, python_executable, start_server

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


class WorkerBusy(AidealError):
    """A run was requested while another one is under way."""


@dataclass(frozen=True, eq=False)
class Result:
    """Result of a run.

    Attributes
    ----------
    run : int
        Number of the run.
    maps : ParameterMaps
        The maps.
    seconds : float, s
        Time the run took in the child.
    torch_import_s : float or None, s
        Time of the import of torch; None where an earlier run had imported it.
    quality : QualityReport or None
        Findings on scan and maps; None where no check was requested.
    """

    run: int
    maps: ParameterMaps
    seconds: float
    torch_import_s: float | None
    quality: QualityReport | None = None


Event = Stage | Progress | Result | Failed | Stopped


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
    """

    def __init__(self, python: str | None = None, environment: Mapping[str, str] | None = None, grace_s: float = 1.0) -> None:
        self._python = python or python_executable()
        self._environment = dict(environment or {})
        self._grace_s = grace_s
        self._folder = Path(tempfile.mkdtemp(prefix="aideal-worker-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._sees_gpu = True
        self._inbox: queue.Queue[Message] = queue.Queue()
        self._run = 0
        self._run_folder: Path | None = None
        self._cancelled_at: float | None = None

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._run_folder is not None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None when there is none."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, series: EchoSeries, options: RunOptions | None = None, check: bool = True) -> int:
        """Begin a run.

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
            The scan cannot be written to the temporary folder.
        """
        if self.busy:
            raise WorkerBusy("A run is under way; wait for it, or cancel it, before starting another.")
        options = options or RunOptions()
        self._run += 1
        folder = self._folder / f"run-{self._run}"
        folder.mkdir(parents=True)
        try:
            write_series(series, folder)
            process = self._child(sees_gpu=options.device != "cpu")
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        self._run_folder, self._cancelled_at = folder, None
        self._send(process, EstimateRequest(self._run, str(folder), options, check))
        return self._run

    def cancel(self) -> None:
        """Request the run to stop; it ends within `grace_s` (seen by `poll`), by force where needed. No effect when idle."""
        if self.busy and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
            if self._process:
                self._send(self._process, CancelRequest(self._run))

    def poll(self) -> list[Event]:
        """Return the events since the last call; never waits. A run ends with exactly one `Result`, `Failed` or `Stopped`."""
        dead = (
            self._process is not None and self._process.poll() is not None
        )  # checked first: what it sent is in the inbox or lost
        if dead:
            self._join_reader()
        events: list[Event] = []
        with contextlib.suppress(queue.Empty):
            while True:
                if event := self._event(self._inbox.get_nowait()):
                    events.append(event)
        if self.busy and dead:
            events.append(self._end(Stopped(self._run) if self._cancelled_at else self._crash()))
        elif self.busy and self._cancelled_at and time.monotonic() - self._cancelled_at > self._grace_s:
            self._kill()
            events.append(self._end(Stopped(self._run)))
        return events

    def close(self) -> None:
        """End the child and everything it started, and remove the temporary folder. The client can be used again."""
        self._kill()
        if self._run_folder:
            self._end(Stopped(self._run))
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self, lines: int = 20) -> str:
        """Last lines the child wrote to its standard error."""
        path = self._folder / "worker.log"
        return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]) if path.is_file() else ""

    def _event(self, message: Message) -> Event | None:
        if not self.busy or getattr(message, "run", None) != self._run:
            return None
        if isinstance(message, Stage | Progress):
            return None if self._cancelled_at else message
        if isinstance(message, Finished):
            if self._cancelled_at or self._run_folder is None:
                return self._end(Stopped(self._run))
            try:
                maps, quality = read_maps(self._run_folder), read_quality(self._run_folder)
            except (OSError, ValueError, TypeError, KeyError) as error:
                return self._end(Failed(self._run, Reason.INTERNAL, f"The maps could not be read back: {error}"))
            return self._end(Result(self._run, maps, message.seconds, message.torch_import_s, quality))
        if isinstance(message, Failed | Stopped):
            if isinstance(message, Failed) and message.reason is Reason.TORCH_MISSING:
                self._kill()  # its import system has cached that torch is missing
            return self._end(message)
        return None

    def _end(self, event: Event) -> Event:
        if self._run_folder:
            shutil.rmtree(self._run_folder, ignore_errors=True)
        self._run_folder = self._cancelled_at = None
        return event

    def _crash(self) -> Failed:
        code = self._process.returncode if self._process else None
        how = f"exit code {code}"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                how = signal.Signals(-code).name
        missing = re.findall(r"^ModuleNotFoundError: No module named '(\w+)", self.log(), re.MULTILINE)
        if missing:
            text = f"The Python of the estimation process ({self._python}) lacks {missing[-1]}. Install it, then press Apply."
            return Failed(self._run, Reason.CRASH, text, self.log())
        text = (
            f"The estimation process ended unexpectedly ({how}); no map was made and the scene is as before. "
            "Often memory ran out: close other programs, or choose the CPU as device. Press Apply to try again."
        )
        return Failed(self._run, Reason.CRASH, text, self.log())

    def _child(self, sees_gpu: bool) -> subprocess.Popen[bytes]:
        if self._process and (self._process.poll() is not None or sees_gpu != self._sees_gpu):
            self._kill()
        if self._process is None:
            hidden = {} if sees_gpu else {"CUDA_VISIBLE_DEVICES": "-1"}
            with (self._folder / "worker.log").open("wb") as log:
                self._process = start_server(self._python, {**self._environment, **hidden}, log)
            self._sees_gpu = sees_gpu
            self._inbox = queue.Queue()
            arguments = (self._process, self._inbox)
            self._reader = threading.Thread(target=_read, args=arguments, daemon=True, name="aideal-worker")
            self._reader.start()
        return self._process

    @staticmethod
    def _send(process: subprocess.Popen[bytes], message: Message) -> None:
        # A child that has ended is noticed by the next poll.
        with contextlib.suppress(OSError, ValueError):
            if process.stdin:
                process.stdin.write(encode(message))
                process.stdin.flush()

    def _join_reader(self) -> None:
        self._reader.join(timeout=1.0)

    def _kill(self) -> None:
        if self._process is None:
            return
        kill_tree(self._process)
        self._join_reader()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process = None


def _read(process: subprocess.Popen[bytes], inbox: queue.Queue[Message]) -> None:
    """Move messages from the child's pipe into the inbox until the pipe ends."""
    with contextlib.suppress(OSError, ValueError):
        for line in process.stdout or ():
            if message := decode(line):
                inbox.put(message)
