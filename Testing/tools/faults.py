"""Faults of scans, made from a clean one, and the findings that they must raise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError
from AIDEALLib.quality.findings import Severity
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.protocol import PROTOCOLS, Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.tissue import TissueMaps


def with_echoes(series: EchoSeries, change: Callable[[np.ndarray], np.ndarray]) -> EchoSeries:
    """Scan with its echoes changed by a function of the array (echo, slice, row, column)."""
    return replace(series, echoes=change(series.echoes.copy()))


def spoil(pattern: Pattern) -> Callable[[EchoSeries], EchoSeries]:
    """Function that adds a phase error of a pattern to a scan."""
    return lambda series: PhaseError(pattern, 0.5, 0.6, 1, 0, 0, 1, 0).correct(series)


def simulated(protocol: Protocol, stated: bool = True) -> EchoSeries:
    """Synthetic abdomen scanned by a protocol, with its rotation sense stated or not."""
    series = acquire(abdomen(3, protocol.field_strength_t, (2, 80, 80)), protocol, np.random.default_rng(1))
    return series if stated else replace(series, phase_sign=None)


def phase_times(factor: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda e: np.abs(e) * np.exp(1j * factor * np.angle(e))


def random_phase(e: np.ndarray) -> np.ndarray:
    return np.abs(e) * np.exp(1j * np.random.default_rng(0).uniform(-np.pi, np.pi, e.shape))


def shift_echo(e: np.ndarray) -> np.ndarray:
    e[3:] = np.roll(e[3:], 3, axis=2)
    return e


def clip(e: np.ndarray) -> np.ndarray:
    top = 0.6 * np.abs(e).max()
    return e * np.minimum(1, top / np.maximum(np.abs(e), 1e-12))


def overflow_magnitude(e: np.ndarray) -> np.ndarray:
    magnitude = np.abs(e)
    end = 0.75 * magnitude.max()
    return np.where(magnitude > end, magnitude - end, magnitude) * np.exp(1j * np.angle(e))


def overflow_parts(e: np.ndarray) -> np.ndarray:
    end = 0.7 * max(np.abs(e.real).max(), np.abs(e.imag).max())
    return (e.real + end) % (2 * end) - end + 1j * ((e.imag + end) % (2 * end) - end)


def mask_echo(e: np.ndarray) -> np.ndarray:
    e[2, 1, 30:50, 30:50] = 0
    return e


def scale_echo(e: np.ndarray) -> np.ndarray:
    e[2] *= 1.25
    return e


def constant_phase(e: np.ndarray) -> np.ndarray:
    return np.abs(e) * np.exp(1j * np.angle(e[:1]))


def scaled_twice(e: np.ndarray) -> np.ndarray:
    """Phase from -3.14 to 2.28 taken as radians."""
    return np.abs(e) * np.exp(1j * (0.863 * np.angle(e) - 0.43))


def three_echoes(series: EchoSeries) -> EchoSeries:
    return replace(series, echoes=series.echoes[:3], te_s=series.te_s[:3])


def without_echo(series: EchoSeries, number: int) -> EchoSeries:
    kept = [n for n in range(series.n_echoes) if n != number]
    return replace(series, echoes=series.echoes[kept], te_s=series.te_s[kept])


def clean_scan() -> tuple[EchoSeries, TissueMaps]:
    """Two slices of the synthetic liver without any fault, as a file states them, and their truth."""
    series, truth = demo_liver(matrix=(2, 80, 80))
    return replace(series, readout=Readout.UNKNOWN, phase_sign=None, flip_angle_deg=3.0, repetition_time_s=0.014), truth


FAULTS: dict[str, tuple[Callable[[EchoSeries], EchoSeries], str, Severity]] = {
    "fat turns whole turns between echoes": (
        lambda s: simulated(Protocol("x", echo_times(1.2, 4.6, 6), 1.5, snr=30.0)),
        "spacing-near-fat-period",
        Severity.WARN,
    ),
    "echo times unfit": (lambda s: simulated(PROTOCOLS[6]), "echo-times-unfit", Severity.WARN),
    "SNR 6": (lambda s: simulated(replace(PROTOCOLS[0], snr=6.0)), "snr-low", Severity.WARN),
    "no phase": (lambda s: with_echoes(s, lambda e: np.abs(e) + 0j), "magnitude-only", Severity.STOP),
    "phase of echo 1 in all echoes": (lambda s: with_echoes(s, constant_phase), "phase-constant", Severity.STOP),
    "phase replaced by noise": (lambda s: with_echoes(s, random_phase), "phase-not-phase", Severity.STOP),
    "phase scaled by one half": (lambda s: with_echoes(s, phase_times(0.5)), "phase-scale", Severity.STOP),
    "echoes 4 to 6 moved by 3 pixels": (lambda s: with_echoes(s, shift_echo), "motion-between-echoes", Severity.WARN),
    "clipped at 60 % of the maximum": (lambda s: with_echoes(s, clip), "values-clipped", Severity.WARN),
    "magnitudes that overflow": (lambda s: with_echoes(s, overflow_magnitude), "wrapped", Severity.WARN),
    "real and imaginary parts that overflow": (lambda s: with_echoes(s, overflow_parts), "wrapped", Severity.WARN),
    "part of echo 3 zero": (lambda s: with_echoes(s, mask_echo), "zero-filled", Severity.WARN),
    "echo 3 scaled by 1.25": (lambda s: with_echoes(s, scale_echo), "gain-step", Severity.WARN),
    "odd-even phase": (spoil(Pattern.ODD_EVEN), "bipolar-corrected", Severity.INFO),
    "odd-even phase, stated to be monopolar": (
        lambda s: replace(spoil(Pattern.ODD_EVEN)(s), readout=Readout.MONOPOLAR),
        "bipolar-uncorrected",
        Severity.WARN,
    ),
    "first echo's phase off": (spoil(Pattern.FIRST), "first-echo-phase", Severity.WARN),
    "three echoes": (three_echoes, "sign-by-plausibility", Severity.INFO),
    "three echoes, conjugated": (lambda s: three_echoes(s).conjugate(), "sign-by-plausibility", Severity.INFO),
    "three echoes, half a period of fat apart": (
        lambda s: simulated(Protocol("x", echo_times(2.3, 2.3, 3), 1.5, snr=30.0), stated=False),
        "sign-without-effect",
        Severity.INFO,
    ),
    "offset of real and imaginary parts": (
        lambda s: with_echoes(s, lambda e: e + (0.2 - 0.3j) * np.abs(e).max()),
        "parts-offset",
        Severity.STOP,
    ),
    "phase scaled twice": (lambda s: with_echoes(s, scaled_twice), "phase-scale", Severity.STOP),
    "echo 3 of a bipolar scan missing": (
        lambda s: without_echo(spoil(Pattern.ODD_EVEN)(s), 2),
        "echo-missing",
        Severity.WARN,
    ),
    "flip angle 20 degrees": (lambda s: replace(s, flip_angle_deg=20.0), "t1-bias", Severity.WARN),
    "first echo at 6 ms": (
        lambda s: simulated(Protocol("x", echo_times(6.0, 2.1, 6), 1.5, snr=40.0)),
        "outside-training-range",
        Severity.WARN,
    ),
}
"""Fault, how it is made from a clean scan, code of the finding that it must raise, and its severity."""
