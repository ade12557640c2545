"""Words and codes of DICOM for the parts of the complex signal."""

from __future__ import annotations

from collections.abc import Sequence

from ..naming import Part

_COMPONENTS = {
    "MAGNITUDE": Part.MAGNITUDE,
    "PHASE": Part.PHASE,
    "REAL": Part.REAL,
    "IMAGINARY": Part.IMAGINARY,
}
_IMAGE_TYPES = {
    **_COMPONENTS,
    "M": Part.MAGNITUDE,
    "P": Part.PHASE,
    "R": Part.REAL,
    "I": Part.IMAGINARY,
    "M_FFE": Part.MAGNITUDE,
    "P_FFE": Part.PHASE,
    "R_FFE": Part.REAL,
    "I_FFE": Part.IMAGINARY,
    "PHASE MAP": Part.PHASE,
    "IMAG": Part.IMAGINARY,
}
_GE_CODES = (Part.MAGNITUDE, Part.PHASE, Part.REAL, Part.IMAGINARY)
_DERIVED = (
    *("WATER", "FAT", "W", "F", "IP", "OP", "IN_PHASE", "OUT_PHASE", "OPP_PHASE", "FAT_FRACTION", "FATFRACTION", "FF"),
    *("PDFF", "R2_STAR", "R2STAR", "R2*", "T2_STAR", "T2STAR", "T2*", "T2_STAR_UNI", "B0", "FIELD_MAP", "ADC", "T1", "T2"),
    *("LOCALIZER", "MPR", "PROJECTION IMAGE", "MIN IP", "MNIP"),
)
_FIRST = 2
"""Values 1 and 2 of Image Type are the pixel data and patient examination characteristics (PS3.3, C.7.6.1.1.2)."""


def part_of_component(word: str) -> Part | None:
    """Part that a value of Complex Image Component (0008,9208) names, None for MIXED and whatever is no such value."""
    return _COMPONENTS.get(word.upper())


def part_of_image_type(values: Sequence[str]) -> Part | None:
    """Part that Image Type (0008,0008), or Frame Type, names; None where it names none."""
    words = (value.upper() for value in values[_FIRST:])
    return next((_IMAGE_TYPES[word] for word in words if word in _IMAGE_TYPES), None)


def part_of_ge_code(code: int | None) -> Part | None:
    """Part of GE's private image type (0043,102F), None where it is absent or another number."""
    return _GE_CODES[code] if code is not None and 0 <= code < len(_GE_CODES) else None


def is_derived(values: Sequence[str]) -> bool:
    """True where Image Type names a map or reformat made by the scanner."""
    return any(value.upper() in _DERIVED for value in values[_FIRST:])
