"""Values that overflowed their integers and wrapped to the other end of the range.

A magnitude that overflows drops from the top of its range to near nothing, one echo in the midst of bright tissue. So does a
voxel in which water and fat cancel; but only an overflow fits the model once the range is added back. A real or imaginary part
that overflows jumps from the highest to the lowest value between neighbours.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..advice import advise
from ..echoes import EchoSeries
from ..estimation.voxelwise.bright_sample import Sample, best_fit
from ..physics.spectrum import SIX_PEAK, FatSpectrum
from ..physics.variable_projection import EchoBasis
from .findings import Finding, Severity, slices_of

Mask = npt.NDArray[np.bool_]

BRIGHT, DARK = 0.7, 0.35
"""Shares of an echo's largest magnitude: neighbours of an overflow, and where it comes down."""
REACH = 3
LEAST_VOXELS, LEAST_SHARE = 40, 0.004
"""Of the body. Clean simulations and real scans show up to 32 voxels and 0.15 %, where water and fat cancel at gas."""
MOST_CANDIDATES = 400
RESTORED_GAIN, RESTORED_SHARE = 2.0, 0.1
TOP, CROWDED_VOXELS, CROWDED_SHARE = 0.97, 12, 0.02
"""Values that overflow crowd below the end of their range: above this share of an echo's largest magnitude lie at least so many
voxels, and this share of the body. Clean simulations have up to 1.2 %, scans that overflow 3.5 % and more."""
JUMP = 0.8


def assess_wrapped(series: EchoSeries, body: Mask, spectrum: FatSpectrum = SIX_PEAK) -> list[Finding]:
    """Findings on values that overflowed.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    body : array, shape (slice, row, column), bool
        Voxels with signal.
    spectrum : FatSpectrum
        Fat spectrum.

    Returns
    -------
    list of Finding
        One with all voxels concerned, or none.
    """
    least = max(LEAST_VOXELS, LEAST_SHARE * body.sum())
    jumps, overflown = _jumps(series), _overflown(series, body, spectrum)
    where = np.zeros_like(body)
    for kind in (jumps, overflown):
        if kind.sum() >= least:
            where |= kind
    if not where.any():
        return []
    return [
        Finding(
            "wrapped",
            Severity.WARN,
            f"In {int(where.sum())} voxels the values of an echo overflowed and wrapped to the other end of their range.",
            advise("PDFF and R2* are wrong there; export again with a smaller scale, or as 16-bit integers."),
            slices=slices_of(where),
            voxels=int(where.sum()),
        )
    ]


def _jumps(series: EchoSeries) -> Mask:
    """Voxels beside which a real or imaginary part changes from nearly its highest to nearly its lowest value."""
    where = np.zeros(series.shape, dtype=bool)
    for echo in series.echoes:
        for values in (echo.real, echo.imag):
            limit = JUMP * max(float(values.max()), -float(values.min()))
            high, low = values > limit, values < -limit
            for before, after in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:, :, :-1], np.s_[:, :, 1:])):
                where[after] |= (high[before] & low[after]) | (low[before] & high[after])
    return where


def _overflown(series: EchoSeries, body: Mask, spectrum: FatSpectrum) -> Mask:
    """Voxels that are dark in the midst of bright ones in an echo, and fit the model far better with the range added back."""
    nothing = np.zeros_like(body)
    if series.n_echoes < 4 or not series.has_phase:
        return nothing
    crowd = max(_crowd_below_the_end(np.abs(echo)) for echo in series.echoes)
    if crowd < max(CROWDED_VOXELS, CROWDED_SHARE * body.sum()):
        return nothing
    magnitude = np.abs(series.echoes)
    top = magnitude.max(axis=(1, 2, 3), keepdims=True)
    dark = np.stack([(m < DARK * t) & _enclosed(m > BRIGHT * t) for m, t in zip(magnitude, top, strict=True)])
    candidates: Mask = np.any(dark, axis=0)
    if candidates.sum() < LEAST_VOXELS:
        return nothing
    voxels = np.flatnonzero(candidates)
    voxels = voxels[np.linspace(0, voxels.size - 1, min(voxels.size, MOST_CANDIDATES)).astype(int)]
    higher = np.where(dark, 1 + top / np.maximum(magnitude, 1e-6 * top), 1).astype(np.float32)
    stored = series.echoes.reshape(series.n_echoes, -1)[:, voxels]
    restored = stored * higher.reshape(series.n_echoes, -1)[:, voxels]
    before, after = (_misfit(values, series, spectrum) for values in (stored, restored))
    return candidates if np.mean(before > RESTORED_GAIN * after) > RESTORED_SHARE else nothing


def _crowd_below_the_end(magnitude: npt.NDArray[np.float32]) -> int:
    """Voxels of an echo near its largest magnitude; 0 where many lie at it: their values were clipped, not wrapped."""
    top = magnitude.max()
    at_end = int((magnitude >= (1 - 2e-6) * top).sum())
    return int((magnitude > TOP * top).sum()) if at_end < CROWDED_VOXELS else 0


def _enclosed(bright: Mask) -> Mask:
    """Voxels with a bright one within reach to either side, along rows or along columns."""
    found = np.zeros_like(bright)
    for axis in (1, 2):
        sides = [np.zeros_like(bright), np.zeros_like(bright)]
        for side, sign in zip(sides, (1, -1), strict=True):
            for distance in range(1, REACH + 1):
                side |= np.roll(bright, sign * distance, axis=axis)
        found |= sides[0] & sides[1]
    return found & ~bright


def _misfit(values: npt.NDArray[np.complex64], series: EchoSeries, spectrum: FatSpectrum) -> npt.NDArray[np.float64]:
    """Share of the signal that the best fit leaves over, of the better rotation sense."""
    te = torch.from_numpy(series.te_s)
    modulation = spectrum.modulation(te, series.field_strength_t)
    echoes = torch.from_numpy(values)
    echoes = echoes / echoes.abs().square().sum(0).sqrt()
    basis = EchoBasis.of(te, modulation)
    left = [
        best_fit(Sample(both, torch.zeros(2, both.shape[1]), te, modulation, basis))[2].residual_energy
        for both in (echoes, echoes.conj().resolve_conj())
    ]
    return np.sqrt(torch.minimum(*left).clamp_min(1e-8).numpy())
