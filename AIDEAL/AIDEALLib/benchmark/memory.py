"""Peak memory and CPU time of a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def peak_mib(pid: int | None = None) -> float:
    """Peak memory of a process so far in MiB, by default of this one; NaN where the system does not state it.

    On Linux it is not taken from `getrusage`, whose value starts at the size of the parent process.
    """
    if sys.platform == "linux":
        lines = Path(f"/proc/{pid or 'self'}/status").read_text(encoding="ascii").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    if sys.platform == "win32" or pid is not None:
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def cpu_s(pid: int | None = None) -> float:
    """CPU time of a process and the children it waited for in seconds, by default of this one; NaN where it is not known."""
    if pid is None:
        times = os.times()
        return times.user + times.system + times.children_user + times.children_system
    if sys.platform != "linux":
        return float("nan")
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return sum(float(fields[index]) for index in (11, 12, 13, 14)) / os.sysconf("SC_CLK_TCK")
