"""Threads of numerical libraries on a busy machine (standard library only)."""

from __future__ import annotations

import os


def let_waiting_threads_sleep() -> None:
    """Let threads of OpenMP that wait for each other sleep; no effect once torch is imported, or where the user has chosen.

    By default they spin. Beside other programs the thread they wait for is not running, and they take the core that it needs:
    two threads of a training step took 2.4 times the CPU time and three times the wall time.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
