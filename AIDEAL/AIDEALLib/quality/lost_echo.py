"""Finding on an echo that is missing without a gap in the echo times (`estimation.lost_echo`)."""

from __future__ import annotations

from ..advice import advise
from ..echoes import EchoSeries
from ..estimation.lost_echo import find_lost_echo
from ..physics.spectrum import FatSpectrum
from .findings import Finding, Severity

CLEAR_GAIN, CLEAR_Z = 1.4, 5.0
"""Factor by which the right times lower the residual of a typical voxel, and in standard errors of its logarithm. Where no echo
is missing a gap raises it: factors up to 0.53 in clean simulations, 0.71 in four real scans; otherwise they are above 2.6."""


def assess_lost_echo(corrected: EchoSeries, spectrum: FatSpectrum) -> list[Finding]:
    """Finding on an echo that is missing, although the echo times leave no gap.

    Parameters
    ----------
    corrected : EchoSeries
        A few slices with their phase errors corrected.
    spectrum : FatSpectrum
        Fat spectrum of the run.

    Returns
    -------
    list of Finding
        One, or none.
    """
    lost = find_lost_echo(corrected, spectrum)
    if lost is None or lost.gain < CLEAR_GAIN or lost.z < CLEAR_Z:
        return []
    return [
        Finding(
            "echo-lost",
            Severity.STOP,
            f"An echo after echo {lost.after} is missing, and the times of the later ones are a spacing too early: with "
            f"later ones the residual is lower by a factor of {lost.gain:.1f}. Fat fractions mean nothing.",
            advise("Load all echoes of the series, or give each echo its own time ({}).", "te_s"),
        )
    ]
