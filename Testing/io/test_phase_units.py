"""Units of phase are detected from the range of the values, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.choices import PhaseUnit
from AIDEALLib.errors import InputError
from AIDEALLib.io.phase_units import checked_unit, detect_phase_unit, to_radians


@pytest.mark.parametrize(
    ("unit", "low", "high"),
    [
        (PhaseUnit.RADIANS, -3.1, 3.12),
        (PhaseUnit.RADIANS, -2.0, 1.9),
        (PhaseUnit.RADIANS_POSITIVE, 0.0, 6.27),
        (PhaseUnit.MILLIRADIANS, -3142, 3141),
        (PhaseUnit.MILLIRADIANS_POSITIVE, 0, 6283),
        (PhaseUnit.DEGREES, -180, 179.9),
        (PhaseUnit.DEGREES_POSITIVE, 0, 359.9),
        (PhaseUnit.SIGNED_4096, -4096, 4094),
        (PhaseUnit.UNSIGNED_4096, 0, 4095),
    ],
)
def test_units_are_detected_by_their_range(unit: PhaseUnit, low: float, high: float) -> None:
    phase = np.linspace(low, high, 101)
    assert detect_phase_unit(phase) is unit
    radians = to_radians(phase, unit)
    assert radians.min() > -3.15
    assert radians.max() < 6.3
    assert np.ptp(radians) >= np.pi


@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 3.1), (-2000, 2000), (0, 255), (0, 0), (-32768, 32767), (0, np.nan)])
def test_unclear_units_are_refused(low: float, high: float) -> None:
    with pytest.raises(InputError):
        detect_phase_unit(np.array([low, high]))


@pytest.mark.parametrize(
    ("unit", "low", "high"),
    [
        (PhaseUnit.RADIANS, 0, 4095),
        (PhaseUnit.DEGREES, -4096, 4094),
        (PhaseUnit.MILLIRADIANS, -3, 3),
        (PhaseUnit.SIGNED_4096, -3, 3),
    ],
)
def test_a_unit_that_the_user_states_is_tested(unit: PhaseUnit, low: float, high: float) -> None:
    with pytest.raises(InputError, match="turns in .* the unit requested"):
        checked_unit(np.round(np.linspace(low, high, 1001)), unit)


def test_phase_may_be_unwrapped() -> None:
    assert checked_unit(np.linspace(-20.5, 30.5, 1001), PhaseUnit.RADIANS) is PhaseUnit.RADIANS
