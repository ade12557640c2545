"""Runs that failed on the client's side, in words for the user."""

from __future__ import annotations

import contextlib
import errno
import re
import signal

from .messages import Failed, Reason

LOG_LINES = 20
UNCHANGED = "no map was made and the scene is as before"
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT)


def crash(run: int, returncode: int | None, python: str, log: str) -> Failed:
    """A child that ended, or whose messages did.

    Parameters
    ----------
    run : int
        Number of the run.
    returncode : int or None
        Exit code; None where the child still runs.
    python : str
        Its interpreter.
    log : str
        Last lines of its standard error.

    Returns
    -------
    Failed
    """
    missing = re.findall(r"^ModuleNotFoundError: No module named '(\w+)", log, re.MULTILINE)
    if missing:
        text = f"The Python of the estimation process ({python}) lacks {missing[-1]}. Install it, then press Apply."
        return Failed(run, Reason.CRASH, text, log)
    how = "its messages ended" if returncode is None else f"exit code {returncode}"
    if returncode is not None and returncode < 0:
        with contextlib.suppress(ValueError):
            how = signal.Signals(-returncode).name
    text = (
        f"The estimation process ended unexpectedly ({how}); {UNCHANGED}. "
        "Often memory ran out: close other programs, or choose the CPU as device. Press Apply to try again."
    )
    return Failed(run, Reason.CRASH, text, log)


def silence(run: int, seconds: float, log: str) -> Failed:
    """A child that gave no sign of life.

    Parameters
    ----------
    run : int
        Number of the run.
    seconds : float
        For how long.
    log : str
        Last lines of its standard error.

    Returns
    -------
    Failed
    """
    text = (
        f"The estimation process gave no sign of life for {seconds:.0f} s and was ended; {UNCHANGED}. Press Apply to try again."
    )
    return Failed(run, Reason.CRASH, text, log)


def not_handed_over(run: int, error: Exception) -> Failed:
    """A scan that could not be written for the child."""
    reason = (error.strerror if isinstance(error, OSError) else None) or f"{type(error).__name__}: {error}"
    remedy = "Free space there" if isinstance(error, OSError) and error.errno in _OF_THE_DISK else "Check that folder"
    text = (
        f"The scan could not be written to the folder of temporary files for the estimation process ({reason}); {UNCHANGED}. "
        f"{remedy}, then press Apply."
    )
    return Failed(run, Reason.INTERNAL, text)
