"""What the scaling curves come down to: exponents, efficiency of the threads, memory of a large scan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .scaling_row import LARGE, MATRIX, ScalingRow

EXPONENTS = {MATRIX: "voxels of a slice", "slices": "slices", "echoes": "echoes"}
"""What time is a power of, by the parameter that is varied."""
THREADS = "threads"


@dataclass(frozen=True)
class ScalingSummary:
    """Scaling of one method; NaN for what was not measured.

    Attributes
    ----------
    method : str
        Name of the method.
    exponents : dict of str to float
        Exponent of a power law of CPU time, by what is varied (`EXPONENTS`); 1 is linear, less is a share that does not grow.
    efficiency : float
        Wall time on one thread over that on the most threads times their number.
    threads : int
        The most threads.
    large_mib : float, MiB
        Peak memory of the process on the large scan.
    large_seconds : float, seconds
        Wall time of the large scan.
    """

    method: str
    exponents: dict[str, float]
    efficiency: float
    threads: int
    large_mib: float
    large_seconds: float

    def cells(self) -> list[str]:
        """Cells of a table with the columns of `titles`."""
        exponents = [_number(self.exponents[name], ".2f") for name in EXPONENTS.values()]
        memory = _number(self.large_mib, ".0f")
        return [self.method, *exponents, _number(self.efficiency, ".2f"), memory, _number(self.large_seconds, ".1f")]


def titles() -> list[str]:
    """Columns of the table of summaries."""
    exponents = [f"CPU time ~ ({name})^" for name in EXPONENTS.values()]
    return ["Method", *exponents, "Efficiency of threads", f"MiB at {LARGE}", f"s at {LARGE}"]


def summarise(rows: Sequence[ScalingRow]) -> list[ScalingSummary]:
    """Summary of each method."""
    return [_summary(name, [r for r in rows if r.method == name]) for name in dict.fromkeys(r.method for r in rows)]


def _summary(name: str, rows: Sequence[ScalingRow]) -> ScalingSummary:
    exponents = {title: _exponent([r for r in rows if r.varied == varied]) for varied, title in EXPONENTS.items()}
    by_threads = {r.value: r.seconds for r in rows if r.varied == THREADS and not r.note}
    most = max(by_threads, default=0)
    efficiency = by_threads[1] / (most * by_threads[most]) if 1 in by_threads and most > 1 else math.nan
    large = next((r for r in rows if r.varied == LARGE and not r.note), None)
    memory, seconds = (large.peak_mib, large.seconds) if large else (math.nan, math.nan)
    return ScalingSummary(name, exponents, efficiency, most, memory, seconds)


def _exponent(rows: Sequence[ScalingRow]) -> float:
    """Slope of log CPU time over log size, by least squares."""
    measured = [r for r in rows if not r.note]
    if len(measured) < 2:
        return math.nan
    sizes = np.array([r.value**2 if r.varied == MATRIX else r.value for r in measured], dtype=np.float64)
    times = np.array([r.cpu_s for r in measured])
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def _number(value: float, spec: str) -> str:
    return format(value, spec) if math.isfinite(value) else "-"
