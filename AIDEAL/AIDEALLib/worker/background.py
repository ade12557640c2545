"""Tasks beside the estimate, each once in a process of its own; numpy only, so that it can be used inside Slicer."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from ..errors import AidealError
from ..scratch import ScratchFolder, remove_abandoned
from .process import child_environment, kill_tree, package_folder, python_executable

T = TypeVar("T")

FOLDERS = "aideal-task-"
ANSWER, LOG = "answer.json", "log.txt"
LONGEST_LOG = 4000
GIVEN_S = 0.02
"""Given to the thread whenever its end is looked for: an application that embeds Python may hold the interpreter in between."""
TASKS = {"joint": "worker.joint_task", "visits": "comparison.task"}
"""Modules with a function `run(folder)`, by the name of the task."""
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from AIDEALLib.worker.background import main; main()"


class TaskFailed(AidealError):
    """A task beside the estimate ended without a result."""


class BackgroundTask(Generic[T]):
    """A task that has been started; nothing here waits for it.

    Parameters
    ----------
    name : str
        One of `TASKS`.
    write : callable
        Writes what the task needs into a folder; called in a thread, so it must not touch a scene.
    read : callable
        Reads the result from the folder, in the same thread.
    """

    def __init__(self, name: str, write: Callable[[Path], None], read: Callable[[Path], T]) -> None:
        self._name, self._write, self._read = name, write, read
        self._process: subprocess.Popen[bytes] | None = None
        self._result: list[T] = []
        self._error: AidealError | None = None
        self._cancelled = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, daemon=True, name=f"aideal-{name}")
        self._thread.start()

    @property
    def ended(self) -> bool:
        """True when there is a result or an error."""
        self._thread.join(GIVEN_S)
        return not self._thread.is_alive()

    def result(self) -> T:
        """Result of a task that has ended.

        Raises
        ------
        AidealError
            It failed.
        """
        if self._error is not None:
            raise self._error
        return self._result[0]

    def wait(self, seconds: float) -> bool:
        """Wait for the end, for scripts and tests; False where it did not come in time."""
        self._thread.join(seconds)
        return self.ended

    def cancel(self) -> None:
        """End the process; what it had written is removed."""
        with self._lock:
            self._cancelled = True
            if self._process is not None:
                kill_tree(self._process)

    def _work(self) -> None:
        scratch: ScratchFolder | None = None
        try:
            remove_abandoned(FOLDERS)
            scratch = ScratchFolder(FOLDERS)
            self._write(scratch.path)
            self._run(scratch.path)
            self._result = [self._read(scratch.path)]
        except AidealError as error:
            self._error = error
        except Exception as error:
            self._error = TaskFailed(f"The task failed: {type(error).__name__}: {error}")
        finally:
            if scratch is not None:
                scratch.remove()

    def _run(self, folder: Path) -> None:
        python = python_executable()
        with (folder / LOG).open("wb") as log, self._lock:
            if self._cancelled:
                raise TaskFailed("The task was cancelled.")
            self._process = subprocess.Popen(
                [python, "-c", _BOOT, package_folder(), self._name, str(folder)],
                stdin=subprocess.PIPE,  # it ends with this process, which the child notices
                stdout=log,
                stderr=log,
                env=child_environment(python),
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if sys.platform == "win32" else 0,
            )
        with self._process:
            code = self._process.wait()
        if self._cancelled:
            raise TaskFailed("The task was cancelled.")
        try:
            answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TaskFailed(f"The process of the task ended with exit code {code}. {_end_of(folder / LOG)}".strip()) from error
        if answer.get("error"):
            raise TaskFailed(answer["error"])


def _end_of(log: Path) -> str:
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - LONGEST_LOG))
        return stream.read(LONGEST_LOG).decode("utf-8", errors="replace")


def _end_with_the_parent() -> None:
    while os.read(0, 4096):  # not through sys.stdin, whose lock would be held when this process ends by itself
        pass
    os._exit(1)


def main() -> None:
    """Run a task in this process: name and folder are the last two arguments."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    name, folder = sys.argv[-2], Path(sys.argv[-1])
    answer: dict[str, str] = {}
    try:
        importlib.import_module(f"AIDEALLib.{TASKS[name]}").run(folder)
    except AidealError as error:
        answer = {"error": error.message}
    except Exception as error:
        traceback.print_exc()
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        answer = {"error": f"{missing} is not installed." if missing else f"{type(error).__name__}: {error}"}
    (folder / ANSWER).write_text(json.dumps(answer), encoding="utf-8")
