"""Memory that is free for a scan."""

from __future__ import annotations

import contextlib
from pathlib import Path

UNKNOWN_BYTES = 16 << 30
"""Taken where the system does not state its memory."""


def available_bytes() -> int:
    """Memory that programs can still take, swap apart."""
    limits = [UNKNOWN_BYTES]
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        limits = [1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1])]
    with contextlib.suppress(OSError, ValueError):  # a container may have less
        group = Path("/sys/fs/cgroup")
        limits.append(int((group / "memory.max").read_text()) - int((group / "memory.current").read_text()))
    return max(min(limits), 64 << 20)
