"""Findings on echo times and field strength, from how fat behaves (`estimation.fat_shift`)."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..advice import advise
from ..echoes import EchoSeries
from ..estimation.estimated_scan import EstimatedScan
from ..estimation.fat_shift import (
    FatPhase,
    FatScale,
    find_fat_phase,
    find_fat_scale,
    readings,
    scale_of_phase,
    scaled,
)
from ..estimation.phase_correction.corrections import PhaseCorrections, corrected_slices
from ..estimation.phase_correction.phase_errors import MIN_ECHOES
from ..physics.spectrum import FatSpectrum
from ..statistics.usability import LARGEST_BIAS
from .findings import Finding, Severity
from .signal import MOST_SLICES

CLEAR_GAIN, CLEAR_Z, CLEAR_FACTOR = 1.1, 4.0, 1.05
"""A shift of fat is another one than stated when it is off by this factor at least, and lowers the residual of a typical voxel
by this factor and by this many standard errors. Four real scans have gains up to 1.085, clean simulations up to 1.05."""
CLEAR_RAD, CLEAR_ERRORS = 0.25, 5.0
"""Smallest phase of fat against water at excitation that counts, and how many standard errors it has to be. Clean simulations
lie below 0.05 rad, four real scans at 0.00, 0.43, 0.43 and 0.64 rad (errors of PDFF up to 0, 1, 1 and 2 points)."""
LARGE_LEFT = 0.15
"""A shift of fat that leaves this share of the signal explains little."""
LEAST_BIAS = 1.0
"""Points; a smaller error is not worth a finding."""
LIVER_PERCENT = (0.0, 40.0)
FIELDS_T, NEAR = (1.5, 3.0), 0.08
"""Field strengths that are named, and how near one has to be."""


def assess_fat_shift(
    scan: EstimatedScan, corrected: EchoSeries, explained: float = 1.0
) -> tuple[list[Finding], dict[str, Any]]:
    """Findings on echo times and field strength, and how far fat fractions are off.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result.
    corrected : EchoSeries
        A few of its slices with their phase errors corrected.
    explained : float
        Factor by which an error of whole echoes lowers the residual; a shift of fat has to do better. Where that is much, a
        phase of fat is what such an error leaves.

    Returns
    -------
    findings : list of Finding
        One, or none.
    bias : dict
        Fat fractions that are `read` and `true` (percent); {} without a finding, or where no number means anything.
    """
    series, spectrum = scan.series, scan.spectrum
    if scan.corrections.mixed:  # the phase of the first echo is known to be off, and both tests would find that again
        return [], {}
    scale = find_fat_scale(corrected, spectrum)
    if scale is not None and _clear(scale) and scale.gain > explained:
        phase = find_fat_phase(replace(scan, spectrum=scaled(spectrum, scale.factor)))
        return _of_scale(series, spectrum, scale, phase.radians if phase is not None else 0.0)
    if explained > CLEAR_GAIN:
        return [], {}
    phase = find_fat_phase(scan)
    if phase is not None and abs(phase.radians) > max(CLEAR_RAD, CLEAR_ERRORS * phase.error):
        return _of_phase(series, spectrum, phase)
    return [], {}


def fat_shift_of_echoes(series: EchoSeries, corrections: PhaseCorrections, spectrum: FatSpectrum) -> list[Finding]:
    """Finding on a shift of fat that echoes alone show, before an estimate: it may be why a rotation sense is open.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    corrections : PhaseCorrections
        Corrections of the run.
    spectrum : FatSpectrum
        Fat spectrum of the run.

    Returns
    -------
    list of Finding
        One, or none.
    """
    scale = find_fat_scale(corrected_slices(series, corrections, MOST_SLICES), spectrum)
    return _of_scale(series, spectrum, scale, 0.0)[0] if scale is not None and _clear(scale) else []


def _clear(scale: FatScale) -> bool:
    off = scale.mirrored or abs(math.log(scale.factor)) > math.log(CLEAR_FACTOR)
    return off and scale.gain >= CLEAR_GAIN and scale.z >= CLEAR_Z


def _of_scale(
    series: EchoSeries, spectrum: FatSpectrum, scale: FatScale, phase_rad: float
) -> tuple[list[Finding], dict[str, Any]]:
    if scale.mirrored and abs(math.log(scale.factor)) < math.log(CLEAR_FACTOR):
        return [_of_sense(scale)], {}
    off, bias = _bias(series, spectrum, scale.factor, phase_rad)
    if scale.mirrored:
        off, bias = math.inf, {}
    if off < LEAST_BIAS:
        return [], {}
    true_t = series.field_strength_t * scale.factor
    other = next((t for t in FIELDS_T if abs(true_t / t - 1) < NEAR and abs(series.field_strength_t / t - 1) > NEAR), None)
    guess = f", as at {other:g} T" if other else ""
    also = (
        f" {100 * scale.left:.0f} % of the signal are left over even so: more, or something else, is wrong, such as the order, "
        "the phase or the rotation sense of single echoes."
        if scale.left > LARGE_LEFT
        else ""
    )
    return [
        Finding(
            "fat-shift",
            Severity.STOP if off > LARGEST_BIAS else Severity.WARN,
            f"Fat turns against water {scale.factor:.2f} times as fast as echo times and a field strength of "
            f"{series.field_strength_t:g} T say{guess}; with that the residual is lower by a factor of {scale.gain:.2f}.{also} "
            + _size(off),
            advise(
                "Check the echo times and their unit ({}) and the field strength ({}); a phantom at room temperature needs {}.",
                "te_s",
                "field_strength_t",
                ("preset", "phantom"),
            ),
        )
    ], bias


def _of_sense(scale: FatScale) -> Finding:
    return Finding(
        "sign-contradicts",
        Severity.STOP,
        f"The rotation sense in use is the wrong one: with the other the residual is lower by a factor of {scale.gain:.2f}. "
        "The wrong sense exchanges water and fat.",
        advise("Take the other one, or let the residual decide ({}).", ("conjugate", "auto")),
    )


def _of_phase(series: EchoSeries, spectrum: FatSpectrum, phase: FatPhase) -> tuple[list[Finding], dict[str, Any]]:
    off, bias = _bias(series, spectrum, 1.0, phase.radians)
    alone = series.n_echoes < MIN_ECHOES  # no residual shows a wrong spacing, which may do more harm than the phase itself
    if alone:
        other = _bias(series, spectrum, scale_of_phase(series, spectrum, phase.radians), 0.0)[0]
        off, bias = (other, {}) if other > max(off, LARGEST_BIAS) else (off, bias)
    if off < LEAST_BIAS and not alone:
        return [], {}
    return [
        Finding(
            "fat-phase",
            Severity.STOP if off > LARGEST_BIAS else Severity.WARN,
            f"Fat is {math.degrees(phase.radians):.0f} degrees out of phase with water at excitation, where both start with "
            f"one phase ({phase.voxels} voxels with both). {_size(off)}"
            + (" Three echoes do not show what else is wrong." if alone else ""),
            advise("Check the echo times ({}), above all the first one, and the phase of the first echo.", "te_s"),
            voxels=phase.voxels,
        )
    ], bias


def _bias(series: EchoSeries, spectrum: FatSpectrum, factor: float, phase_rad: float) -> tuple[float, dict[str, Any]]:
    """Largest error of a fat fraction as livers have it, and all of them; infinite and {} where two true ones read alike."""
    read, true = np.array(readings(series, spectrum, factor, phase_rad)).T
    if np.any(np.diff(read) <= 0):
        return math.inf, {}
    low, high = LIVER_PERCENT
    here = (true >= low) & (true <= high)
    return float(np.abs(read - true)[here].max()), {"read": read.round(2).tolist(), "true": true.tolist()}


def _size(off: float) -> str:
    if math.isinf(off):
        return "Fat fractions mean nothing."
    return f"Fat fractions up to {LIVER_PERCENT[1]:g} % are off by up to {off:.1f} points."
