"""Units of phase are detected from the range of the values, or refused."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.choices import PhaseUnit
from AIDEALLib.errors import InputError
from AIDEALLib.io.phase_units import checked_unit, detect_phase_unit, range_of_each, refuse_mixed_units, to_radians


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


@pytest.mark.parametrize(
    ("unit", "low", "high"),
    [
        (PhaseUnit.SIGNED_2048, -2048, 2047),
        (PhaseUnit.UNSIGNED_8_BIT, 0, 255),
        (PhaseUnit.UNSIGNED_16_BIT, 0, 65535),
        (PhaseUnit.HALF_TURNS, -1, 1),
        (PhaseUnit.TURNS, 0, 1),
    ],
)
def test_units_of_converters_are_named_but_not_assumed(unit: PhaseUnit, low: float, high: float) -> None:
    phase = np.linspace(low, high, 257)
    with pytest.raises(InputError, match=f"which may be {unit.value}"):
        detect_phase_unit(phase)
    assert checked_unit(phase, unit) is unit
    assert np.ptp(to_radians(phase, unit)) == pytest.approx(2 * np.pi, rel=0.01)


@pytest.mark.parametrize("scale", [180 / np.pi, 1000.0, 1 / np.pi, 4096 / np.pi])
def test_an_echo_in_another_unit_is_refused(scale: float) -> None:
    phase = np.tile(np.linspace(-np.pi, np.pi, 500), (4, 1))
    phase[2] *= scale
    with pytest.raises(InputError, match="different units .* in echo 3"):
        refuse_mixed_units(range_of_each(phase))


def test_signed_and_unsigned_phase_are_not_joined() -> None:
    with pytest.raises(InputError, match="different units"):
        refuse_mixed_units([(-np.pi, np.pi), (0.0, 2 * np.pi)])


def test_echoes_that_fill_part_of_a_turn_are_of_the_unit_of_the_others() -> None:
    refuse_mixed_units([(-0.4, 0.9), (-3.14, 3.1), (0.0, 2.2), (-3.13, 3.14)])
