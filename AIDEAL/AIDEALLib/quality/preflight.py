"""The check before an estimate: whether a scan can give numbers that mean anything, and what precision to expect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..echoes import EchoSeries
from ..errors import InputError
from ..estimation.slice_pool import one_core
from ..options import RunOptions
from ..physics.spectrum import FatSpectrum
from .findings import Finding, Severity
from .protocol import EXPECTED_AT, assess_protocol, expected_precision
from .signal import SignalCheck


class UnusableScan(InputError):
    """The check before the estimate found the scan unusable.

    Parameters
    ----------
    findings : tuple of Finding
        Why, the first of them in the message.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings[0].sentence, findings[0].advice)
        self.findings = findings


@dataclass(frozen=True)
class Preflight:
    """What is known before an estimate.

    Attributes
    ----------
    stops : tuple of Finding
        Findings of severity `STOP`.
    expectation : str
        Precision to expect, in a sentence; '' without signal.
    signal : SignalCheck
        Check of the echoes.
    """

    stops: tuple[Finding, ...]
    expectation: str
    signal: SignalCheck

    def refuse(self) -> None:
        """Raise where echoes and protocol cannot give a number that means anything.

        Raises
        ------
        UnusableScan
            There are findings of severity `STOP`.
        """
        if self.stops:
            raise UnusableScan(self.stops)


@one_core()
def preflight(series: EchoSeries, options: RunOptions, spectrum: FatSpectrum) -> Preflight:
    """Check echoes and protocol before an estimate.

    Parameters
    ----------
    series : EchoSeries
        The scan as loaded.
    options : RunOptions
        Options of the run.
    spectrum : FatSpectrum
        Fat spectrum of the run.

    Returns
    -------
    Preflight
        What stands in the way, and what precision to expect.
    """
    signal = SignalCheck.of(series, options.uses_phase)
    snr, stops = signal.snr, _stops(signal.findings)
    if not stops:
        stops = _stops(assess_protocol(series, spectrum, snr, options))
    if not signal.body.any() or snr <= 0:
        return Preflight(stops, "", signal)
    expected = expected_precision(series, spectrum, snr, options.uses_phase)
    listed = ", ".join(f"{expected[f'pdff_sd_at_{pdff:g}']:.1f} at {pdff:g} %" for pdff in EXPECTED_AT)
    sentence = f"SNR {snr:.0f}: expect a PDFF standard deviation of at least {listed} in a voxel (Cramer-Rao bound, points)."
    return Preflight(stops, sentence, signal)


def _stops(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.severity is Severity.STOP)
