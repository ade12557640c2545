"""Starting the child process and ending it with everything it started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from _thread import start_new_thread
from collections.abc import Callable, Mapping
from pathlib import Path

_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from AIDEALLib.worker.server import main; main()"


PYTHON_VARIABLE = "AIDEAL_PYTHON"
"""Environment variable that names another interpreter for the server, one with PyTorch."""
_OF_THE_APPLICATION = ("PYTHONHOME", "PYTHONPATH", "PYTHONNOUSERSITE", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


def python_executable() -> str:
    """Interpreter for the server: PythonSlicer inside Slicer (whose own executable is no Python), this one elsewhere.

    The environment variable `AIDEAL_PYTHON` overrides both.
    """
    if chosen := os.environ.get(PYTHON_VARIABLE):
        return chosen
    name = Path(sys.executable or "").name.lower()
    in_slicer = "SLICER_HOME" in os.environ or not name.startswith("python")
    return (shutil.which("PythonSlicer") if in_slicer else None) or sys.executable


def foreign_environment() -> dict[str, str]:
    """Environment variables without those that would lead another interpreter to the application's libraries."""
    return {name: value for name, value in os.environ.items() if name not in _OF_THE_APPLICATION}


def has_torch(python: str) -> bool:
    """Whether another interpreter has PyTorch, without importing it there."""
    code = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
    try:
        return subprocess.run([python, "-c", code], env=foreign_environment(), check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def package_folder() -> str:
    """Folder that this package lies in."""
    return str(Path(__file__).resolve().parents[2])


def child_environment(python: str) -> dict[str, str]:
    """Environment of a child: without the application's libraries where another interpreter was chosen."""
    return foreign_environment() if python == os.environ.get(PYTHON_VARIABLE) else dict(os.environ)


def start_server(python: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server with unbuffered pipes for its messages and its log.

    It leads a process group, so that launchers and their children end together.

    Parameters
    ----------
    python : str
        Interpreter of the server.
    environment : mapping of str to str
        Variables set in addition to those of this process.

    Returns
    -------
    subprocess.Popen
        The process.
    """
    windows = os.name == "nt"
    return subprocess.Popen(
        [python, "-c", _BOOT, package_folder()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        env={**child_environment(python), **environment},
        start_new_session=not windows,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if windows else 0,
    )


def run_aside(action: Callable[..., object], *arguments: object) -> None:
    """Call a function in a thread of its own, whose start is not waited for, as that of `threading.Thread` is."""
    start_new_thread(action, arguments)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started, without waiting for its end; no effect when it has ended."""
    if process.poll() is not None:
        _kill_group(process)
        return
    if os.name == "nt":
        run_aside(_kill_on_windows, process)
        return
    _kill_group(process)
    run_aside(process.wait)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _kill_on_windows(process: subprocess.Popen[bytes]) -> None:
    command = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
    subprocess.run(command, capture_output=True, check=False, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0))
    process.wait()
