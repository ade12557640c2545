"""The one entry point of the checks: a scan, and its maps where they exist, in; findings out."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..echoes import EchoSeries
from ..estimation.echo_errors import error_of_scales, find_echo_error
from ..estimation.echo_noise import noise_scales
from ..estimation.estimate import CORRECTIONS, fat_spectrum
from ..estimation.estimated_scan import EstimatedScan
from ..estimation.phase_correction.corrections import PhaseCorrections, corrected_slices
from ..estimation.phase_correction.phase_errors import MIN_ECHOES
from ..estimation.phase_correction.plan import plan_corrections
from ..estimation.slice_pool import one_core, side_by_side
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import FatSpectrum
from ..stopwatch import Stopwatch
from .causes import sorted_findings
from .corrections import assess_corrections
from .echo_errors import assess_echo_error
from .echoes import assess_echoes
from .fat_shift import assess_fat_shift
from .findings import Finding, QualityReport, Severity
from .lost_echo import assess_lost_echo
from .magnitude_shift import assess_magnitude_shift
from .protocol import assess_protocol, expected_precision
from .result import assess_magnitude_fit, assess_maps, assess_networks
from .signal import MOST_SLICES, SignalCheck
from .usability import SINGLE_ECHOES, usability_of
from .wrapped import assess_wrapped

_Checked = tuple[list[Finding], dict[str, Any]]
"""Findings, and how far fat fractions are off (`usability.usability_of`)."""


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
    harm: dict[str, Any] = {}
    snr = _estimated_snr(maps) if maps is not None and maps.mask.any() else signal.snr
    expected = expected_precision(series, spectrum, snr, options.uses_phase)
    if any(f.severity is Severity.STOP for f in found):
        return QualityReport(sorted_findings(found), expected, _usability(maps, spectrum, signal, found, harm))

    made, scan, examined = corrections, None, None
    if options.uses_phase:
        with watch("checking"):
            made = corrections or plan_corrections(series, spectrum, options)
            examined = corrected_slices(series, made, MOST_SLICES)
        if maps is not None and corrections is not None:
            scan = EstimatedScan(series, maps, corrections, spectrum)

    def of_scan_and_maps() -> _Checked:
        with watch("checking"):
            found = assess_wrapped(series, signal.body, spectrum) + assess_protocol(series, spectrum, signal.snr, options)
            if maps is not None:
                found += assess_maps(maps, spectrum, signal.noise_sd) + assess_networks(maps.provenance)
            return (found if options.uses_phase else found + assess_magnitude_fit(maps)), {}

    def of_corrected_echoes() -> _Checked:
        if made is None or examined is None:
            return [], {}
        with watch("checking"):
            return assess_corrections(made) + assess_echoes(examined, spectrum, made), {}

    def of_model() -> _Checked:
        if scan is None or examined is None:
            return [], {}
        with watch("checking"):
            return _of_model(scan, examined, float(np.median(signal.noise_sd)))

    def of_magnitudes() -> _Checked:
        if scan is None:
            return [], {}
        with watch("checking"):
            found, readings = assess_magnitude_shift(scan, signal.noise_sd, options)
            return found, {"magnitudes": readings}

    (of_scan, _), (of_corrections, _), (model, harm), (contradiction, readings) = side_by_side(
        of_scan_and_maps, of_corrected_echoes, of_model, of_magnitudes
    )
    harm |= readings
    if model and "echo_error" in harm:  # the likeliest of these errors explains what the others seem to
        of_corrections = [f for f in of_corrections if f.code not in SINGLE_ECHOES]
    found += of_scan + of_corrections + model + contradiction
    return QualityReport(sorted_findings(found), expected, _usability(maps, spectrum, signal, found, harm))


def _estimated_snr(maps: ParameterMaps) -> float:
    """Median of |W + F| at t = 0 over the noise of the residuals; more exact than an estimate from the scan alone."""
    signal = np.abs(maps.water + maps.fat) / np.maximum(maps.provenance.noise_sd, 1e-30)[:, None, None]
    return float(np.median(signal[maps.mask]))


def _of_model(scan: EstimatedScan, examined: EchoSeries, noise_sd: float) -> _Checked:
    """What is wrong with single echoes, or with the protocol: whichever lowers the residual more."""
    series, corrections = scan.series, scan.corrections
    if lost := assess_lost_echo(examined, scan.spectrum):
        return lost, {}
    error = find_echo_error(scan, noise_sd)
    if series.n_echoes < MIN_ECHOES and not corrections.gains and (scales := noise_scales(series)) is not None:
        found, change = assess_echo_error(error_of_scales(scan, scales))
        if found:  # three echoes show no more than one error at a time
            return found, {"echo_error": change}
    of_echoes, change = assess_echo_error(error)
    of_fat, bias = assess_fat_shift(scan, examined, error.gain if error is not None and of_echoes else 1.0)
    return (of_fat, {"bias": bias}) if of_fat else (of_echoes, {"echo_error": change})


def _usability(
    maps: ParameterMaps | None, spectrum: FatSpectrum, signal: SignalCheck, found: list[Finding], harm: dict[str, Any]
) -> dict[str, Any]:
    return usability_of(maps, spectrum, signal.noise_sd, found, harm) if maps is not None else {}
