"""Findings from the echoes: motion, clipped values, missing parts, and those on the phase images."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..advice import advise
from ..echoes import EchoSeries
from ..estimation.voxelwise.noise import foreground, noise_from_differences
from .findings import Finding, Severity, slices_of
from .phase_images import assess_phase_images
from .smooth_parts import noise_of_smooth_parts

Mask = npt.NDArray[np.bool_]

MOVED_PIXELS = 0.7
CLIPPED_SHARE, CLIPPED_VOXELS = 5e-4, 12
ZERO_SHARE = 2e-3
MOST_SLICES = 8
ZEROED_SHARE = 0.1
"""Share of a slice that is exactly zero where its background was masked."""


@dataclass(frozen=True, eq=False)
class SignalCheck:
    """What the echoes themselves show, before and without an estimate.

    Attributes
    ----------
    snr : float
        Median signal of the strongest echo over the noise.
    body : array, shape (slice, row, column), bool
        Voxels with signal.
    noise_sd : list of float
        Noise per real channel of each slice, in the unit of the echoes.
    findings : tuple of Finding
        Findings from the echoes, in no order.
    """

    snr: float
    body: Mask
    noise_sd: list[float]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, series: EchoSeries, phase_used: bool = True) -> SignalCheck:
        """Check a scan as loaded; `phase_used`: whether the method uses the phase."""
        snr, body, noise_sd = signal_to_noise(series)
        return cls(snr, body, noise_sd, tuple(assess_signal(series, body, phase_used)))


def signal_to_noise(series: EchoSeries) -> tuple[float, Mask, list[float]]:
    """Median signal of the strongest echo over the noise, the body (slice, row, column), and the noise of each slice.

    Noise is the standard deviation per real channel, from differences of neighbouring voxels: it does not depend on the model.
    Where the background was set to zero, the smoothest parts of the body stand for it.
    """
    body = np.zeros(series.shape, dtype=bool)
    ratios, noises = [], []
    for index in range(series.shape[0]):
        echoes = torch.from_numpy(series.echoes[:, index])
        noise = noise_from_differences(echoes)
        if np.mean(series.echoes[:, index] == 0) > ZEROED_SHARE:
            noise = torch.minimum(noise, noise_of_smooth_parts(echoes))
        noises.append(float(noise))
        body[index] = foreground(echoes, noise).numpy()
        if body[index].any() and float(noise) > 0:
            ratios.append(np.abs(series.echoes[:, index][:, body[index]]).max(0) / float(noise))
    return (float(np.median(np.concatenate(ratios))) if ratios else 0.0), body, noises


def assess_signal(series: EchoSeries, body: Mask, phase_used: bool = True) -> list[Finding]:
    """Findings from the echoes.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    body : array, shape (slice, row, column), bool
        Voxels with signal.
    phase_used : bool
        Whether the method uses the phase.

    Returns
    -------
    list of Finding
        Findings, in no order.
    """
    if not body.any():
        return [
            Finding(
                "no-signal",
                Severity.STOP,
                "No voxel stands clear of the noise.",
                advise("Check that the right images were loaded, and their scale."),
            )
        ]
    found = assess_phase_images(series, body) if phase_used else []
    if any(f.severity is Severity.STOP for f in found):
        return found
    return found + _motion(series, body) + _clipped(series, body) + _zero_filled(series, body)


def _motion(series: EchoSeries, body: Mask) -> list[Finding]:
    """Shift of the edges of every echo against the mean of the others, by the peak of their cross-correlation."""
    sizes = body.sum((1, 2))
    chosen = np.flatnonzero(sizes >= max(200, 0.25 * sizes.max()))
    if chosen.size > MOST_SLICES:
        chosen = chosen[np.linspace(0, chosen.size - 1, MOST_SLICES).astype(int)]
    moved: dict[int, float] = {}
    echoes: set[int] = set()
    for index in chosen:
        magnitude = np.abs(series.echoes[:, index])
        edges = [_edges(m) for m in magnitude]
        spectra = [np.fft.rfft2(e - e.mean()) for e in edges]
        for n in range(1, len(edges)):
            distance = min(_shift(spectra[m], spectra[n], edges[n].shape) for m in {n - 1, max(n - 2, 0)})
            if distance > MOVED_PIXELS:
                moved[int(index)] = max(moved.get(int(index), 0.0), distance)
                echoes.add(n + 1)
    if not moved:
        return []
    return [
        Finding(
            "motion-between-echoes",
            Severity.WARN,
            f"Edges lie up to {max(moved.values()):.1f} pixels elsewhere in echo {', '.join(map(str, sorted(echoes)))} than "
            "in the echoes before.",
            advise(
                "The patient breathed or moved between echoes: leave these slices out ({}), or at least their edges; scan "
                "again in one breath-hold.",
                "slices",
            ),
            slices=tuple(sorted(moved)),
        )
    ]


def _edges(magnitude: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    root = np.sqrt(magnitude / max(float(magnitude.max()), 1e-30))
    down, across = np.gradient(root)
    return np.hypot(down, across)


def _shift(a: npt.NDArray[np.complex128], b: npt.NDArray[np.complex128], shape: tuple[int, ...], reach: int = 8) -> float:
    """Distance in pixels at which two edge images agree best, from their Fourier transforms."""
    correlation = np.fft.irfft2(np.conj(a) * b, s=shape)
    correlation = np.roll(correlation, (reach, reach), (0, 1))[: 2 * reach + 1, : 2 * reach + 1]
    peak = np.unravel_index(int(correlation.argmax()), correlation.shape)
    offsets = []
    for axis, at in enumerate(int(p) for p in peak):
        line = correlation[:, peak[1]] if axis == 0 else correlation[peak[0], :]
        fine = 0.0
        if 0 < at < 2 * reach:
            bend = float(line[at - 1] - 2 * line[at] + line[at + 1])
            fine = 0.5 * float(line[at - 1] - line[at + 1]) / bend if bend < 0 else 0.0
        offsets.append(at - reach + fine)
    return math.hypot(*offsets)


def _clipped(series: EchoSeries, body: Mask) -> list[Finding]:
    where = np.zeros(series.shape, dtype=bool)
    for echo in series.echoes:
        for values in (np.abs(echo), np.abs(echo.real), np.abs(echo.imag)):
            top = float(values.max())
            at_top = values >= top * (1 - 2e-6)
            if top > 0 and at_top.sum() >= max(CLIPPED_VOXELS, CLIPPED_SHARE * body.sum()):
                where |= at_top
    if not where.any():
        return []
    return [
        Finding(
            "values-clipped",
            Severity.WARN,
            f"{int(where.sum())} voxels share the largest value of an echo exactly: the signal was clipped there.",
            advise("PDFF and R2* are wrong in these voxels; export again with a smaller scale, or leave them out."),
            slices=slices_of(where),
            voxels=int(where.sum()),
        )
    ]


def _zero_filled(series: EchoSeries, body: Mask) -> list[Finding]:
    where = body & np.any(series.echoes == 0, axis=0)
    if where.sum() <= ZERO_SHARE * body.sum():
        return []
    return [
        Finding(
            "zero-filled",
            Severity.WARN,
            f"{int(where.sum())} voxels with signal are exactly zero in at least one echo.",
            advise("An echo was masked or lost in part; leave these slices out ({}), or export again.", "slices"),
            slices=slices_of(where),
            voxels=int(where.sum()),
        )
    ]
