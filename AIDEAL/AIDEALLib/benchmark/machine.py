"""The machine that figures were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..version import __version__

PACKAGES = ("torch", "numpy", "scipy", "SimpleITK", "pycsemri", "mri-fatwater")


@dataclass(frozen=True)
class Machine:
    """Processor, system and versions.

    Attributes
    ----------
    processor : str
        Model of the processor.
    cores : int
        Cores that this process may use.
    memory_gib : float or None, GiB
        Memory of the machine; None where the system does not state it.
    system : str
        Operating system.
    python : str
        Version of Python.
    aideal : str
        Version of this package.
    packages : dict of str to str
        Versions of the packages that the figures depend on.
    load : float or None
        Processes that ran or waited for a core when the measurement began, mean of a minute (`os.getloadavg`); None on Windows.
    """

    processor: str
    cores: int
    memory_gib: float | None
    system: str
    python: str
    aideal: str
    packages: dict[str, str]
    load: float | None

    @classmethod
    def here(cls) -> Machine:
        """Describe the machine that runs this process."""
        return cls(
            processor=_processor(),
            cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
            memory_gib=_memory_gib(),
            system=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            aideal=__version__,
            packages=_versions(),
            load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain types only, ready for JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """Describe the machine in a line."""
        memory = f", {self.memory_gib:.0f} GiB" if self.memory_gib else ""
        load = "" if self.load is None else f"; load at the start {self.load:.1f}"
        torch = self.packages.get("torch", "-")
        return f"{self.processor}, {self.cores} cores{memory}, {self.system}, Python {self.python}, torch {torch}{load}."

    def differences(self, other: Machine) -> list[str]:
        """What differs from another machine and may explain other times."""
        mine, others = ({**m.as_dict(), **m.packages} for m in (self, other))
        names = ("processor", "cores", "system", "python", "torch", "numpy", "SimpleITK")
        return [f"{name} {mine.get(name)}, before {others.get(name)}" for name in names if mine.get(name) != others.get(name)]


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    if sys.platform == "linux":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
