"""Unit of stored phase images, detected from the range of their values."""

from __future__ import annotations

from collections.abc import Sequence

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
    PhaseUnit.SIGNED_2048: (-2048.0, 2048.0),
    PhaseUnit.UNSIGNED_8_BIT: (0.0, 256.0),
    PhaseUnit.UNSIGNED_16_BIT: (0.0, 65536.0),
    PhaseUnit.HALF_TURNS: (-1.0, 1.0),
    PhaseUnit.TURNS: (0.0, 1.0),
}
_STATED_ONLY = frozenset(
    (PhaseUnit.SIGNED_2048, PhaseUnit.UNSIGNED_8_BIT, PhaseUnit.UNSIGNED_16_BIT, PhaseUnit.HALF_TURNS, PhaseUnit.TURNS)
)
"""No scanner writes these: their ranges are as well those of phase that was cut or rescaled, so the user has to state them."""
_FROM_MINUS_PI = frozenset((PhaseUnit.UNSIGNED_4096, PhaseUnit.UNSIGNED_8_BIT, PhaseUnit.UNSIGNED_16_BIT))
"""Unsigned values that stand for -pi to pi, as scanners write them."""
_TOLERANCE = 0.003
"""Share of a unit's range by which phase may exceed it."""
_COVERAGE = 0.9
"""Share of a unit's range that phase must fill for detection: over all echoes, background included, phase wraps."""
_FULL = 0.98
"""Share of a unit's range that the phase of one echo fills only where it is in that unit."""
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
    fitting = _units_of(low, high, _COVERAGE, _COVERAGE_RADIANS)
    if len(known := fitting - _STATED_ONLY) == 1:
        return next(iter(known))
    units = ", ".join(unit.value for unit in PhaseUnit)
    like = min((unit.value for unit in fitting & _STATED_ONLY), default="")
    raise InputError(
        f"The phase images run from {low:g} to {high:g}{f', which may be {like}' if like else ''}; one full turn in one of the "
        f"units {units} was expected.",
        advise("State the unit ({}), or convert the phase to radians.", ("phase_unit", like) if like else "phase_unit"),
    )


def refuse_mixed_units(ranges: Sequence[tuple[float, float]]) -> None:
    """Compare the ranges of phase of single echoes.

    Parameters
    ----------
    ranges : sequence of (float, float)
        Least and largest phase of each echo as stored.

    Raises
    ------
    InputError
        Two echoes fill one full turn each, in different units.
    """
    full = [_units_of(low, high, _FULL, _FULL) for low, high in ranges]
    if len(known := [units for units in full if units]) > 1 and not frozenset.intersection(*known):
        listed = ", ".join(f"{low:.4g} to {high:.4g} in echo {n}" for n, (low, high) in enumerate(ranges, start=1))
        raise InputError(
            f"The echoes store phase in different units ({listed}); one unit was expected. Export all echoes alike, or convert "
            "their phase to radians."
        )


def range_of_each(phase: npt.NDArray[np.generic]) -> list[tuple[float, float]]:
    """Least and largest phase of each echo, along the first axis."""
    return [(float(np.min(echo)), float(np.max(echo))) for echo in phase]


def _units_of(low: float, high: float, coverage: float, of_radians: float) -> frozenset[PhaseUnit]:
    """Units whose range the values keep to, and fill by this share, or another one for radians."""
    found = set()
    for unit, (bottom, top) in _RANGES.items():
        turn, tolerance = top - bottom, _TOLERANCE * (top - bottom)
        share = of_radians if unit is PhaseUnit.RADIANS else coverage
        if bottom < 0 <= low:
            continue
        if bottom - tolerance <= low and high <= top + tolerance and high - low >= share * turn:
            found.add(unit)
    return frozenset(found)


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
    """Phase in radians; unsigned whole numbers stand for -pi..pi, as scanners write them."""
    bottom, top = _RANGES[unit]
    radians = np.asarray(phase, dtype=np.float32) * np.float32(2 * np.pi / (top - bottom))
    if unit in _FROM_MINUS_PI:
        radians -= np.float32(np.pi)
    return radians
