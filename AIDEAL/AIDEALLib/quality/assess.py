"""The one entry point: a scan, and its maps where there are some, in; findings out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..echoes import EchoSeries
from ..errors import InputError
from ..estimation.phase_correction.plan import Repairs, mended, plan_repairs
from ..methods import Method
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK, FatSpectrum
from ..presets import Preset
from .echoes import assess_echoes
from .findings import Finding, QualityReport, Severity, sorted_findings
from .protocol import EXPECTED_AT, assess_protocol, expected_precision
from .result import assess_magnitude_fit, assess_maps, assess_repairs
from .signal import MOST_SLICES, assess_signal, signal_to_noise
from .wrapped import assess_wrapped


def assess(
    series: EchoSeries,
    maps: ParameterMaps | None = None,
    spectrum: FatSpectrum = SIX_PEAK,
    repairs: Repairs | None = None,
    method: str = Method.REFINED.value,
    preset: Preset = Preset.LIVER,
) -> QualityReport:
    """Look for everything that could make a number wrong.

    Parameters
    ----------
    series : the scan as loaded. maps : its result; None before it is estimated.
    spectrum : of fat. repairs : what was planned for the scan; taken from the provenance of `maps`, or planned here, when None.
    method : to be used; that of `maps` where there are some. preset : a phantom gets no advice about the T1 of tissue.
    """
    phase_used = (maps.provenance.method if maps is not None else method) != Method.MAGNITUDE
    snr, body, noise = signal_to_noise(series)
    found = assess_signal(series, body, phase_used)
    report = expected_precision(series, spectrum, snr, phase_used)
    if any(f.severity is Severity.STOP for f in found):
        return QualityReport(sorted_findings(found), report)
    found += assess_wrapped(series, body, spectrum)
    found += assess_protocol(series, spectrum, snr, phase_used, preset.tissue)
    if not phase_used:
        found += assess_magnitude_fit(maps)
        found += assess_maps(maps, spectrum, noise) if maps is not None else []
        return QualityReport(sorted_findings(found), report)
    told: dict[str, Any] | None = maps.provenance.options.get("repairs") if maps is not None else None
    if repairs is not None or told is None:
        repairs = repairs or plan_repairs(series, spectrum)
        told = repairs.as_dict()
    found += assess_repairs(told)
    repairs = repairs or Repairs.from_dict(told)
    found += assess_echoes(mended(series, repairs, MOST_SLICES), spectrum, repairs)
    if maps is not None:
        found += assess_maps(maps, spectrum, noise)
    return QualityReport(sorted_findings(found), report)


@dataclass(frozen=True)
class Outlook:
    """Before an estimate: findings of severity `STOP`, and in a sentence what precision to expect ('' without signal)."""

    stops: tuple[Finding, ...]
    expectation: str

    def refuse(self) -> None:
        """Raise where echoes and protocol cannot give a number that means anything.

        Raises
        ------
        InputError
            The first finding, with its advice.
        """
        for finding in self.stops:
            raise InputError(f"{finding.sentence} {finding.advice}")


def outlook(series: EchoSeries, method: str = Method.REFINED.value, spectrum: FatSpectrum = SIX_PEAK) -> Outlook:
    """Look at echoes and protocol before an estimate by a method."""
    phase_used = method != Method.MAGNITUDE
    snr, body, _ = signal_to_noise(series)
    found = assess_signal(series, body, phase_used)
    stops = tuple(finding for finding in found if finding.severity is Severity.STOP)
    if not stops:
        protocol = assess_protocol(series, spectrum, snr, phase_used)
        stops = tuple(finding for finding in protocol if finding.severity is Severity.STOP)
    if not body.any() or snr <= 0:
        return Outlook(stops, "")
    expected = expected_precision(series, spectrum, snr, phase_used)
    told = ", ".join(f"{expected[f'pdff_sd_at_{at:g}']:.1f} at {at:g} %" for at in EXPECTED_AT)
    sentence = f"SNR {snr:.0f}: expect a PDFF standard deviation of at least {told} in a voxel (Cramer-Rao bound, points)."
    return Outlook(stops, sentence)


def unusable(series: EchoSeries, method: str = Method.REFINED.value) -> list[Finding]:
    """Findings of severity `STOP` for this method; [] where the scan can be estimated."""
    return list(outlook(series, method).stops)
