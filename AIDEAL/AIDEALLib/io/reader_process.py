"""Readers run in a process of their own, with limits on memory and time.

What a damaged file crashes, hangs or fills is that process. Its result comes back through a folder, as `.npy` and JSON.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..advice import Advice
from ..errors import AidealError, InputError, ReaderKilled
from ..scratch import ScratchFolder, remove_abandoned
from .memory import available_bytes

ANSWER, REQUEST = "answer.json", "request.json"
FOLDERS = "aideal-read-"
MEMORY_SHARE = 0.7
LONGEST_S = 300.0
LONGEST_REASON = 200
FULL, EXIT_FULL = "the folder of temporary files is full", 75
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT)
ENDED_FROM_OUTSIDE = tuple(-int(getattr(signal, name)) for name in ("SIGKILL", "SIGTERM") if hasattr(signal, name))
Reader = Callable[[dict[str, Any], Path], None]
"""Reads what a request names, and leaves the result in a folder; a function of a module of this package."""
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from AIDEALLib.io.reader_process import main; main()"


@contextmanager
def read_elsewhere(
    reader: Reader, request: dict[str, Any], name: str, meanwhile: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """Let another process read.

    Parameters
    ----------
    reader : callable
        What it does.
    request : dict
        What to read, in plain types.
    name : str
        Name of the file or folder, for messages.
    meanwhile : callable
        Called once, while the other process reads.

    Yields
    ------
    Path
        Folder with the result; removed afterwards.

    Raises
    ------
    InputError
        The file cannot be used, or reading it crashed, took too long or too much memory.
    """
    remove_abandoned(FOLDERS)
    try:
        scratch = ScratchFolder(FOLDERS)
    except OSError as error:
        raise InputError(f"No temporary folder can be made to read {name} in ({error.strerror}).") from error
    try:
        how = (_forked if _can_fork() else _spawned)(reader, request, scratch.path, meanwhile)
        _raise_error(scratch.path, how, name)
        yield scratch.path
    finally:
        scratch.remove()


def _raise_error(folder: Path, how: str, name: str) -> None:
    if how == FULL:
        raise InputError(f"{name} could not be read: {how}. Free space there.")
    try:
        answer = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if how in map(_in_words, ENDED_FROM_OUTSIDE):
            raise ReaderKilled(f"{name} could not be read: {how}, perhaps for lack of memory. Try again.") from error
        raise InputError(f"{name} could not be read: {how}. The file is damaged; export or copy it again.") from error
    if "error" in answer:
        raise InputError(answer["error"], Advice.from_dict(answer["advice"]) if answer["advice"] else None)
    if "reason" in answer:
        raise InputError(f"{name} could not be read ({answer['reason']}). The file is damaged; export or copy it again.")


def answer(reader: Reader, request: dict[str, Any], folder: Path) -> None:
    """Read; the result, or the error, is left in the folder.

    Parameters
    ----------
    reader : callable
        What to do.
    request : dict
        What to read.
    folder : Path
        Receives the result.

    Raises
    ------
    OSError
        The folder is full.
    """
    content: dict[str, Any] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader(request, folder)
    except AidealError as error:
        content = {"error": error.message, "advice": error.advice.as_dict() if error.advice else None}
    except MemoryError:
        content = {"reason": "it needs more memory than there is"}
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
        content = {"reason": _reason(error)}
    except BaseException as error:  # whatever a library raises, panics of Rust included, is an error of the file
        content = {"reason": _reason(error)}
    partial = folder / f"{ANSWER}.partial"
    partial.write_bytes(json.dumps(content).encode("ascii"))
    partial.replace(folder / ANSWER)


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:LONGEST_REASON]


def _can_fork() -> bool:
    """Whether this process may be copied: not where it is an application with windows, such as Slicer."""
    return hasattr(os, "fork") and "SLICER_HOME" not in os.environ and _is_python()


def _is_python() -> bool:
    return Path(sys.executable or "").name.lower().startswith("python")


def _forked(reader: Reader, request: dict[str, Any], folder: Path, meanwhile: Callable[[], None]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the copy starts none and leaves by _exit
        child = os.fork()
    if child == 0:
        code = 1
        try:
            _be_the_child()
            code = _answered(reader, request, folder)
        finally:
            os._exit(code)
    return _ended(child, meanwhile)


def _answered(reader: Reader, request: dict[str, Any], folder: Path) -> int:
    """Exit code of a process that has answered."""
    try:
        answer(reader, request, folder)
    except OSError as error:
        return EXIT_FULL if error.errno in _OF_THE_DISK else 1
    return 0


def _ended(child: int, meanwhile: Callable[[], None]) -> str:
    """Wait for a child, kill it where it takes too long; returns how it ended."""
    end, pause = time.monotonic() + LONGEST_S, 0.001
    try:
        meanwhile()
        while time.monotonic() < end:
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                child = 0
                return _in_words(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
            time.sleep(pause)
            pause = min(1.5 * pause, 0.05)
        return f"its reader took more than {LONGEST_S:.0f} s"
    finally:
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _spawned(reader: Reader, request: dict[str, Any], folder: Path, meanwhile: Callable[[], None]) -> str:
    python = (None if _is_python() and "SLICER_HOME" not in os.environ else shutil.which("PythonSlicer")) or sys.executable
    place = (reader.__module__, reader.__qualname__)
    command = [python, "-c", _BOOT, str(Path(__file__).resolve().parents[2]), *place, str(folder)]
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0) if os.name == "nt" else 0
    try:
        (folder / REQUEST).write_text(json.dumps(request), encoding="ascii")
        with (folder / REQUEST).open("rb") as given:
            nothing = subprocess.DEVNULL
            child = subprocess.Popen(command, stdin=given, stdout=nothing, stderr=nothing, creationflags=hidden)
    except OSError as error:
        return f"its reader could not be started ({error.strerror})"
    with child:
        try:
            meanwhile()
            return _in_words(child.wait(LONGEST_S))
        except subprocess.TimeoutExpired:
            return f"its reader took more than {LONGEST_S:.0f} s"
        finally:
            child.kill()  # no effect on one that has ended


def _in_words(code: int) -> str:
    if code == EXIT_FULL:
        return FULL
    if code >= 0:
        return f"its reader ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"its reader crashed ({signal.Signals(-code).name})"
    return f"its reader crashed (signal {-code})"


def _be_the_child() -> None:
    """Limits, and silence: what libraries print may hold anything that is in the file."""
    faulthandler.disable()
    for kind in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(kind, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    limit_memory()


def limit_memory() -> None:
    """Let this process take most of the memory there is, and no more."""
    if os.name == "nt":
        return
    import resource

    now = 0
    with contextlib.suppress(OSError, ValueError, IndexError):
        now = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    most = now + int(MEMORY_SHARE * available_bytes())
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def main() -> None:
    """Answer the one request on standard input."""
    request = json.loads(sys.stdin.buffer.read())
    limit_memory()
    sys.exit(_answered(getattr(import_module(sys.argv[2]), sys.argv[3]), request, Path(sys.argv[4])))
