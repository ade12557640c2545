"""One image plane of a DICOM file, classic or one frame of an enhanced one, with what its header states of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ..contrast_words import described_with_contrast
from ..naming import Part
from ..sequence_words import other_sequence
from .dialects import Scaling, Vendor, image_part, scaling, vendor_of
from .elements import integer, items, number, numbers, text, texts, value
from .files import ENHANCED_MR_IMAGE, MOST_FRAMES
from .origin import Names, Origin

MILLIMETRE = 0.01
"""Positions that differ by less are equal."""
ORTHONORMAL = 2e-2
"""How far products of the two directions of a plane may lie from those of orthogonal unit vectors."""
_NOWHERE = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 1.0))
LARGEST_PIXEL_MM, FARTHEST_MM = 1000, 1e5
"""Beyond these a header is damaged."""


class TiledImage(InputError):
    """An image holds several slices side by side."""


@dataclass(frozen=True)
class Frame:
    """A plane of pixels.

    Attributes
    ----------
    path : Path
        File.
    index : int
        Number of the frame in the file, 0 in a classic file.
    instance_uid : str
        SOP Instance UID of the file.
    series : str
        Series number, for messages.
    vendor : Vendor
        Vendor of the scanner.
    part : Part or None
        Part of the complex signal; None for maps made by the scanner (water, fat fraction, R2*, ...).
    te_ms : float or None
        Echo time as the header states it.
    echo_number : int or None
        Echo Number.
    run_number : int or None
        GE's raw data run number.
    private_te : float or None
        GE's private element that is an echo time in some sequences.
    second_te_ms : float or None
        GE's private second echo time.
    position_mm : tuple of float
        Centre of the first pixel.
    orientation : tuple of float
        Directions of rising column and row index.
    pixel_mm : tuple of float
        Distances of rows and of columns.
    size : tuple of int
        Rows and columns.
    thickness_mm : float or None
        Distance of slices, or their thickness.
    scaling : Scaling
        How stored values become signal or phase.
    field_t : float or None
        Magnetic Field Strength.
    flip_angle_deg : float or None
        Flip angle.
    repetition_time_s : float or None
        Repetition time.
    contrast_agent : bool
        Whether the header names a contrast agent.
    other_sequence : str
        Kind of the pulse sequence, where it is stated to be no spoiled gradient echo.
    origin : Origin
        Patient, study and excitation that the plane is of.
    names : Names
        Names of its study and series.
    acquisition : int or None
        Acquisition Number.
    acquired : str
        Date and time of the acquisition, '' where the header states none.
    imaging_mhz : float or None
        Imaging frequency.
    """

    path: Path
    index: int
    instance_uid: str
    series: str
    vendor: Vendor
    part: Part | None
    te_ms: float | None
    echo_number: int | None
    run_number: int | None
    private_te: float | None
    second_te_ms: float | None
    position_mm: tuple[float, float, float]
    orientation: tuple[float, ...]
    pixel_mm: tuple[float, float]
    size: tuple[int, int]
    thickness_mm: float | None
    scaling: Scaling
    field_t: float | None
    flip_angle_deg: float | None
    repetition_time_s: float | None
    contrast_agent: bool
    other_sequence: str
    origin: Origin
    names: Names
    acquisition: int | None
    acquired: str
    imaging_mhz: float | None

    @property
    def plane(self) -> tuple[float, ...]:
        """Size, orientation and pixel spacing, rounded: equal for planes of one stack."""
        return (*self.size, *(round(v, 3) for v in self.orientation), *(round(v, 3) for v in self.pixel_mm))

    @property
    def place(self) -> str:
        """File with its folder and series, for messages: the same names occur in many folders of a disc."""
        return f"{self.path.parent.name}/{self.path.name} (series {self.series})"

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the plane."""
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def depth_mm(self) -> float:
        """Position along the normal."""
        return float(np.dot(self.normal, self.position_mm))


def frames_of(path: Path, header: Any) -> Iterator[Frame]:
    """All planes of one MR image file.

    Parameters
    ----------
    path : Path
        File.
    header : pydicom.Dataset
        Its header (`files.read_header`).

    Yields
    ------
    Frame
        Each plane.

    Raises
    ------
    InputError
        The header is damaged, or does not state where the pixels lie.
    """
    vendor = vendor_of(header)
    if text(header, "SOPClassUID") == ENHANCED_MR_IMAGE or value(header, "PerFrameFunctionalGroupsSequence") is not None:
        shared = items(header, "SharedFunctionalGroupsSequence")
        per_frame = items(header, "PerFrameFunctionalGroupsSequence")
        announced = integer(header, "NumberOfFrames") or 0
        if not per_frame or len(per_frame) != announced or announced > MOST_FRAMES:
            raise InputError(
                f"{path.name} announces {announced} frame(s) and describes {len(per_frame)}; as many of each were expected. "
                "The header is damaged; export it again."
            )
        for index, group in enumerate(per_frame):
            yield _frame(path, index, vendor, _Lookup(header, group, shared[0] if shared else None))
        return
    if "MOSAIC" in texts(header, "ImageType") or any(t.startswith("VFRAME") for t in texts(header, "ImageType")):
        raise TiledImage(
            f"{path.name} tiles several slices in one image (mosaic); one slice an image was expected. "
            "Export without mosaic, or as enhanced DICOM."
        )
    if (integer(header, "NumberOfFrames") or 1) > 1:
        raise InputError(
            f"{path.name} has several frames but no enhanced header that states where each lies. Export it as enhanced MR."
        )
    yield _frame(path, 0, vendor, _Lookup(header, None, None))


class _Lookup:
    """Elements of a frame: of its own functional groups, else of the shared ones, else of the top of the header."""

    def __init__(self, header: Any, own: Any, shared: Any) -> None:
        self.header = header
        self.enhanced = own is not None
        self.groups = [group for group in (own, shared) if group is not None]

    def places(self, sequence: str | tuple[int, int]) -> list[Any]:
        """Where an element may lie: the items of a functional group, then the header."""
        found = [item for group in self.groups for item in items(group, sequence)[:1]]
        return [*found, self.header]

    def number(self, sequence: str, *keys: str) -> float | None:
        found = (number(place, key) for place in self.places(sequence) for key in keys)
        return next((v for v in found if v is not None), None)

    def numbers(self, sequence: str, key: str, count: int) -> tuple[float, ...] | None:
        found = (numbers(place, key, count) for place in self.places(sequence))
        return next((v for v in found if v is not None), None)


def _frame(path: Path, index: int, vendor: Vendor, look: _Lookup) -> Frame:
    header = look.header
    name = f"{path.name}, frame {index + 1}," if look.enhanced else path.name
    size = integer(header, "Rows") or 0, integer(header, "Columns") or 0
    part = image_part(vendor, header, look.places("MRImageFrameTypeSequence"))
    # maps of the scanner and pictures of reports may lie nowhere, and are left out
    position, orientation, pixel = _placement(name, look, size) if part is not None else _NOWHERE
    order = vendor.echo_order(header)
    thickness = look.number("PixelMeasuresSequence", "SpacingBetweenSlices", "SliceThickness")
    flip_angle_deg = look.number("MRTimingAndRelatedParametersSequence", "FlipAngle") or None  # 0 is what is not known
    repetition_ms = look.number("MRTimingAndRelatedParametersSequence", "RepetitionTime")
    return Frame(
        path=path,
        index=index,
        instance_uid=text(header, "SOPInstanceUID"),
        series=text(header, "SeriesNumber") or "?",
        vendor=vendor,
        part=part,
        te_ms=look.number("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
        echo_number=order.echo_number,
        run_number=order.run_number,
        private_te=order.private_te,
        second_te_ms=order.second_te_ms,
        position_mm=position,
        orientation=orientation,
        pixel_mm=pixel,
        size=size,
        thickness_mm=abs(thickness) if thickness else None,
        scaling=scaling(
            vendor,
            header,
            look.places("PixelValueTransformationSequence"),
            look.places("RealWorldValueMappingSequence"),
            look.places((0x2005, 0x140F)),
        ),
        field_t=number(header, "MagneticFieldStrength"),
        flip_angle_deg=flip_angle_deg,
        repetition_time_s=repetition_ms / 1000 if repetition_ms else None,
        contrast_agent=_contrast_agent(header),
        other_sequence=other_sequence(lambda keyword: text(header, keyword) or ",".join(texts(header, keyword))),
        origin=Origin.of(header, flip_angle_deg, repetition_ms, _coil(look)),
        names=Names.of(header),
        acquisition=integer(header, "AcquisitionNumber"),
        acquired=text(header, "AcquisitionDateTime") or text(header, "AcquisitionDate") + text(header, "AcquisitionTime"),
        imaging_mhz=look.number("MRImagingModifierSequence", "TransmitterFrequency", "ImagingFrequency"),
    )


def _contrast_agent(header: Any) -> bool:
    named = header.get("ContrastBolusAgent") or header.get("ContrastBolusAgentSequence")
    return bool(named) or described_with_contrast(text(header, "SeriesDescription"), text(header, "ProtocolName"))


def _coil(look: _Lookup) -> str:
    """Name of the receive coil, '' where it is not stated."""
    return next((name for place in look.places("MRReceiveCoilSequence") if (name := text(place, "ReceiveCoilName"))), "")


def _placement(
    name: str, look: _Lookup, size: tuple[int, int]
) -> tuple[tuple[float, float, float], tuple[float, ...], tuple[float, float]]:
    """Position, orientation and pixel spacing of the frame named `name`.

    Raises
    ------
    InputError
        An element is absent, or its values are impossible.
    """
    position = look.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
    orientation = look.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    pixel = look.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    found = {"Image Position (Patient)": position, "Image Orientation (Patient)": orientation, "Pixel Spacing": pixel}
    if position is None or orientation is None or pixel is None or min(size) < 1:
        missing = ", ".join(element for element, values in found.items() if values is None)
        raise InputError(f"{name} lacks {missing or 'rows and columns'}; where each pixel lies was expected. Export it again.")
    across, down = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    if not np.allclose([across @ across, down @ down, across @ down], [1, 1, 0], rtol=0, atol=ORTHONORMAL):
        raise InputError(
            f"{name} has Image Orientation {orientation}; two unit vectors at a right angle were expected. "
            "The header is damaged; export it again."
        )
    if min(pixel) <= 0 or max(pixel) > LARGEST_PIXEL_MM or max(abs(p) for p in position) > FARTHEST_MM:
        raise InputError(
            f"{name} has pixel spacing {pixel} and position {position} mm; a place in a patient was expected. "
            "The header is damaged; export it again."
        )
    return (position[0], position[1], position[2]), orientation, (pixel[0], pixel[1])
