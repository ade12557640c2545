"""A worker's process for scans: started when needed, ended where a scan takes too long or too much."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..worker.pipes import Lines, PipeReader
from ..worker.process import kill_tree
from .ends import KILLED

LOOK_EVERY_S = 0.25
_of_this_thread = threading.local()
ENDED_FROM_OUTSIDE = (-signal.SIGTERM, -getattr(signal, "SIGKILL", signal.SIGTERM), -signal.SIGINT)
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from AIDEALLib.cohort.child import main; main()"


@dataclass(frozen=True)
class Limits:
    """What a scan may take.

    Attributes
    ----------
    seconds : float
        Time.
    memory_bytes : int
        Memory of its process; 0 for no limit.
    """

    seconds: float = 3600.0
    memory_bytes: int = 0


def command() -> list[str]:
    """The process that runs scans."""
    return [sys.executable, "-c", _BOOT, str(Path(__file__).resolve().parents[2])]


class ScanProcess:
    """Runs one scan after the other in another process.

    Parameters
    ----------
    words : sequence of str, optional
        Command of the process; that of `child` when None.
    """

    def __init__(self, words: Sequence[str] | None = None) -> None:
        self._words = list(words or command())
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: queue.Queue[bytes] = queue.Queue()
        self._readers: list[PipeReader] = []

    @property
    def pid(self) -> int | None:
        """Number of the process; None where there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def run(self, task: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """Run a scan.

        Parameters
        ----------
        task : Mapping
            What `Task.as_dict` returned.
        limits : Limits
            What it may take.

        Returns
        -------
        dict
            What `task.do` returned; or `id`, `kind` ('time', 'memory', 'crash', `KILLED`) and `reason` where its process was
            ended.
        """
        process = self._started()
        name = task["scan"]["id"]
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(task).encode("ascii") + b"\n")
            process.stdin.flush()
        except OSError:
            return {"id": name, **self._ended(process)}
        end = time.monotonic() + limits.seconds
        while True:
            with contextlib.suppress(queue.Empty):
                return dict(json.loads(self._answers.get(timeout=LOOK_EVERY_S)))
            if process.poll() is not None and all(reader.ended for reader in self._readers) and self._answers.empty():
                return {"id": name, **self._ended(process)}
            taken = memory_of(process.pid) if limits.memory_bytes else 0
            if taken > limits.memory_bytes:
                self.close()
                reason = f"It took {taken / 2**30:.1f} GiB of memory; at most {limits.memory_bytes / 2**30:.1f} are allowed."
                return {"id": name, "kind": "memory", "reason": reason}
            if time.monotonic() > end:
                self.close()
                return {"id": name, "kind": "time", "reason": f"It took more than the {limits.seconds:.0f} s that are allowed."}

    def close(self) -> None:
        """End the process with all that it has started."""
        if self._process is not None:
            kill_tree(self._process)
            self._process.wait()
            self._forget()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._forget()
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        windows = os.name == "nt"
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, **threads},
            start_new_session=not windows,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if windows else 0,
        )
        self._answers = queue.Queue()
        assert self._process.stdout is not None
        self._readers = [PipeReader(self._process.stdout, Lines(self._answers.put))]  # type: ignore[arg-type]
        return self._process

    def _ended(self, process: subprocess.Popen[bytes]) -> dict[str, str]:
        code = process.wait()
        kill_tree(process)
        self._forget()
        if code in ENDED_FROM_OUTSIDE:
            return {
                "kind": KILLED,
                "reason": f"Its process was killed ({signal.Signals(-code).name}), perhaps for lack of memory.",
            }
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return {"kind": "crash", "reason": f"Its process crashed ({how})."}

    def _forget(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        for reader in self._readers:
            reader.stop()
        self._process, self._readers = None, []


def memory_of(pid: int) -> int:
    """Resident memory of a process and all that it has started, bytes; 0 where it has ended."""
    import psutil

    taken = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                taken += one.memory_info().rss
    return taken


def run_here(task: dict[str, Any], limits: tuple[float, int]) -> dict[str, Any]:
    """Run a scan in the process that belongs to this thread of a worker.

    Parameters
    ----------
    task : dict
        What `Task.as_dict` returned.
    limits : tuple of float and int
        Seconds and bytes that it may take.

    Returns
    -------
    dict
        What `ScanProcess.run` returned.
    """
    if not hasattr(_of_this_thread, "process"):
        _of_this_thread.process = ScanProcess()
    end: dict[str, Any] = _of_this_thread.process.run(task, Limits(*limits))
    return end
