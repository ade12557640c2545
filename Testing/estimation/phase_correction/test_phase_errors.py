"""Phase errors that follow a pattern over the echoes are found with their size, place and evidence."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from phase_spoiling import spoilt

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError, find_phase_error
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.protocol import Protocol
from AIDEALLib.simulation.scan import acquire


@pytest.fixture(scope="module")
def liver() -> EchoSeries:
    series, _ = demo_liver(matrix=(3, 96, 96))
    return replace(series, readout=Readout.UNKNOWN, phase_sign=None)


@pytest.mark.parametrize(("constant", "slope", "axis"), [(0.2, 0.0, 1), (0.6, 2.0, 1), (-0.5, -3.0, 0), (math.pi / 4, 1.0, 0)])
def test_odd_even_phase_is_found(liver: EchoSeries, constant: float, slope: float, axis: int) -> None:
    found = find_phase_error(spoilt(liver, constant, slope, axis), SIX_PEAK)
    assert found is not None and found.clear
    assert abs(math.remainder(found.constant_rad - constant, math.pi / 2)) < 0.03
    assert found.slope_rad == pytest.approx(slope, abs=0.1)
    if slope:
        assert found.axis == axis
    assert found.residual_after < 0.7 * found.residual_before


def test_phase_of_the_first_echo_is_found(liver: EchoSeries) -> None:
    found = find_phase_error(spoilt(liver, 0.5, 0.8, 0, Pattern.FIRST), SIX_PEAK, Pattern.FIRST)
    assert found is not None and found.clear
    assert found.constant_rad == pytest.approx(0.5, abs=0.05)
    assert found.slope_rad == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize("pattern", Pattern, ids=lambda p: p.name)
def test_a_scan_without_phase_error_shows_none(liver: EchoSeries, pattern: Pattern) -> None:
    found = find_phase_error(liver, SIX_PEAK, pattern)
    assert found is not None and not found.clear and not found.plausible


def test_nothing_is_determined_from_three_echoes_or_without_signal(liver: EchoSeries) -> None:
    three = replace(liver, echoes=liver.echoes[:3], te_s=liver.te_s[:3])
    assert find_phase_error(three, SIX_PEAK) is None
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=liver.echoes.shape) + 1j * rng.normal(size=liver.echoes.shape)).astype(np.complex64)
    assert find_phase_error(replace(liver, echoes=noise), SIX_PEAK) is None


def test_only_the_chosen_slices_are_examined(liver: EchoSeries) -> None:
    echoes = liver.echoes.copy()
    echoes[:, 1:2] = spoilt(replace(liver, echoes=liver.echoes[:, 1:2]), 0.5, 0.0, 1).echoes
    mixed = replace(liver, echoes=echoes)
    of_one, of_others = (find_phase_error(mixed, SIX_PEAK, slices=slices) for slices in (range(1, 2), range(1)))
    assert of_one is not None and of_one.clear
    assert of_others is not None and not of_others.clear


def test_the_correction_is_the_inverse_of_the_error(liver: EchoSeries) -> None:
    error = PhaseError(Pattern.ODD_EVEN, 0.4, 1.2, 1, 0, 0, 1, 0)
    np.testing.assert_allclose(error.correct(spoilt(liver, 0.4, 1.2, 1)).echoes, liver.echoes, rtol=1e-5, atol=1e-6)
    phasor = error.phasor(6, 96, 96)
    assert phasor.shape == (6, 1, 1, 96)
    # closed form: exp(-i p_n (constant + slope u)), u = (index / count - 1/2), p_n = (-1)^n from the first echo
    expected = np.exp(-1j * np.array([1, -1, 1, -1, 1, -1])[:, None] * (0.4 + 1.2 * (np.arange(96) / 96 - 0.5)))
    np.testing.assert_allclose(phasor[:, 0, 0], expected, atol=1e-6)


def test_the_size_is_the_largest_phase_modulo_the_period() -> None:
    assert PhaseError(Pattern.FIRST, 0.3, 0.8, 0, 0, 0, 1, 0).size_rad == pytest.approx(0.7)
    assert PhaseError(Pattern.ODD_EVEN, math.pi / 2 + 0.1, 0.0, 0, 0, 0, 1, 0).size_rad == pytest.approx(0.1)


def test_polarity_follows_the_echo_times_where_an_echo_is_missing(liver: EchoSeries) -> None:
    """Echo 3 of a bipolar scan is missing: echo 4 still has the polarity of its time."""
    spoiled = spoilt(liver, 0.35, 0.25, 1)
    kept = [0, 1, 3, 4, 5]
    gap = replace(spoiled, echoes=spoiled.echoes[kept], te_s=spoiled.te_s[kept])
    assert gap.echo_steps == (0, 1, 3, 4, 5)
    found = find_phase_error(gap, SIX_PEAK)
    assert found is not None and found.clear
    assert abs(math.remainder(found.constant_rad - 0.35, math.pi / 2)) < 0.03
    assert found.slope_rad == pytest.approx(0.25, abs=0.1)
    assert found.residual_after < 0.7 * found.residual_before
    step = np.angle(found.correct(gap).echoes * np.conj(liver.echoes[kept]))[
        :, np.abs(liver.echoes).min(0) > 0.2 * np.abs(liver.echoes).max()
    ]
    # a common phase, and a field shifted by half the period, are no error
    wobble = np.diff(step, axis=0) / np.diff(gap.echo_steps)[:, None]
    assert np.abs(np.angle(np.exp(2j * np.diff(wobble, axis=0)))).max() < 0.3


@pytest.fixture(scope="module")
def uneven() -> EchoSeries:
    """A bipolar scan whose echo times are no multiples of a spacing."""
    protocol = Protocol("uneven", (0.0013, 0.0030, 0.0053, 0.0069, 0.0093, 0.0110), 1.5, snr=40)
    truth = abdomen(3, 1.5, (2, 64, 64))
    series = replace(acquire(truth, protocol, np.random.default_rng(1)), readout=Readout.UNKNOWN)
    return spoilt(series, 0.35, 0.25, 1)


@pytest.mark.parametrize("lost", [1, 2, 4])
@pytest.mark.parametrize("numbered", [True, False])
def test_polarity_follows_the_echo_numbers_or_is_fitted(uneven: EchoSeries, lost: int, numbered: bool) -> None:
    kept = [n for n in range(6) if n != lost]
    numbers = tuple(n + 1 for n in kept) if numbered else ()
    gap = replace(uneven, echoes=uneven.echoes[kept], te_s=uneven.te_s[kept], echo_numbers=numbers)
    assert gap.counted is numbered
    found = find_phase_error(gap, SIX_PEAK)
    assert found is not None
    assert [step % 2 for step in found.steps or range(5)] == [n % 2 for n in kept]
    assert abs(math.remainder(found.constant_rad - 0.35, math.pi)) < 0.06


def test_a_hundredth_of_a_radian_is_a_point_of_fat() -> None:
    """Why a corrected bipolar scan is off by tenths of a point: theta is found to a few thousandths of a radian."""
    series, truth = demo_liver(matrix=(3, 96, 96), snr=None)
    turned = spoilt(replace(series, readout=Readout.UNKNOWN), 0.35, 0.25, 1)
    found = find_phase_error(turned, SIX_PEAK)
    assert found is not None and abs(found.constant_rad - 0.35) < 0.006 and abs(found.slope_rad - 0.25) < 0.03
    liver = truth.labels > 0

    def median(scan: EchoSeries) -> float:
        maps = estimate(scan, RunOptions(device="cpu"), corrections=NO_CORRECTIONS)
        return float(np.median(maps.pdff[liver & maps.mask]))

    assert 0.7 < median(spoilt(series, -0.01, 0.0, 1)) - median(series) < 1.2


@pytest.mark.parametrize("constant", [0.35, -0.35, 0.8])
def test_either_sign_is_found_at_uneven_echo_times(constant: float) -> None:
    """Times on no grid: echoes that alternate in sign are no other field there, so pi/2 is no period."""
    protocol = Protocol("uneven", (1.2e-3, 3.0e-3, 5.3e-3, 7.0e-3, 9.6e-3, 11.1e-3), 1.5, snr=40.0)
    truth = abdomen(4, 1.5, (3, 56, 56), (7.0, 7.0, 25.0), separate_dome=False)
    whole = acquire(truth, protocol, np.random.default_rng(1))
    series = replace(whole, echoes=whole.echoes[:, 1:2], readout=Readout.UNKNOWN)
    found = find_phase_error(spoilt(series, constant, 0.25, 1), SIX_PEAK)
    assert found is not None and found.clear
    assert found.constant_rad == pytest.approx(constant, abs=0.03)
    assert found.gain > 2
