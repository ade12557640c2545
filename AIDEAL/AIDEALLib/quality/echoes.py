"""Findings on single echoes that do not agree with the others: their scale, and the phase of the first one."""

from __future__ import annotations

from ..advice import advise
from ..echoes import EchoSeries
from ..estimation.phase_correction.corrections import PhaseCorrections
from ..estimation.phase_correction.gain_steps import find_gains
from ..estimation.voxelwise.mixed_fit import first_echo_excess
from ..physics.spectrum import FatSpectrum
from .findings import NO_ACTION, Finding, Severity

GAIN_STEP, GAIN_IMPROVEMENT = 0.05, 1.2
FIRST_ECHO_EXCESS = 1.15
"""Noise a complex fit needs against a mixed one. Clean simulations and three real scans lie between 0.98 and 1.07."""


def assess_echoes(corrected: EchoSeries, spectrum: FatSpectrum, corrections: PhaseCorrections) -> list[Finding]:
    """Findings from a few corrected slices.

    Parameters
    ----------
    corrected : EchoSeries
        A few slices, corrected.
    spectrum : FatSpectrum
        Fat spectrum.
    corrections : PhaseCorrections
        The corrections made.

    Returns
    -------
    list of Finding
        Findings, in no order.
    """
    return _gains(corrected, spectrum, corrections) + _first_echo(corrected, spectrum, corrections)


def _gains(corrected: EchoSeries, spectrum: FatSpectrum, corrections: PhaseCorrections) -> list[Finding]:
    if corrections.gains:
        off = ", ".join(f"echo {n} by {g:.2f}" for n, g in enumerate(corrections.gains, start=1) if abs(g - 1) > GAIN_STEP)
        text = f"Scales of the echoes were divided out as the data show them ({off or 'all within 5 %'})."
        return [Finding("gain-step-corrected", Severity.INFO, text, NO_ACTION)]
    gains = find_gains(corrected, spectrum)
    if gains is None or gains.improvement < GAIN_IMPROVEMENT:
        return []
    listed = ", ".join(f"echo {n} by {g:.2f}" for n, g in enumerate(gains.gains, start=1) if abs(g - 1) > GAIN_STEP)
    if not listed:
        return []
    return [
        Finding(
            "gain-step",
            Severity.WARN,
            f"Echoes are scaled against each other ({listed}); taking that out would lower the residual by a factor "
            f"{gains.improvement:.2f}.",
            advise(
                "Receiver gain changed, or echoes were rescaled on export: export with the scanner's rescale values, or as "
                "DICOM; or have the scales taken from the data ({}).",
                ("gain_steps", "yes"),
            ),
        )
    ]


def _first_echo(corrected: EchoSeries, spectrum: FatSpectrum, corrections: PhaseCorrections) -> list[Finding]:
    smooth = (
        corrections.first_echo is not None
        and corrections.first_echo.clear
        and corrections.first_echo not in corrections.applied
    )
    if corrections.mixed or smooth:  # corrected, or reported already
        return []
    excess = first_echo_excess(corrected, spectrum)
    if excess is None or excess < FIRST_ECHO_EXCESS:
        return []
    return [
        Finding(
            "first-echo-phase",
            Severity.WARN,
            f"The residual of the first echo stands out: without its phase the echoes fit the model {excess:.2f} times better "
            "(eddy currents, different from place to place).",
            advise("Estimate with {}, which leaves that phase out (mixed fit).", ("first_echo", "mixed")),
        )
    ]
