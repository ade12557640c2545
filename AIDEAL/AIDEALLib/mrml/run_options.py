"""Options of a run as the panel's parameter node holds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..choices import GainSteps
from ..options import Overrides, RunOptions
from .scan.scene_scan import SceneScan
from .scan.stated import seconds

PARAMETERS = {
    "method": "method",
    "device": "device",
    "preset": "preset",
    "spectrum": "spectrum",
    "ppm_offset": "ppmOffset",
    "conjugate": "conjugate",
    "bipolar": "bipolar",
    "first_echo": "firstEcho",
    "gain_steps": "gainSteps",
    "te_s": "echoTimesMs",
    "field_strength_t": "fieldStrength",
    "readout": "readout",
    "flip_angle_deg": "flipAngle",
    "repetition_time_s": "repetitionTimeMs",
    "t1": "t1",
    "slices": "slices",
    "phase_unit": "phaseUnit",
}
"""Parameter of the panel by option of a run; `anyway` is decided for one run, and `models` is for the command line."""

LOWEST_PPM_OFFSET, HIGHEST_PPM_OFFSET = -1.0, 1.0
"""Range of the spin box, ppm; its lowest setting takes the offset of the preset."""


def run_options(parameters: Any, scan: SceneScan, *, anyway: bool = False, device: str | None = None) -> RunOptions:
    """Options of a run with the settings of the panel.

    Parameters
    ----------
    parameters : AidealParameters
        Parameter node of the panel.
    scan : SceneScan
        The chosen scan, for its echo times where any was typed by hand.
    anyway : bool
        Estimate although the check before the estimate found the scan unusable.
    device : str, optional
        Overrides the device of the panel.

    Returns
    -------
    RunOptions
        Options, overrides of the scan included.
    """
    overrides = scan_overrides(parameters)
    if parameters.echoTimesMs:
        overrides = replace(overrides, te_s=tuple(te for te in scan.te_s if te is not None))
    return RunOptions(
        method=parameters.method,
        device=device or parameters.device.value,
        preset=parameters.preset,
        spectrum=parameters.spectrum,
        ppm_offset=parameters.ppmOffset if parameters.ppmOffset > LOWEST_PPM_OFFSET else None,
        conjugate=parameters.conjugate,
        bipolar=parameters.bipolar,
        first_echo=parameters.firstEcho,
        t1=parameters.t1,
        slices=parameters.slices,
        gain_steps=GainSteps.CORRECT if parameters.gainSteps else GainSteps.AS_STORED,
        anyway=anyway,
        overrides=overrides,
    )


def scan_overrides(parameters: Any) -> Overrides:
    """Values besides the echo times that override the scan."""
    return Overrides(
        field_strength_t=parameters.fieldStrength or None,
        readout=parameters.readout.readout,
        phase_unit=parameters.phaseUnit.unit,
        flip_angle_deg=parameters.flipAngle or None,
        repetition_time_s=seconds(parameters.repetitionTimeMs) if parameters.repetitionTimeMs else None,
    )


def typed_times_s(text: str) -> list[float | None]:
    """Echo times typed by hand in ms, as the parameter node stores them; None for an echo without one."""
    return [None if ms is None else seconds(ms) for ms in map(number, text.split())]


def number(text: str) -> float | None:
    """Number in a text, None where there is none."""
    try:
        return float(text)
    except ValueError:
        return None
