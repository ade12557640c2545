"""Findings from the phase corrections of a scan: those made, and those left undone."""

from __future__ import annotations

import math

from ..advice import advise
from ..estimation.phase_correction.phase_errors import PhaseError
from ..estimation.phase_correction.plan import PhaseCorrections
from .findings import Finding, Severity


def assess_corrections(corrections: PhaseCorrections) -> list[Finding]:
    """Findings from the phase corrections of a scan."""
    return _rotation_sense(corrections) + _odd_even(corrections) + _first_echo(corrections)


def _rotation_sense(corrections: PhaseCorrections) -> list[Finding]:
    if corrections.sign_decided:
        return []
    return [
        Finding(
            "sign-undecided",
            Severity.INFO,
            "The scan fits as well with the phase mirrored, so its rotation sense was not decided by the data.",
            advise("Harmless where there is little fat; where fat is expected, compare with {}.", ("conjugate", "yes")),
        )
    ]


def _odd_even(corrections: PhaseCorrections) -> list[Finding]:
    error = corrections.bipolar
    if error is None:
        return []
    if error in corrections.applied or corrections.by_slice:
        return [
            Finding(
                "bipolar-corrected",
                Severity.INFO,
                f"Odd and even echoes differed in phase by up to {_degrees(error)} degrees and were corrected; the residual "
                f"fell from {error.residual_before:.3g} to {error.residual_after:.3g} %.",
                advise("Nothing to do; a residual still high would mean that the phase does not follow a straight line."),
            )
        ]
    if not error.clear:
        return []
    return [
        Finding(
            "bipolar-uncorrected",
            Severity.WARN,
            f"Odd and even echoes differ in phase (correcting it would lower the residual by {error.gain:.2f}), and "
            "that was not corrected, on request or because the read-out is stated to be monopolar.",
            advise("Estimate with {}: PDFF may be wrong by tens of points.", ("bipolar", "auto")),
        )
    ]


def _first_echo(corrections: PhaseCorrections) -> list[Finding]:
    error = corrections.first_echo
    if error is None:
        return []
    if error in corrections.applied:
        return [
            Finding(
                "first-echo-corrected",
                Severity.INFO,
                f"The phase of the first echo was off by up to {_degrees(error)} degrees and was corrected.",
                advise("Nothing to do."),
            )
        ]
    if not error.clear:
        return []
    return [
        Finding(
            "first-echo-phase",
            Severity.WARN,
            f"The first echo stands out: its phase is off by up to {_degrees(error)} degrees (eddy currents).",
            advise("Estimate with {}, which leaves that phase out (mixed fit).", ("first_echo", "mixed")),
        )
    ]


def _degrees(error: PhaseError) -> str:
    ends = (error.constant_rad + error.slope_rad * u for u in (-0.5, 0.5))
    return f"{math.degrees(max(abs(e) for e in ends)):.0f}"
