"""Findings on the phase images: images that hold no phase, or phase of the wrong scale."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ..advice import Advice, advise
from ..echoes import EchoSeries
from ..estimation.echo_noise import BORDER_VOXELS, LEAST_AIR, values_in_air
from .findings import Finding, Severity

Mask = npt.NDArray[np.bool_]
Echoes = npt.NDArray[np.complex64]

MOST_SLICES, COHERENCE = 5, 0.5
"""Phase of neighbouring bright voxels agrees at least this well (0: not at all, 1: fully) in anything that is phase."""
PHASE_RANGE = 0.8
PHASE_BINS, EMPTY_SHARE, EDGE_SHARE, LEAST_GAP_BINS = 120, 0.02, 0.5, 4
"""Phase of the right scale fills the turn, or fades out. A gap of at least so many bins, emptier than the first share of the
mean and with edges above the second share, shows a wrong scale."""
LEAST_PHASE_VALUES, MOST_PHASE_VALUES = 5000, 400_000
OFFSET_TIMES_NOISE, SAME_OFFSET = 4.0, 0.25
"""An offset at the border of the images is above this many times its spread, and differs from echo to echo by less than this
share of itself."""
LEAST_HARMONIC, LARGEST_DIFFERENCE, FROM_AXIS_RAD = 0.07, 0.35, 0.2
"""Noise has every phase alike: the mean of its phasors is 0. Above the first value, in all echoes, alike to the second share,
and at 0 or half a turn to the third (radians), it is what a wrong scale makes of even phase.
Air of four real scans has up to 0.3 in one echo, but differs from echo to echo."""
LEAST_LOG_RATIO = 0.15
"""Logarithm of the scale of imaginary over that of real noise, mean over the echoes; four real scans are below 0.03."""
FILTERED_RAD, FILTERED_LENGTH = 0.3, (0.25, 0.9)
"""In no echo is the mean phase of the body further from 0, with a mean phasor of this length: a high-pass filter took the phase
of fat and field away. Above it there was none: water in an even field. The largest of clean scans of three echoes is above 0.6,
that of four real scans 0.59 to 3.06."""
EXPORT = "Export phase, or real and imaginary images, along with the magnitudes"


def assess_phase_images(series: EchoSeries, body: Mask) -> list[Finding]:
    """Findings on the phase of some slices; `body` (slice, row, column) marks voxels with signal, of which there are some."""
    if not np.any(series.echoes.imag):
        kind = "real parts without imaginary ones" if series.has_phase else "magnitudes without phase"
        return [
            Finding(
                "magnitude-only",
                Severity.STOP,
                f"The echoes have no imaginary part: these are {kind}.",
                advise(f"{EXPORT}.") if series.has_phase else _or_magnitudes(EXPORT),
            )
        ]
    filled = np.flatnonzero(body.any((1, 2)))
    chosen = filled[np.linspace(0, filled.size - 1, min(filled.size, MOST_SLICES)).astype(int)]
    echoes, body = series.echoes[:, chosen], body[chosen]
    if all(np.all(np.abs(np.angle(b[body] * np.conj(a[body]))) < 1e-4) for a, b in pairwise(echoes)):
        return [
            Finding(
                "phase-constant",
                Severity.STOP,
                "The phase is the same in all echoes of every voxel; off-resonance always turns it from echo to echo.",
                _or_magnitudes(f"The phase images are not those of these echoes. {EXPORT}"),
            )
        ]
    return _offset(echoes) or _scale(echoes, body) or _noise_in_air(echoes, body) or _filtered(echoes, body)


def _offset(echoes: Echoes) -> list[Finding]:
    """Real and imaginary parts that are not 0 where there is air: at the border, and the same in all echoes."""
    border = np.ones(echoes.shape[1:], dtype=bool)
    border[:, BORDER_VOXELS:-BORDER_VOXELS, BORDER_VOXELS:-BORDER_VOXELS] = False
    values = echoes[:, border]
    centre = np.median(values.real, axis=1) + 1j * np.median(values.imag, axis=1)
    spread = np.median(np.abs(values - centre[:, None]))
    mean = complex(centre.mean())
    if abs(mean) <= OFFSET_TIMES_NOISE * spread or np.abs(centre - mean).max() > SAME_OFFSET * abs(mean):
        return []
    share = 100 * abs(mean) / float(np.abs(echoes).max())
    return [
        Finding(
            "parts-offset",
            Severity.STOP,
            f"At the border of the images, where there is air, all echoes have the same signal, {share:.0f} % of the largest: "
            "an offset of the real or imaginary images was lost or added on export.",
            advise("Export real and imaginary images with their rescale intercept, or magnitude and phase."),
        )
    ]


def _scale(echoes: Echoes, body: Mask) -> list[Finding]:
    coherence = _coherence(echoes, body)
    if coherence < COHERENCE:
        return [
            Finding(
                "phase-not-phase",
                Severity.STOP,
                f"Phase does not vary smoothly from voxel to voxel (coherence {coherence:.2f}, expected nearly 1).",
                _or_magnitudes(f"The unit of the phase is wrong, or these are no phase images. State the unit. {EXPORT}"),
            )
        ]
    angles = _some_angles(echoes)
    gap = _cut_off_degrees(angles)
    if gap > 0:
        return [
            Finding(
                "phase-scale",
                Severity.STOP,
                f"The phase leaves out {gap:.0f} degrees of the turn, with sharp ends: its scale is wrong by a factor of about "
                f"{360 / (360 - gap):.2f}.",
                advise(
                    "A scaling was applied twice, or the unit of the phase is another one: state the unit ({}), or export "
                    "again.",
                    "phase_unit",
                ),
            )
        ]
    filled = float(np.abs(angles).max()) / np.pi
    if filled < PHASE_RANGE:
        return [
            Finding(
                "phase-range",
                Severity.WARN,
                f"The phase reaches {180 * filled:.0f} degrees at most; over body and background it fills all 180.",
                advise(
                    "The unit of the phase may be wrong (too small a scale), or phase was stored modulo less than a turn; "
                    "state the unit ({}), or export again.",
                    "phase_unit",
                ),
            )
        ]
    return []


def _noise_in_air(echoes: Echoes, body: Mask) -> list[Finding]:
    """Noise of another scale in imaginary parts, or whose phase is not spread evenly over the turn, alike in all echoes."""
    values = values_in_air(echoes, body)
    if values.shape[1] < LEAST_AIR:
        return []
    ratios = np.log(np.median(np.abs(values.imag), axis=1) / np.median(np.abs(values.real), axis=1))
    if abs(ratios.mean()) > LEAST_LOG_RATIO and np.all(ratios * ratios.mean() > 0):
        return [
            Finding(
                "imaginary-scale",
                Severity.STOP,
                f"Noise in air is {np.exp(ratios.mean()):.2f} times as large in imaginary parts as in real ones: their scales "
                "differ.",
                advise("Export real and imaginary images with the rescale values of the scanner, or magnitude and phase."),
            )
        ]
    means = np.exp(1j * np.angle(values)).mean(1)
    mean = complex(means.mean())
    same = np.abs(means - mean).max() < LARGEST_DIFFERENCE * abs(mean)
    if np.abs(means).min() < LEAST_HARMONIC or not same or abs(np.angle(mean**2)) > 2 * FROM_AXIS_RAD:
        return []
    return [
        Finding(
            "phase-scale",
            Severity.STOP,
            f"The phase of the noise in air is not spread evenly over the turn (mean phasor {abs(mean):.2f} in all echoes, 0 "
            "was expected): its scale is wrong.",
            advise(
                "A scaling was applied twice, or the unit of the phase is another one: state the unit ({}), or export again.",
                "phase_unit",
            ),
        )
    ]


def _filtered(echoes: Echoes, body: Mask) -> list[Finding]:
    """Phase whose smooth part was taken away, as for susceptibility-weighted images."""
    means = np.exp(1j * np.angle(echoes[:, body])).mean(1)
    least, most = FILTERED_LENGTH
    if np.abs(np.angle(means)).max() > FILTERED_RAD or np.abs(means).min() < least or np.abs(means).max() > most:
        return []
    return [
        Finding(
            "phase-filtered",
            Severity.STOP,
            f"The mean phase of the body is 0 in all echoes (within {np.degrees(np.abs(np.angle(means)).max()):.0f} degrees): "
            "the smooth part of the phase, which holds field and fat, was filtered out.",
            _or_magnitudes("Export unfiltered phase"),
        )
    ]


def _some_angles(echoes: Echoes) -> npt.NDArray[np.float32]:
    """Phase of values other than 0, evenly drawn from all echoes."""
    values = echoes.ravel()
    step = int(np.count_nonzero(values)) // MOST_PHASE_VALUES | 1  # odd, so as not to stay in one column
    values = values[::step]
    angles: npt.NDArray[np.float32] = np.angle(values[values != 0])
    return angles


def _cut_off_degrees(angles: npt.NDArray[np.float32]) -> float:
    """Width of the gap that a wrong scale leaves in the histogram of the phase, 0 where there is none."""
    if angles.size < LEAST_PHASE_VALUES:
        return 0.0
    counts, _ = np.histogram(angles, PHASE_BINS, (-np.pi, np.pi))
    empty = counts < EMPTY_SHARE * counts.mean()
    if not empty.any() or empty.all():
        return 0.0
    start = int(np.flatnonzero(~empty)[0])
    turned, filled = np.roll(empty, -start), np.roll(counts, -start)  # begins with a bin that is filled
    edges = np.flatnonzero(np.diff(np.concatenate([[False], turned, [False]]).astype(int)))
    first, after = max(zip(edges[::2], edges[1::2], strict=True), key=lambda run: run[1] - run[0])
    typical = filled[~turned].mean()
    beside = [max(filled[(edge + k) % PHASE_BINS] for k in bins) for edge, bins in ((first, (-2, -1)), (after, (0, 1)))]
    sharp = min(beside) > EDGE_SHARE * typical
    return 360.0 * float(after - first) / PHASE_BINS if sharp and after - first >= LEAST_GAP_BINS else 0.0


def _or_magnitudes(text: str) -> Advice:
    return advise(
        text + ", or estimate from the magnitudes alone ({}), where PDFF above 50 % is ambiguous.", ("method", "magnitude")
    )


def _coherence(echoes: Echoes, body: Mask) -> float:
    """How far the phase of the strongest echo follows a local slope, 0 to 1, over the bright body."""
    image = max(echoes, key=lambda echo: float(np.abs(echo[body]).mean()))
    magnitude = np.abs(image)
    bright = body & (magnitude > np.median(magnitude[body]))
    phasor = np.where(bright, image / np.maximum(magnitude, 1e-30), 0)
    best = 0.0
    for axis in (1, 2):
        step = np.moveaxis(phasor, axis, -1)
        first = step[..., 1:] * np.conj(step[..., :-1])
        second = first[..., 1:] * np.conj(first[..., :-1])
        weight = np.abs(second) > 0
        if weight.any():
            best = max(best, float(np.abs(second[weight].sum()) / weight.sum()))
    return best
