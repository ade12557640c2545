"""Unit of DICOM phase images, from the unit that the header names, the range that can be stored, or the values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...choices import PhaseUnit
from ...errors import InputError
from ..phase_units import detect_phase_unit
from .dialects import Scaling, Vendor, units_per_radian

_BY_HALF_TURN = (
    (4096.0, PhaseUnit.SIGNED_4096),
    (1000 * np.pi, PhaseUnit.MILLIRADIANS),
    (np.pi, PhaseUnit.RADIANS),
    (180.0, PhaseUnit.DEGREES),
)
_BY_UNITS_PER_RADIAN = ((1000.0, PhaseUnit.MILLIRADIANS), (1.0, PhaseUnit.RADIANS), (180 / np.pi, PhaseUnit.DEGREES))
SAME_RANGE = 0.003
"""Share of half a turn by which a range that can be stored may differ from -half a turn to half a turn."""
LARGEST_HALF_TURNS = 2.02
"""Largest phase, in half turns, that is compatible with the unit that the header names."""


def phase_unit_of(vendor: Vendor, scaling: Scaling, phase: npt.NDArray[np.floating]) -> tuple[PhaseUnit, str]:
    """Unit of rescaled phase values.

    Parameters
    ----------
    vendor : Vendor
        Vendor of the scanner.
    scaling : Scaling
        Scaling of the images.
    phase : np.ndarray
        Their values, rescaled, of all echoes together.

    Returns
    -------
    unit : PhaseUnit
        Unit of the values.
    evidence : str
        Reason, in words, for provenance.

    Raises
    ------
    InputError
        Neither header nor values decide the unit.
    """
    low, high = float(phase.min()), float(phase.max())
    found = f"values run from {low:.4g} to {high:.4g}"
    per_radian = units_per_radian(scaling.unit)
    if per_radian is not None and max(-low, high) <= LARGEST_HALF_TURNS * np.pi * per_radian:
        unit = min(_BY_UNITS_PER_RADIAN, key=lambda entry: abs(entry[0] - per_radian))[1]
        return unit, f"the header names the unit {scaling.unit}; {found}"
    bottom, top = sorted(s * scaling.slope + scaling.intercept for s in scaling.stored_range)
    for half, unit in _BY_HALF_TURN:
        if scaling.intercept and max(abs(bottom + half), abs(top - half)) < SAME_RANGE * half:
            return unit, f"{scaling.source} span one turn, {bottom:.5g} to {top:.5g}; {found}"
    if vendor is Vendor.SIEMENS and low >= 0 and 2048 < high <= 4095 and not scaling.intercept:
        return PhaseUnit.UNSIGNED_4096, f"Siemens stores one turn as 0 to 4095; {found}"
    if vendor in (Vendor.GE, Vendor.PHILIPS) and low < 0 and 500 < max(-low, high) <= 1000 * np.pi + 2:
        return PhaseUnit.MILLIRADIANS, f"{vendor.value} writes phase in milliradians; {found}"
    try:
        return detect_phase_unit(phase), found
    except InputError as error:
        message = error.message.replace("The phase images run", f"The phase images ({vendor.value}) run")
        raise InputError(message, error.advice) from error
