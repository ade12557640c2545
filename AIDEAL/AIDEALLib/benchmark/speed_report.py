"""Times of a run by way and step, as JSON and beside those of an earlier measurement."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from .machine import Machine

FORMAT = 1
REMAINDER = "everything else"
"""Start, imports, end of the process, what is printed: the time that no step accounts for."""


@dataclass(frozen=True)
class Cost:
    """Wall and CPU time.

    Attributes
    ----------
    wall_s : float, seconds
        Wall time.
    cpu_s : float or None, seconds
        CPU time of all threads; None where the system does not state it.
    """

    wall_s: float
    cpu_s: float | None


@dataclass(frozen=True)
class WayCost:
    """One way to estimate a scan.

    Attributes
    ----------
    name : str
        The way, such as "aideal run, new process".
    scan : str
        Size of the scan: slices x rows x columns x echoes.
    total : Cost
        Time that the user waits.
    steps : dict of str to Cost
        Time by step; the last step is `REMAINDER`.
    peak_mib : float or None, MiB
        Peak memory of the process that estimates.
    """

    name: str
    scan: str
    total: Cost
    steps: dict[str, Cost]
    peak_mib: float | None = None

    @classmethod
    def of(cls, name: str, scan: str, measured: Mapping[str, Any]) -> WayCost:
        """Way from what a timed process has written (`speed_process`).

        Parameters
        ----------
        name : str
            The way.
        scan : str
            Size of the scan.
        measured : mapping
            `wall_s` and `cpu_s` of the run, `seconds` and `cpu_seconds` by step, `peak_mib`.

        Returns
        -------
        WayCost
        """
        total = Cost(measured["wall_s"], measured["cpu_s"])
        seconds, cpu = measured["seconds"], measured["cpu_seconds"]
        steps = {step: Cost(wall, cpu.get(step)) for step, wall in seconds.items()}
        rest_cpu = None if total.cpu_s is None else max(0.0, total.cpu_s - sum(cpu.values()))
        steps[REMAINDER] = Cost(max(0.0, total.wall_s - sum(seconds.values())), rest_cpu)
        return cls(name, scan, total, steps, measured["peak_mib"])


@dataclass(frozen=True)
class SpeedReport:
    """A measurement.

    Attributes
    ----------
    machine : Machine
        Where it was made.
    settings : dict
        Method, device and threads.
    ways : tuple of WayCost
        Times.
    """

    machine: Machine
    settings: dict[str, Any]
    ways: tuple[WayCost, ...] = field(default=())

    def save(self, file: Path) -> None:
        """Write as JSON."""
        content = {"format": FORMAT, **asdict(self)}
        file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path) -> SpeedReport:
        """Read what `save` has written.

        Parameters
        ----------
        file : Path
            The file.

        Returns
        -------
        SpeedReport

        Raises
        ------
        InputError
            The file cannot be read, or is another one.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise ValueError(f"format {content['format']} instead of {FORMAT}")
            ways = tuple(_way(entry) for entry in content["ways"])
            return cls(Machine(**content["machine"]), dict(content["settings"]), ways)
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = f"no entry {error}" if isinstance(error, KeyError) else error
            raise InputError(
                f"{file} could not be read ({reason}); a file written by `aideal speed --json` was expected. Write it again."
            ) from error

    def way(self, like: WayCost) -> WayCost | None:
        """The same way on a scan of the same size; None where it was not measured."""
        return next((way for way in self.ways if (way.name, way.scan) == (like.name, like.scan)), None)


def _way(entry: Mapping[str, Any]) -> WayCost:
    steps = {step: Cost(**cost) for step, cost in entry["steps"].items()}
    return WayCost(entry["name"], entry["scan"], Cost(**entry["total"]), steps, entry["peak_mib"])
