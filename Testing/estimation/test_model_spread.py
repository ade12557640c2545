"""What the model leaves open: closed form of T1, and fits of a voxel simulated with another spectrum or a phase error."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.estimation.model_spread import LIVER_NINE_PEAK, model_spread
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS, PhaseCorrections
from AIDEALLib.estimation.phase_correction.phase_errors import LEAST_RAD, Pattern, PhaseError
from AIDEALLib.physics.spectrum import SIX_PEAK

TE_S = 1.3e-3 + 2.1e-3 * np.arange(6)


def series(**more: object) -> EchoSeries:
    values = {"readout": Readout.MONOPOLAR, **more}
    return EchoSeries(np.ones((6, 1, 2, 2), np.complex64) * (1 + 1j), TE_S, 1.5, **values)  # type: ignore[arg-type]


def test_t1_is_that_of_the_steady_state_and_of_its_spread_between_people() -> None:
    rng = np.random.default_rng(0)
    flip = np.deg2rad(10)

    def signal(t1: np.ndarray) -> np.ndarray:
        e = np.exp(-0.02 / t1)
        return np.asarray(np.sin(flip) * (1 - e) / (1 - e * np.cos(flip)))

    def true_pdff(water_s: np.ndarray, fat_s: np.ndarray) -> np.ndarray:
        water, fat = 90 / signal(water_s), 10 / signal(fat_s)
        return np.asarray(100 * fat / (fat + water))

    middle = float(true_pdff(np.array(0.586), np.array(0.343)))
    spread = float(true_pdff(rng.normal(0.586, 0.039, 20_000), rng.normal(0.343, 0.037, 20_000)).std())
    scan = series(flip_angle_deg=10.0, repetition_time_s=0.02)
    low, high = model_spread(scan, SIX_PEAK, NO_CORRECTIONS)["sources"]["T1"]
    assert low == pytest.approx(middle - spread - 10, abs=0.03) and high == 0
    low, high = model_spread(scan, SIX_PEAK, NO_CORRECTIONS, t1_corrected=True)["sources"]["T1"]
    assert high == pytest.approx(-low) and 0.5 * spread < high < 1.6 * spread
    assert "T1" not in model_spread(series(), SIX_PEAK, NO_CORRECTIONS)["sources"]


def test_another_spectrum_moves_the_fit_by_as_much_as_stated() -> None:
    """The same difference by a plain least-squares fit over field, R2* and two amplitudes."""
    from scipy.optimize import least_squares

    def modulation(spectrum: object) -> np.ndarray:
        shifts = np.asarray(spectrum.shifts_hz(1.5))  # type: ignore[attr-defined]
        return np.exp(2j * np.pi * np.outer(TE_S, shifts)) @ np.asarray(spectrum.amplitudes)  # type: ignore[attr-defined]

    echoes = (0.9 + 0.1 * modulation(LIVER_NINE_PEAK)) * np.exp(-50 * TE_S)

    def residual(p: np.ndarray) -> np.ndarray:
        s = (p[0] + 1j * p[1] + (p[2] + 1j * p[3]) * modulation(SIX_PEAK)) * np.exp((2j * np.pi * p[4] - 100 * p[5]) * TE_S)
        return np.concatenate([(s - echoes).real, (s - echoes).imag])

    p = least_squares(residual, [0.9, 0, 0.1, 0, 0, 0.5], xtol=1e-14, ftol=1e-14, gtol=1e-14).x
    water, fat = p[0] + 1j * p[1], p[2] + 1j * p[3]
    fitted = 100 * (fat * np.conj(water + fat)).real / abs(water + fat) ** 2
    low, high = model_spread(series(), SIX_PEAK, NO_CORRECTIONS)["sources"]["spectrum"]
    assert (low if fitted > 10 else high) == pytest.approx(10 - fitted, abs=0.02)


def test_phase_errors_that_were_found_and_left_count() -> None:
    def with_error(radians: float, gain: float, applied: bool) -> PhaseCorrections:
        error = PhaseError(Pattern.FIRST, radians, 0.0, 0, 1.0, 0.5, gain, 50.0)
        return PhaseCorrections(False, "", True, first_echo=error, applied=(error,) if applied else ())

    def first_echo(corrections: PhaseCorrections) -> float:
        low, high = model_spread(series(), SIX_PEAK, corrections)["sources"]["first-echo phase"]
        assert low < 0 < high
        return float(high - low)

    least = first_echo(NO_CORRECTIONS)
    assert first_echo(with_error(0.08, 1.2, applied=False)) == pytest.approx(0.08 / LEAST_RAD * least, rel=0.1)
    assert first_echo(with_error(0.08, 1.2, applied=True)) == least
    assert first_echo(with_error(0.08, 1.001, applied=False)) == least


def test_low_and_high_contain_every_source() -> None:
    found = model_spread(
        series(readout=Readout.BIPOLAR, flip_angle_deg=20.0, repetition_time_s=0.015), SIX_PEAK, NO_CORRECTIONS
    )
    row, column = found["pdff"].index(10.0), found["r2star"].index(50.0)
    for name, end in (("low", 0), ("high", 1)):
        parts = [source[end] for source in found["sources"].values()]
        assert abs(found[name][row][column]) == pytest.approx(np.sqrt(np.sum(np.square(parts))), abs=5e-3)
    assert np.all(np.asarray(found["low"]) <= 0) and np.all(np.asarray(found["high"]) >= 0)
