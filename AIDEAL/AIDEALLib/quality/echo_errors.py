"""Findings on errors of whole echoes that a result still holds, with their harm (`estimation.echo_errors`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..advice import Advice, advise
from ..estimation.echo_errors import EchoError, ErrorKind
from ..statistics.usability import LARGEST_BIAS, change_terms
from .findings import Finding, Severity

OPEN, CERTAIN = 0.05, 0.99
"""Below the first probability nothing is wrong; up to the second it is open."""
LEAST_CHANGE = 1.0
"""Points; a smaller error is not worth a finding."""
STATED_SHARE = 80
"""Percentile of the change over the voxels that is stated as the size of the harm."""
LIVER_PERCENT = (-20.0, 50.0)
"""Fat fractions, as read, of voxels that count."""
LARGEST_CHANGE = 60.0
"""Points; larger changes of single voxels are beyond what a linear model gives."""
_CODES = {
    ErrorKind.ODD_EVEN: "bipolar-uncorrected",
    ErrorKind.FIRST_ECHO: "first-echo-phase",
    ErrorKind.SCALES: "gain-step",
}
_ADVICE: dict[ErrorKind, Advice] = {
    ErrorKind.ODD_EVEN: advise("Compare with {}.", ("bipolar", "yes")),
    ErrorKind.FIRST_ECHO: advise("Estimate with {}, which leaves that phase out (mixed fit).", ("first_echo", "mixed")),
    ErrorKind.SCALES: advise(
        "Receiver gain changed, or echoes were rescaled on export: export with the scanner's rescale values, or as DICOM; or "
        "have the scales taken from the data ({}).",
        ("gain_steps", "yes"),
    ),
    ErrorKind.IMAGINARY: advise(
        "Export real and imaginary images with the rescale values of the scanner, or magnitude and phase."
    ),
}


def assess_echo_error(error: EchoError | None) -> tuple[list[Finding], dict[str, Any]]:
    """Finding on the most probable error of whole echoes, and how it moves fat fractions.

    Parameters
    ----------
    error : EchoError or None
        What was found.

    Returns
    -------
    findings : list of Finding
        One, or none where the error is improbable or moves no fat fraction by a point.
    change : dict
        `name` of the error and `coefficients` of the change of PDFF (`statistics.usability.change_terms`); {} without a
        finding, or where the change differs from voxel to voxel.
    """
    if error is None or error.probability < OPEN:
        return [], {}
    liver = (error.pdff > LIVER_PERCENT[0]) & (error.pdff < LIVER_PERCENT[1])
    chosen = liver if liver.any() else np.ones_like(liver)
    size = float(np.percentile(np.abs(error.change_points[chosen]), STATED_SHARE))
    if size < LEAST_CHANGE:
        return [], {}
    sure = "" if error.probability >= CERTAIN else f" (probability {100 * error.probability:.0f} %)"
    severity = Severity.STOP if size > LARGEST_BIAS else Severity.WARN
    sentence = f"{_sentence(error)}{sure}; that moves fat fractions by up to {size:.1f} points."
    if error.kind is ErrorKind.IMAGINARY:  # follows the phase of each voxel, not its place
        return [Finding("imaginary-scale", severity, sentence, _ADVICE[error.kind])], {}
    finding = Finding(_CODES[error.kind], severity, sentence, _ADVICE[error.kind])
    change = np.clip(error.change_points[chosen], -LARGEST_CHANGE, LARGEST_CHANGE)
    terms = change_terms(error.pdff[chosen], error.place[:, chosen])
    coefficients = np.linalg.lstsq(terms, change, rcond=None)[0]
    return [finding], {"name": error.kind.value, "coefficients": coefficients.round(5).tolist()}


def _sentence(error: EchoError) -> str:
    if error.kind is ErrorKind.SCALES:
        largest = max(range(len(error.size)), key=lambda n: abs(error.size[n]))
        return f"Echoes are scaled against each other (most of all echo {largest + 1}, by {1 + error.size[largest]:.2f})"
    if error.kind is ErrorKind.IMAGINARY:
        return f"Imaginary parts have {(1 - error.size[0]) / (1 + error.size[0]):.2f} times the scale of real parts"
    constant, *slopes = error.size
    degrees = math.degrees(abs(constant) + sum(map(abs, slopes)) / 2)
    if error.kind is ErrorKind.FIRST_ECHO:
        return f"The phase of the first echo is off by up to {degrees:.0f} degrees (eddy currents)"
    return f"Odd and even echoes differ in phase by up to {degrees:.0f} degrees, as a bipolar read-out leaves it"
