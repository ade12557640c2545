"""Waiting for other processes and threads: long enough for a busy machine, no longer than needed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

LONG_S = 600.0
"""Reached only where something hangs."""


def until(condition: Callable[[], object], what: str = "condition", timeout_s: float = LONG_S) -> None:
    """Wait until a condition holds; one that never does is an error that names it."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"{what} did not come true in {timeout_s:.0f} s"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    try:
        return not (state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z")
    except OSError:
        return False
