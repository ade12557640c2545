"""Unit of stored phase images, detected from the range of their values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..choices import PhaseUnit
from ..errors import InputError

_RANGES: dict[PhaseUnit, tuple[float, float]] = {
    PhaseUnit.RADIANS: (-np.pi, np.pi),
    PhaseUnit.RADIANS_POSITIVE: (0.0, 2 * np.pi),
    PhaseUnit.MILLIRADIANS: (-1000 * np.pi, 1000 * np.pi),
    PhaseUnit.MILLIRADIANS_POSITIVE: (0.0, 2000 * np.pi),
    PhaseUnit.DEGREES: (-180.0, 180.0),
    PhaseUnit.DEGREES_POSITIVE: (0.0, 360.0),
    PhaseUnit.SIGNED_4096: (-4096.0, 4096.0),
    PhaseUnit.UNSIGNED_4096: (0.0, 4096.0),
}
_TOLERANCE = 0.003
"""Share of a unit's range by which phase may exceed it."""
_COVERAGE = 0.9
"""Share of a unit's range that phase must fill for detection: over all echoes, background included, phase wraps."""
LEAST_TURNS = 0.05
"""Share of a turn that phase over all echoes fills in any scan."""
_COVERAGE_RADIANS = 0.5
"""For fractional values within -pi..pi, where no other unit competes."""


def detect_phase_unit(phase: npt.NDArray[np.generic]) -> PhaseUnit:
    """Unit of phase values, from their range over all echoes together.

    Parameters
    ----------
    phase : np.ndarray
        Phase of all echoes as stored.

    Returns
    -------
    PhaseUnit
        The only unit with this range.

    Raises
    ------
    InputError
        No unit, or more than one, has this range.
    """
    low, high = float(np.min(phase)), float(np.max(phase))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError("The phase images have NaN or infinite values; all must be finite. Export them again.")
    fitting = []
    for unit, (bottom, top) in _RANGES.items():
        turn, tolerance = top - bottom, _TOLERANCE * (top - bottom)
        share = _COVERAGE_RADIANS if unit is PhaseUnit.RADIANS else _COVERAGE
        if bottom < 0 <= low:
            continue
        if bottom - tolerance <= low and high <= top + tolerance and high - low >= share * turn:
            fitting.append(unit)
    if len(fitting) == 1:
        return fitting[0]
    units = ", ".join(unit.value for unit in PhaseUnit)
    raise InputError(
        f"The phase images run from {low:g} to {high:g}; one full turn in one of the units {units} was expected.",
        advise("State the unit ({}), or convert the phase to radians.", "phase_unit"),
    )


def checked_unit(phase: npt.NDArray[np.generic], unit: PhaseUnit) -> PhaseUnit:
    """Test a unit that the user states against the values.

    Parameters
    ----------
    phase : np.ndarray
        Phase of all echoes as stored.
    unit : PhaseUnit
        Unit that the user states.

    Returns
    -------
    PhaseUnit
        The unit.

    Raises
    ------
    InputError
        The values are those of a scanner (whole numbers) and exceed a turn of the unit, or do not fill a twentieth of it.
        Fractions may exceed a turn: phase may have been unwrapped.
    """
    bottom, top = _RANGES[unit]
    values = np.asarray(phase, dtype=np.float64)
    low, high = float(values.min()), float(values.max())
    turns = (high - low) / (top - bottom)
    too_many = turns > 1 + 2 * _TOLERANCE and bool(np.all(values == np.round(values)))
    if too_many or turns < LEAST_TURNS:
        raise InputError(
            f"The phase images run from {low:g} to {high:g}, which is {turns:.3g} turns in {unit.value}, the unit requested; "
            "one turn was expected.",
            advise("State another unit ({}), or leave it to be detected.", "phase_unit"),
        )
    return unit


def to_radians(phase: npt.NDArray[np.generic], unit: PhaseUnit) -> npt.NDArray[np.float32]:
    """Phase in radians; 0..4095 stands for -pi..pi, as scanners write it."""
    bottom, top = _RANGES[unit]
    radians = np.asarray(phase, dtype=np.float32) * np.float32(2 * np.pi / (top - bottom))
    if unit is PhaseUnit.UNSIGNED_4096:
        radians -= np.float32(np.pi)
    return radians
