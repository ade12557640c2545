"""One point of the scaling curves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScalingRow:
    """One point: what was varied and to what, seconds in all and a slice, largest memory of the process in MiB."""

    method: str
    varied: str
    value: int
    seconds: float
    seconds_per_slice: float
    peak_mib: float
    note: str = ""
