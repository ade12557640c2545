"""One point of the scaling curves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScalingRow:
    """Time and memory of a method at one size.

    Attributes
    ----------
    method : str
        Name of the method.
    varied : str
        Parameter that is varied.
    value : int
        Its value.
    seconds : float
        Duration of a run.
    seconds_per_slice : float
        Duration per slice.
    peak_mib : float
        Peak memory of the process, MiB.
    note : str
        Why there is no measurement; empty where there is one.
    """

    method: str
    varied: str
    value: int
    seconds: float
    seconds_per_slice: float
    peak_mib: float
    note: str = ""
