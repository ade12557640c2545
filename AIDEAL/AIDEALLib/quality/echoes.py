"""Does a single echo not go with the others? Its scale, and the phase of the first one."""

from __future__ import annotations

from ..echoes import EchoSeries
from ..estimation.phase_correction.gain_steps import find_gains
from ..estimation.phase_correction.plan import Repairs
from ..estimation.voxelwise.mixed_fit import first_echo_excess
from ..physics.spectrum import FatSpectrum
from .findings import Finding, Severity

GAIN_STEP, GAIN_IMPROVEMENT = 0.05, 1.2
FIRST_ECHO_EXCESS = 1.15
"""Noise a complex fit needs against a mixed one. Clean simulations and three real scans lie between 0.98 and 1.07."""


def assess_echoes(mended: EchoSeries, spectrum: FatSpectrum, repairs: Repairs) -> list[Finding]:
    """Findings from a few slices to which `repairs` have been applied."""
    return _gains(mended, spectrum, repairs) + _first_echo(mended, spectrum, repairs)


def _gains(mended: EchoSeries, spectrum: FatSpectrum, repairs: Repairs) -> list[Finding]:
    if repairs.gains:
        off = ", ".join(f"echo {n} by {g:.2f}" for n, g in enumerate(repairs.gains, start=1) if abs(g - 1) > GAIN_STEP)
        text = f"Scales of the echoes were divided out as the data tell them ({off or 'all within 5 %'})."
        return [Finding("gain-step-corrected", Severity.INFO, text, "Nothing to do; the header did not tell these scales.")]
    gains = find_gains(mended, spectrum)
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
            "Receiver gain changed, or echoes were rescaled on export: export with the scanner's rescale values, or as DICOM; "
            "or have the scales taken from the data (--gain-steps yes).",
        )
    ]


def _first_echo(mended: EchoSeries, spectrum: FatSpectrum, repairs: Repairs) -> list[Finding]:
    smooth = repairs.first_echo is not None and repairs.first_echo.clear and repairs.first_echo not in repairs.applied
    if repairs.mixed or smooth:  # taken care of, or told already
        return []
    excess = first_echo_excess(mended, spectrum)
    if excess is None or excess < FIRST_ECHO_EXCESS:
        return []
    return [
        Finding(
            "first-echo-phase",
            Severity.WARN,
            f"The residual of the first echo stands out: without its phase the echoes fit the model {excess:.2f} times better "
            "(eddy currents, different from place to place).",
            "Run with --first-echo mixed, which leaves that phase out (mixed fit).",
        )
    ]
