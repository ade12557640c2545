"""One point of the scaling curves."""

from __future__ import annotations

from dataclasses import dataclass

MATRIX = "matrix"
LARGE = "384 x 384, 60 slices"
"""A parameter that is varied, and the scan at which memory has to stay bounded."""


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
        Wall time of a run.
    cpu_s : float
        CPU time of a run, over all threads.
    seconds_per_slice : float
        Wall time per slice.
    peak_mib : float
        Peak memory of the process, MiB.
    note : str
        Why there is no measurement; empty where there is one.
    """

    method: str
    varied: str
    value: int
    seconds: float
    cpu_s: float
    seconds_per_slice: float
    peak_mib: float
    note: str = ""
