"""Clean and faulty simulated scans, drawn at random over protocols, kinds and strengths of faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.estimation.phase_correction.phase_errors import Pattern, PhaseError
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire
from AIDEALLib.simulation.tissue import TissueMaps

Echoes = npt.NDArray[np.complex64]
Rng = np.random.Generator
SLICES, SLICE_MM, LIVER_SLICE = 4, 20.0, 1
"""The slice that is scanned, of some from above the dome downwards: one with both lobes."""
FIELD_OF_VIEW_MM = 384.0
CLEAR_TURNS = 0.22
"""How far from whole turns fat has to turn against water between echoes of a drawn protocol."""


def draw_protocol(rng: Rng, least_echoes: int = 3) -> Protocol:
    """A protocol as scanners have them: 1.5 or 3 T, 3 to 12 echoes, fat not in phase in all echoes."""
    while True:
        tesla = float(rng.choice([1.5, 3.0]))
        echoes = int(max(rng.choice([3, 4, 5, 6, 6, 6, 8, 12]), least_echoes))
        spacing_ms = float(rng.uniform(0.8, 2.4) * (1.5 / tesla) ** 0.7)
        turns = abs(SIX_PEAK.mean_shift_hz(tesla)) * spacing_ms / 1000
        if abs(turns - round(turns)) > CLEAR_TURNS:
            break
    first_ms = float(rng.uniform(0.9, 1.5))
    return Protocol(
        "drawn", echo_times(first_ms, spacing_ms, echoes), tesla, snr=float(np.exp(rng.uniform(np.log(15), np.log(60))))
    )


def draw_scan(rng: Rng, least_echoes: int = 3) -> tuple[EchoSeries, TissueMaps]:
    """One slice of a patient under a drawn protocol, as files state it, and the truth."""
    protocol = draw_protocol(rng, least_echoes)
    size = int(rng.integers(56, 81))
    pdff = float(np.exp(rng.uniform(np.log(1.5), np.log(40))))
    iron = float(rng.uniform(60, 250)) if rng.random() < 0.15 else None
    truth = _patient(rng, protocol.field_strength_t, (size, size), iron, (pdff, 0.9 * pdff))
    series = acquire(truth, protocol, rng)
    repetition_s = max(0.015, protocol.te_s[-1] + 0.002)
    stated = replace(series, readout=Readout.UNKNOWN, phase_sign=None, flip_angle_deg=4.0, repetition_time_s=repetition_s)
    return stated, truth


def _patient(
    rng: Rng, tesla: float, size: tuple[int, int], iron: float | None = None, pdff: tuple[float, float] | None = None
) -> TissueMaps:
    """One slice of a patient."""
    spacing_mm = (FIELD_OF_VIEW_MM / size[1], FIELD_OF_VIEW_MM / size[0], SLICE_MM)
    whole = abdomen(int(rng.integers(1_000_000)), tesla, (SLICES, *size), spacing_mm, iron, pdff, separate_dome=False)
    here = slice(LIVER_SLICE, LIVER_SLICE + 1)
    arrays = {name: value[here] for name, value in vars(whole).items() if isinstance(value, np.ndarray) and value.ndim == 3}
    return replace(whole, **arrays)


def _changed(series: EchoSeries, echoes: Echoes) -> EchoSeries:
    return replace(series, echoes=np.ascontiguousarray(echoes, dtype=np.complex64))


def _with_phase(series: EchoSeries, phase: npt.NDArray[np.floating]) -> EchoSeries:
    return _changed(series, np.abs(series.echoes) * np.exp(1j * phase))


def exchanged(series: EchoSeries, rng: Rng) -> EchoSeries:
    order = np.arange(series.n_echoes)
    a, b = rng.choice(series.n_echoes, 2, replace=False)
    order[[a, b]] = order[[b, a]]
    return _changed(series, series.echoes[order])


def reversed_order(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _changed(series, series.echoes[::-1])


def turned_order(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _changed(series, np.roll(series.echoes, int(rng.integers(1, series.n_echoes)), axis=0))


def copied_echo(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes = series.echoes.copy()
    n = int(rng.integers(1, series.n_echoes))
    echoes[n] = echoes[n - 1]
    return _changed(series, echoes)


def stretched_times(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(series, te_s=series.te_s * np.exp(rng.choice([-1, 1]) * rng.uniform(0.1, 0.7)))


def spacing_of_other(series: EchoSeries, rng: Rng) -> EchoSeries:
    factor = rng.choice([0.5, 2.0, np.exp(rng.choice([-1, 1]) * rng.uniform(0.03, 0.4))])
    return replace(series, te_s=series.te_s[0] + (series.te_s - series.te_s[0]) * factor)


def later_times(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(series, te_s=series.te_s + rng.uniform(-0.5, 1.0) * series.te_s[0])


def first_time_of_other(series: EchoSeries, rng: Rng) -> EchoSeries:
    te_s = series.te_s.copy()
    te_s[0] *= rng.uniform(0.3, 0.9)
    return replace(series, te_s=te_s)


def multiples_of_first_time(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(series, te_s=series.te_s[0] * np.arange(1, series.n_echoes + 1))


def other_frequency(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(series, field_strength_t=series.field_strength_t * rng.uniform(0.85, 1.15))


def wrong_field_strength(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(series, field_strength_t=3.0 if series.field_strength_t == 1.5 else 1.5)


def phase_scaled(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _with_phase(series, rng.choice([rng.uniform(0.4, 0.93), rng.uniform(1.1, 2.2)]) * np.angle(series.echoes))


def phase_scaled_slightly(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _with_phase(series, rng.choice([rng.uniform(0.93, 0.98), rng.uniform(1.02, 1.1)]) * np.angle(series.echoes))


def phase_of_stored_range(series: EchoSeries, rng: Rng) -> EchoSeries:
    share = rng.uniform(0.5, 0.93)
    return _with_phase(series, share * np.angle(series.echoes) + rng.uniform(-1, 1) * np.pi * (1 - share))


def phase_modulo_half_turn(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _with_phase(series, np.angle(series.echoes) % np.pi)


def phase_of_other_patient(series: EchoSeries, rng: Rng) -> EchoSeries:
    other = _same_protocol(series, rng)
    return _with_phase(series, np.angle(other.echoes))


def echo_of_other_patient(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes, other = series.echoes.copy(), _same_protocol(series, rng)
    n = int(rng.integers(series.n_echoes))
    echoes[n] = other.echoes[n]
    return _changed(series, echoes)


def _same_protocol(series: EchoSeries, rng: Rng) -> EchoSeries:
    protocol = Protocol("other", tuple(series.te_s.tolist()), series.field_strength_t)
    return acquire(_patient(rng, series.field_strength_t, series.shape[1:]), protocol, rng)


def constant_of_each_echo(series: EchoSeries, rng: Rng) -> EchoSeries:
    turn = rng.uniform(0.3, np.pi) * rng.choice([-1, 1], series.n_echoes) * rng.random(series.n_echoes)
    return _changed(series, series.echoes * np.exp(1j * turn)[:, None, None, None])


def high_pass_phase(series: EchoSeries, rng: Rng) -> EchoSeries:
    from scipy.ndimage import gaussian_filter

    voxels = rng.uniform(4, 12)
    width = (0, 0, voxels, voxels)
    smooth = gaussian_filter(series.echoes.real, width) + 1j * gaussian_filter(series.echoes.imag, width)
    return _changed(series, series.echoes * np.exp(-1j * np.angle(smooth)))


def conjugated(series: EchoSeries, rng: Rng) -> EchoSeries:
    return series.conjugate()


def parts_exchanged(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _changed(series, series.echoes.imag + 1j * series.echoes.real)


def imaginary_scaled(series: EchoSeries, rng: Rng) -> EchoSeries:
    factor = rng.choice([rng.uniform(0.3, 0.8), rng.uniform(1.25, 3)])
    return _changed(series, series.echoes.real + 1j * factor * series.echoes.imag)


def offset_of_parts(series: EchoSeries, rng: Rng) -> EchoSeries:
    largest = np.abs(series.echoes).max()
    return _changed(series, series.echoes + largest * rng.uniform(0.1, 1.0) * np.exp(2j * np.pi * rng.random()))


def alternating_phase(series: EchoSeries, rng: Rng) -> EchoSeries:
    error = PhaseError(Pattern.ODD_EVEN, rng.uniform(-0.7, 0.7), rng.uniform(-1, 1), int(rng.integers(2)), 0, 0, 1, 0)
    return error.correct(series)


def alternating_phase_denied(series: EchoSeries, rng: Rng) -> EchoSeries:
    return replace(alternating_phase(series, rng), readout=Readout.MONOPOLAR)


def alternating_phase_with_gap(series: EchoSeries, rng: Rng) -> EchoSeries:
    return without_echo(alternating_phase(series, rng), rng)


def alternating_in_pairs(series: EchoSeries, rng: Rng) -> EchoSeries:
    """Interleaved trains: two echoes of one polarity, then two of the other."""
    theta = rng.uniform(0.1, 0.7) + rng.uniform(-1, 1) * (np.arange(series.shape[2]) / series.shape[2] - 0.5)
    polarity = np.where(np.arange(series.n_echoes) // 2 % 2, -1.0, 1.0)
    return _changed(series, series.echoes * np.exp(1j * polarity[:, None] * theta)[:, None, None])


def last_echo_phase(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes = series.echoes.copy()
    echoes[-1] *= np.exp(1j * rng.choice([-1, 1]) * rng.uniform(0.2, 1.2))
    return _changed(series, echoes)


def gain_from_an_echo_on(series: EchoSeries, rng: Rng) -> EchoSeries:
    factors = np.ones(series.n_echoes)
    factors[int(rng.integers(1, series.n_echoes)) :] = np.exp(rng.choice([-1, 1]) * rng.uniform(0.1, 0.9))
    return _changed(series, series.echoes * factors[:, None, None, None])


def without_echo(series: EchoSeries, rng: Rng) -> EchoSeries:
    kept = np.delete(np.arange(series.n_echoes), rng.integers(1, series.n_echoes - 1))
    return replace(series, echoes=series.echoes[kept], te_s=series.te_s[kept])


def echo_lost_unnoticed(series: EchoSeries, rng: Rng) -> EchoSeries:
    kept = np.delete(np.arange(series.n_echoes), rng.integers(0, series.n_echoes - 1))
    return replace(series, echoes=series.echoes[kept], te_s=series.te_s[:-1])


def first_echo_phase(series: EchoSeries, rng: Rng) -> EchoSeries:
    return PhaseError(Pattern.FIRST, rng.uniform(-0.8, 0.8), rng.uniform(-1, 1), 1, 0, 0, 1, 0).correct(series)


def gain_step(series: EchoSeries, rng: Rng) -> EchoSeries:
    factors = np.ones(series.n_echoes)
    factors[int(rng.integers(series.n_echoes))] = np.exp(rng.choice([-1, 1]) * rng.uniform(0.1, 0.9))
    return _changed(series, series.echoes * factors[:, None, None, None])


def each_echo_normalised(series: EchoSeries, rng: Rng) -> EchoSeries:
    return _changed(series, series.echoes / np.abs(series.echoes).max(axis=(1, 2, 3), keepdims=True))


def clipped(series: EchoSeries, rng: Rng) -> EchoSeries:
    top = rng.uniform(0.3, 0.8) * np.abs(series.echoes).max()
    return _changed(series, series.echoes * np.minimum(1, top / np.maximum(np.abs(series.echoes), 1e-12)))


def overflown(series: EchoSeries, rng: Rng) -> EchoSeries:
    magnitude = np.abs(series.echoes)
    end = rng.uniform(0.4, 0.8) * magnitude.max()
    return _changed(series, (magnitude % end) * np.exp(1j * np.angle(series.echoes)))


def few_bits(series: EchoSeries, rng: Rng) -> EchoSeries:
    step = np.abs(series.echoes).max() / int(rng.integers(4, 24))
    return _changed(series, np.round(series.echoes.real / step) * step + 1j * np.round(series.echoes.imag / step) * step)


def part_masked(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes, (rows, columns) = series.echoes.copy(), series.shape[1:]
    n, row, column = int(rng.integers(series.n_echoes)), int(rng.integers(rows // 2)), int(rng.integers(columns // 2))
    echoes[n, :, row : row + rows // 2, column : column + columns // 2] = 0
    return _changed(series, echoes)


def shifted_echoes(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes, first = series.echoes.copy(), int(rng.integers(1, series.n_echoes))
    echoes[first:] = np.roll(echoes[first:], int(rng.choice([-1, 1]) * rng.integers(2, 9)), axis=int(rng.choice([2, 3])))
    return _changed(series, echoes)


def flipped_echo(series: EchoSeries, rng: Rng) -> EchoSeries:
    echoes, n = series.echoes.copy(), int(rng.integers(series.n_echoes))
    echoes[n] = np.flip(echoes[n], axis=int(rng.choice([1, 2])))
    return _changed(series, echoes)


def deep_noise(series: EchoSeries, rng: Rng) -> EchoSeries:
    level = np.median(np.abs(series.echoes[0][np.abs(series.echoes[0]) > 0.2 * np.abs(series.echoes[0]).max()]))
    noise = rng.normal(size=(*series.echoes.shape, 2)).view(np.complex128)[..., 0]
    return _changed(series, series.echoes + level / rng.uniform(1, 6) * noise)


FAULTS: dict[str, tuple[Callable[[EchoSeries, Rng], EchoSeries], int]] = {
    "two echoes exchanged": (exchanged, 3),
    "echoes in reverse order": (reversed_order, 3),
    "echoes begin in the middle": (turned_order, 3),
    "an echo stored twice": (copied_echo, 3),
    "echo times too long or short": (stretched_times, 3),
    "echo spacing wrong": (spacing_of_other, 3),
    "echo times later or earlier": (later_times, 3),
    "first echo time wrong": (first_time_of_other, 3),
    "echo times as multiples of the first": (multiples_of_first_time, 3),
    "centre frequency of another scan": (other_frequency, 3),
    "field strength of the other scanner": (wrong_field_strength, 3),
    "phase of a wrong scale": (phase_scaled, 3),
    "phase scaled by a few percent": (phase_scaled_slightly, 3),
    "phase scaled and shifted": (phase_of_stored_range, 3),
    "phase modulo half a turn": (phase_modulo_half_turn, 3),
    "phase of another patient": (phase_of_other_patient, 3),
    "one echo of another patient": (echo_of_other_patient, 3),
    "a constant phase of each echo": (constant_of_each_echo, 3),
    "phase high-pass filtered": (high_pass_phase, 3),
    "phase mirrored": (conjugated, 3),
    "real and imaginary exchanged": (parts_exchanged, 3),
    "imaginary of another scale": (imaginary_scaled, 3),
    "offset of real and imaginary": (offset_of_parts, 3),
    "bipolar read-out": (alternating_phase, 3),
    "bipolar read-out, stated monopolar": (alternating_phase_denied, 3),
    "bipolar read-out, an echo missing": (alternating_phase_with_gap, 5),
    "bipolar read-out, echoes in pairs": (alternating_in_pairs, 4),
    "phase of the last echo": (last_echo_phase, 3),
    "gain from an echo on": (gain_from_an_echo_on, 3),
    "an echo missing": (without_echo, 5),
    "an echo missing, times of the others": (echo_lost_unnoticed, 4),
    "phase of the first echo": (first_echo_phase, 3),
    "gain of an echo": (gain_step, 3),
    "each echo scaled to its maximum": (each_echo_normalised, 3),
    "values clipped": (clipped, 3),
    "values overflown": (overflown, 3),
    "few bits": (few_bits, 3),
    "part of an echo masked": (part_masked, 3),
    "echoes shifted": (shifted_echoes, 3),
    "an echo mirrored in space": (flipped_echo, 3),
    "deep noise": (deep_noise, 3),
}
"""How a scan is spoilt, and the least number of echoes that it needs."""
