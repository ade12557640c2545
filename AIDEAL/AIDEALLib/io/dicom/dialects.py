"""How each vendor encodes in DICOM the part of the complex signal, the scale, the unit of phase and the echo time.

References
----------
- DICOM PS3.3, C.8.13.3.1.1: Complex Image Component (0008,9208) MAGNITUDE, PHASE, REAL, IMAGINARY (enhanced MR, all vendors).
- GE: Image Type (real, imaginary, phase, magnitude) in private (0043,102F), 0 to 3 for magnitude, phase, real, imaginary
  (private dictionary GEMS_PARM_01; dcm2niix, GE/README.md). Some multi-echo sequences repeat
  the first echo time in every header; (0019,10A9) is a field of the sequence's own: user data 2 in the dictionary, the number
  of echoes in some sequences (dcm2niix issue 359), the echo time of the image in others. It is used as a time only where it
  varies from echo to echo like one. (0019,10A2) is the raw data run number, (0019,107D) the second echo time in microseconds.
- Philips: displayed value D = stored * RS + RI, precise value P = D / (RS * SS) with the private scale slope SS (2005,100E)
  (Chenevert et al., Transl Oncol 2014;7:65; dcm2niix, Philips/README.md). Phase is displayed in milliradians; RS and RI may
  differ from image to image, so magnitudes are compared as P.
  The rescale may differ from frame to frame of an enhanced file (dcm2niix issue 363), and Rescale Type (0028,1054) 'mrad' names
  the unit of phase (dcm2niix issue 975).
- Siemens: phase 0..4095 with rescale slope 2 and intercept -4096, one turn from -4096 to 4094 (dcm2niix issue 406, MRtrix3
  issue 3009); XA20 leaves Echo Number out (dcm2niix issue 568), so echoes are found by time; rescale values apply to the whole
  file or to each frame (mrpro pull request 933, from three scanners).
- Canon, United Imaging: standard attributes only. Canon's classic images may have a series UID for every slice (dcm2niix
  issue 495), so series UIDs are not relied on for any vendor. United Imaging's tiled VFRAME images are refused (UIH/README.md).

These describe scanners' files as other programs found them; the vendors' conformance statements could not be consulted.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from ..naming import Part
from .elements import integer, items, number, text, texts, value
from .parts import is_derived, part_of_component, part_of_ge_code, part_of_image_type


class EchoOrder(NamedTuple):
    """Elements that may order the echoes where Echo Time is wrong.

    Attributes
    ----------
    echo_number : int or None
        Echo Number (0018,0086).
    run_number : int or None
        GE's raw data run number (0019,10A2).
    private_te : float or None
        GE's (0019,10A9), an echo time in some sequences.
    second_te_ms : float or None
        GE's second echo time (0019,107D), ms.
    """

    echo_number: int | None
    run_number: int | None = None
    private_te: float | None = None
    second_te_ms: float | None = None


class Vendor(Enum):
    """Vendor of the scanner that wrote a file."""

    GE = "GE"
    PHILIPS = "Philips"
    SIEMENS = "Siemens"
    CANON = "Canon"
    UNITED_IMAGING = "United Imaging"
    OTHER = "unknown vendor"

    def echo_order(self, header: Any) -> EchoOrder:
        """Elements of a header that may order the echoes."""
        echo = integer(header, "EchoNumbers")
        if self is not Vendor.GE:
            return EchoOrder(echo)
        second = number(header, (0x0019, 0x107D))
        return EchoOrder(
            echo, integer(header, (0x0019, 0x10A2)), number(header, (0x0019, 0x10A9)), second / 1000 if second else None
        )


@dataclass(frozen=True)
class Scaling:
    """How stored values become signal or phase: value = stored * slope + intercept.

    Attributes
    ----------
    slope : float
        Slope for display.
    intercept : float
        Intercept for display.
    unit : str
        Unit in the words of the header, '' where it names none.
    source : str
        Where slope and intercept come from, in words.
    stored_range : tuple of float
        Lowest and highest value that can be stored.
    precise_slope : float or None
        Philips: slope that makes images comparable with each other.
    precise_intercept : float or None
        Philips: intercept that belongs to it.
    """

    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    source: str = "as stored"
    stored_range: tuple[float, float] = (0.0, 0.0)
    precise_slope: float | None = None
    precise_intercept: float | None = None

    def magnitude(self) -> tuple[float, float]:
        """Slope and intercept that make echoes comparable with each other: the precise ones where there are any."""
        if self.precise_slope is not None and self.precise_intercept is not None:
            return self.precise_slope, self.precise_intercept
        return self.slope, self.intercept


def vendor_of(header: Any) -> Vendor:
    """Vendor of the scanner, by Manufacturer (0008,0070)."""
    name = text(header, "Manufacturer").upper()
    for key, vendor in (
        ("GE ", Vendor.GE),
        ("GENERAL ELECTRIC", Vendor.GE),
        ("PHILIPS", Vendor.PHILIPS),
        ("SIEMENS", Vendor.SIEMENS),
        ("CANON", Vendor.CANON),
        ("TOSHIBA", Vendor.CANON),
        ("UIH", Vendor.UNITED_IMAGING),
        ("UNITED IMAGING", Vendor.UNITED_IMAGING),
    ):
        if f"{name} ".startswith(key) or (len(key) > 3 and key in name):
            return vendor
    return Vendor.OTHER


def image_part(vendor: Vendor, header: Any, frame_types: Sequence[Any]) -> Part | None:
    """Part of the complex signal that an image holds.

    Parameters
    ----------
    vendor : Vendor
        Vendor of the scanner.
    header : pydicom.Dataset
        Header of the file.
    frame_types : sequence of pydicom.Dataset
        Where Frame Type and Complex Image Component may lie, the frame's own first.

    Returns
    -------
    Part or None
        `UNMARKED` where the header does not state it, None for maps made by the scanner.
    """
    kinds = [texts(place, key) for place in frame_types for key in ("FrameType", "ImageType")]
    image_type = next((k for k in kinds if k), ())
    if is_derived(image_type):
        return None
    for place in frame_types:
        if part := part_of_component(text(place, "ComplexImageComponent")):
            return part
    if vendor is Vendor.GE and (part := part_of_ge_code(integer(header, (0x0043, 0x102F)))):
        return part
    return part_of_image_type(image_type) or Part.UNMARKED


def scaling(
    vendor: Vendor, header: Any, rescale: Sequence[Any], real_world: Sequence[Any], philips_private: Sequence[Any]
) -> Scaling:
    """Scaling of an image.

    Parameters
    ----------
    vendor : Vendor
        Vendor of the scanner.
    header : pydicom.Dataset
        Header of the file.
    rescale : sequence of pydicom.Dataset
        Where rescale slope and intercept may lie, the frame's own first.
    real_world : sequence of pydicom.Dataset
        Where a real-world value mapping may lie, the frame's own first.
    philips_private : sequence of pydicom.Dataset
        Where Philips' private scale slope may lie, the frame's own first.

    Returns
    -------
    Scaling
        The real-world value mapping where it names a unit of phase or is the only one, else rescale slope and intercept.
    """
    bits = integer(header, "BitsStored") or 16
    signed = integer(header, "PixelRepresentation") == 1
    bits = min(max(bits, 1), 32)
    stored = (-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1) if signed else (0.0, 2.0**bits - 1)
    slope, intercept, unit, source = 1.0, 0.0, "", "as stored"
    for place in rescale:
        found = number(place, "RescaleSlope")
        if found is not None and found != 0:
            slope, intercept = found, number(place, "RescaleIntercept") or 0.0
            unit, source = text(place, "RescaleType").lower(), "rescale slope and intercept"
            break
    mapping = _real_world(real_world)
    if mapping is not None and (mapping[2] or source == "as stored"):
        slope, intercept, unit = mapping
        source = "real-world value mapping"
    precise: tuple[float, float] | tuple[None, None] = (None, None)
    if vendor is Vendor.PHILIPS and source != "real-world value mapping":  # also without rescale: P = stored / SS
        scale = _philips_scale_slope([*philips_private, header])
        if scale:
            precise = (1 / scale, intercept / (slope * scale))
    return Scaling(slope, intercept, unit, source, stored, *precise)


def _real_world(places: Sequence[Any]) -> tuple[float, float, str] | None:
    for place in places:
        for item in [place, *items(place, "RealWorldValueMappingSequence")[:1]]:
            slope = number(item, "RealWorldValueSlope")
            if slope:
                units = items(item, "MeasurementUnitsCodeSequence")
                unit = text(units[0], "CodeValue").lower() if units else ""
                return slope, number(item, "RealWorldValueIntercept") or 0.0, unit if unit in _PHASE_UNIT_WORDS else ""
    return None


_PHASE_UNIT_WORDS = {"mrad": 1000.0, "milliradian": 1000.0, "milliradials": 1000.0, "rad": 1.0, "radian": 1.0, "deg": 57.29578}
"""Words for units of phase in headers, and how many of the unit make a radian."""


def units_per_radian(word: str) -> float | None:
    """How many of the unit named `word` make a radian, None where it is no unit of angle."""
    return _PHASE_UNIT_WORDS.get(word.strip().lower())


def _philips_block(place: Any) -> int:
    """Block of private group 2005 reserved by 'Philips MR Imaging DD 001'; 0x10 where the private creators were removed."""
    blocks = (b for b in range(0x10, 0x20) if text(place, (0x2005, b)).upper() == "PHILIPS MR IMAGING DD 001")
    return next(blocks, 0x10)


def _philips_scale_slope(places: Sequence[Any]) -> float | None:
    for place in places:
        raw = value(place, (0x2005, _philips_block(place) << 8 | 0x0E))
        if isinstance(raw, bytes):  # private and implicit: the type is lost, the four bytes are a float
            raw = struct.unpack("<f", raw)[0] if len(raw) == 4 else None
        try:
            found = float(raw) if raw is not None else 0.0
        except (TypeError, ValueError):
            continue
        if 1e-12 < found < 1e12:
            return found
    return None
