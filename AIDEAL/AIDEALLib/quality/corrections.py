"""Findings from the phase corrections of a scan: those made, and those left undone."""

from __future__ import annotations

import math

from ..advice import advise
from ..estimation.phase_correction.corrections import PhaseCorrections
from ..estimation.phase_correction.phase_errors import PhaseError
from .findings import NO_ACTION, Finding, Severity

HARMLESS_POINTS = 5.0
"""Readings of an open rotation sense that differ by less, in a typical voxel, are a warning and no reason to stop."""


def assess_corrections(corrections: PhaseCorrections) -> list[Finding]:
    """Findings from the phase corrections of a scan."""
    return _rotation_sense(corrections) + _odd_even(corrections) + _first_echo(corrections)


def _rotation_sense(corrections: PhaseCorrections) -> list[Finding]:
    trial = corrections.sign_trial
    if trial is None and corrections.sign_decided:
        return []
    if trial is None:
        return [
            Finding(
                "sign-undecided",
                Severity.WARN,
                "The scan fits as well with the phase conjugated, so its rotation sense was not decided by the data.",
                advise("Compare with {}: the wrong sense exchanges water and fat.", ("conjugate", "yes")),
            )
        ]
    if trial.agree:
        return [
            Finding(
                "sign-without-effect",
                Severity.INFO,
                "The scan fits as well with the phase conjugated; with these echo times both give the same PDFF.",
                NO_ACTION,
            )
        ]
    readings = (
        f"The median PDFF of the body is {trial.given.pdff_median:.0f} % as stored and {trial.conjugated.pdff_median:.0f} % "
        "with the phase conjugated"
    )
    sense = "conjugated" if corrections.conjugated else "as stored"
    if corrections.sign_decided:
        return [
            Finding(
                "sign-by-plausibility",
                Severity.INFO,
                f"The residual does not decide the rotation sense. {readings}; R2* and the place of fat decided for {sense} "
                f"(probability {100 * corrections.sign_probability:.1f} %).",
                advise("Look at the PDFF map: fat belongs under the skin."),
            )
        ]
    part = f"; {100 * trial.other_share:.0f} % of it is read otherwise" if trial.differ_in_part else ""
    harmful = trial.differ_in_part or trial.difference_points > HARMLESS_POINTS
    harm = ", and the wrong one exchanges water and fat" if harmful else ""
    return [
        Finding(
            "sign-undecided",
            Severity.STOP if harmful else Severity.WARN,
            f"The rotation sense of the phase is open{harm}. {readings}{part}; more probable is "
            f"{sense} ({100 * corrections.sign_probability:.0f} %).",
            advise("Choose the reading that fits the anatomy: {} or {}.", ("conjugate", "no"), ("conjugate", "yes")),
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
                NO_ACTION,
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
                NO_ACTION,
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
