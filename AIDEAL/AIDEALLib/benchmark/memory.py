"""Peak memory of a process."""

from __future__ import annotations

import sys
from pathlib import Path


def peak_mib() -> float:
    """Peak memory of this process so far in MiB; NaN on Windows.

    On Linux it is not taken from `getrusage`, whose value starts at the size of the parent process.
    """
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    if sys.platform == "win32":
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
