"""The one entry point of the checks: a scan, and its maps where they exist, in; findings out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..echoes import EchoSeries
from ..estimation.estimate import CORRECTIONS, fat_spectrum
from ..estimation.phase_correction.plan import PhaseCorrections, corrected_slices, plan_corrections
from ..estimation.slice_pool import one_core, side_by_side
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import FatSpectrum
from ..stopwatch import Stopwatch
from .causes import sorted_findings
from .corrections import assess_corrections
from .echoes import assess_echoes
from .fat_shift import assess_fat_shift
from .findings import Finding, QualityReport, Severity
from .protocol import assess_protocol, expected_precision
from .result import assess_magnitude_fit, assess_maps, assess_networks, usability_of
from .signal import MOST_SLICES, SignalCheck
from .wrapped import assess_wrapped

_Checked = tuple[list[Finding], dict[str, Any]]
"""Findings, and fat fractions that a wrong protocol lets read (`fat_shift.assess_fat_shift`)."""


@one_core()
def assess(
    series: EchoSeries,
    maps: ParameterMaps | None = None,
    options: RunOptions | None = None,
    *,
    spectrum: FatSpectrum | None = None,
    corrections: PhaseCorrections | None = None,
    signal: SignalCheck | None = None,
    watch: Stopwatch | None = None,
) -> QualityReport:
    """Look for everything that could make a number wrong.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    maps : ParameterMaps, optional
        Its result; None before it is estimated.
    options : RunOptions, optional
        Options of the run; those in the provenance of the maps, or the defaults, when None.
    spectrum : FatSpectrum, optional
        Overrides the spectrum that the options name.
    corrections : PhaseCorrections, optional
        Phase corrections of the run; those in the provenance of the maps, or planned from the scan, when None.
    signal : SignalCheck, optional
        Check of the echoes, where it was made before the estimate.
    watch : Stopwatch, optional
        Times the checks as "checking".

    Returns
    -------
    QualityReport
        Findings, the worst first, and the precision that the protocol allows.
    """
    stored = maps.provenance.options if maps is not None else {}
    options = options or RunOptions.from_dict(stored.get("run", {}))
    if corrections is None and CORRECTIONS in stored:
        corrections = PhaseCorrections.from_dict(stored[CORRECTIONS])
    spectrum, watch = spectrum or fat_spectrum(options), watch or Stopwatch()
    signal = signal or SignalCheck.of(series, options.uses_phase)
    found = list(signal.findings)
    bias: dict[str, Any] = {}
    snr = _estimated_snr(maps) if maps is not None and maps.mask.any() else signal.snr
    expected = expected_precision(series, spectrum, snr, options.uses_phase)
    if any(f.severity is Severity.STOP for f in found):
        return QualityReport(sorted_findings(found), expected, _usability(maps, signal, found, bias))

    def of_scan_and_maps() -> _Checked:
        with watch("checking"):
            found = assess_wrapped(series, signal.body, spectrum) + assess_protocol(series, spectrum, signal.snr, options)
            if maps is not None:
                found += assess_maps(maps, spectrum, signal.noise_sd) + assess_networks(maps.provenance)
            return (found if options.uses_phase else found + assess_magnitude_fit(maps)), {}

    def of_corrected_echoes() -> _Checked:
        if not options.uses_phase:
            return [], {}
        with watch("checking"):
            made = corrections or plan_corrections(series, spectrum, options)
            examined = corrected_slices(series, made, MOST_SLICES)
            return assess_corrections(made) + assess_echoes(examined, spectrum, made), {}

    def of_fat() -> _Checked:
        if not options.uses_phase or maps is None or corrections is None:
            return [], {}
        with watch("checking"):
            return assess_fat_shift(series, maps, corrections, spectrum)

    for some, of_readings in side_by_side(of_scan_and_maps, of_corrected_echoes, of_fat):
        found += some
        bias |= of_readings
    return QualityReport(sorted_findings(found), expected, _usability(maps, signal, found, bias))


def _estimated_snr(maps: ParameterMaps) -> float:
    """Median of |W + F| at t = 0 over the noise of the residuals; more exact than an estimate from the scan alone."""
    signal = np.abs(maps.water + maps.fat) / np.maximum(maps.provenance.noise_sd, 1e-30)[:, None, None]
    return float(np.median(signal[maps.mask]))


def _usability(maps: ParameterMaps | None, signal: SignalCheck, found: list[Finding], bias: dict[str, Any]) -> dict[str, Any]:
    return usability_of(maps, signal.noise_sd, found, bias) if maps is not None else {}
