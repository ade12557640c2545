"""Phase errors put into a scan on purpose."""

from __future__ import annotations

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError


def spoilt(series: EchoSeries, constant: float, slope: float, axis: int, pattern: Pattern = Pattern.ODD_EVEN) -> EchoSeries:
    """Return the scan with a phase error of `constant` and `slope` (radians) along `axis`."""
    return PhaseError(pattern, -constant, -slope, axis, 0, 0, 1, 0).correct(series)
