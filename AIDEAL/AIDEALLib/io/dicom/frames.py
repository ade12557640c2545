"""One image plane of a DICOM file, classic or one frame of an enhanced one, and what its header says of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...errors import InputError
from ..naming import Part
from .dialects import Scaling, Vendor, image_part, scaling, vendor_of
from .files import ENHANCED_MR_IMAGE, MOST_FRAMES, integer, items, number, numbers, read_header, text, texts, value

MILLIMETRE = 0.01


@dataclass(frozen=True)
class Frame:
    """A plane of pixels.

    Attributes
    ----------
    path, index : file, and number of the frame in it (0 in a classic file).
    instance_uid, series : identity of the file, and the number of its series for messages.
    part : what of the complex signal it holds, None for maps derived by the scanner (water, fat fraction, R2*, ...).
    te_ms : echo time as the header has it; echo_number, run_number, private_te : what may order the echoes where it is wrong.
    second_te_ms : GE's private second echo time.
    position_mm, normal : of the first pixel, and of the plane.
    plane : (rows, columns, row direction, column direction, pixel spacing), rounded: equal for planes that can be stacked.
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

    @property
    def plane(self) -> tuple[Any, ...]:
        """Equal for planes of one stack."""
        return (*self.size, *(round(v, 3) for v in self.orientation), *(round(v, 3) for v in self.pixel_mm))

    @property
    def normal(self) -> npt.NDArray[np.float64]:
        """Unit vector across the plane."""
        return np.cross(self.orientation[:3], self.orientation[3:])

    @property
    def depth_mm(self) -> float:
        """Place along the normal."""
        return float(np.dot(self.normal, self.position_mm))


def frames_of(path: Path) -> Iterator[Frame]:
    """All planes of one MR image file.

    Raises
    ------
    InputError
        The file is damaged, or says nothing of where its pixels lie.
    """
    header = read_header(path)
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
        raise InputError(
            f"{path.name} tiles several slices in one image (mosaic); one slice an image was expected. "
            "Export without mosaic, or as enhanced DICOM."
        )
    if (integer(header, "NumberOfFrames") or 1) > 1:
        raise InputError(
            f"{path.name} has several frames but no enhanced header that says where each lies. Export it as enhanced MR."
        )
    yield _frame(path, 0, vendor, _Lookup(header, None, None))


class _Lookup:
    """Elements of a frame: from its own functional groups, else from the shared ones, else from the top of the header."""

    def __init__(self, header: Any, own: Any, shared: Any) -> None:
        self.header = header
        self.enhanced = own is not None
        self.groups = [group for group in (own, shared) if group is not None]

    def places(self, sequence: str | tuple[int, int]) -> list[Any]:
        """Where to look: the items of a functional group, then the header."""
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
    named = f"{path.name}, frame {index + 1}," if look.enhanced else path.name
    position = look.numbers("PlanePositionSequence", "ImagePositionPatient", 3)
    orientation = look.numbers("PlaneOrientationSequence", "ImageOrientationPatient", 6)
    pixel = look.numbers("PixelMeasuresSequence", "PixelSpacing", 2)
    missing = [
        name
        for name, found in (
            ("Image Position (Patient)", position),
            ("Image Orientation (Patient)", orientation),
            ("Pixel Spacing", pixel),
        )
        if found is None
    ]
    rows, columns = integer(header, "Rows") or 0, integer(header, "Columns") or 0
    if missing or position is None or orientation is None or pixel is None or rows < 1 or columns < 1:
        raise InputError(
            f"{named} lacks {', '.join(missing) or 'rows and columns'}; where each pixel lies was expected. Export it again."
        )
    across, down = np.asarray(orientation[:3]), np.asarray(orientation[3:])
    if not np.allclose([across @ across, down @ down, across @ down], [1, 1, 0], rtol=0, atol=2e-2):
        raise InputError(
            f"{named} has Image Orientation {orientation}; two unit vectors at a right angle were expected. "
            "The header is damaged; export it again."
        )
    if min(pixel) <= 0 or max(pixel) > 1000 or max(abs(p) for p in position) > 1e5:
        raise InputError(
            f"{named} has pixel spacing {pixel} and position {position} mm; a place in a patient was expected. "
            "The header is damaged; export it again."
        )
    thickness = look.number("PixelMeasuresSequence", "SpacingBetweenSlices", "SliceThickness")
    repetition_ms = look.number("MRTimingAndRelatedParametersSequence", "RepetitionTime")
    echo, private, second, run = vendor.echo_order(header)
    return Frame(
        path=path,
        index=index,
        instance_uid=text(header, "SOPInstanceUID"),
        series=text(header, "SeriesNumber") or "?",
        vendor=vendor,
        part=image_part(vendor, header, look.places("MRImageFrameTypeSequence")),
        te_ms=look.number("MREchoSequence", "EffectiveEchoTime", "EchoTime"),
        echo_number=echo,
        run_number=run,
        private_te=private,
        second_te_ms=second,
        position_mm=(position[0], position[1], position[2]),
        orientation=orientation,
        pixel_mm=(pixel[0], pixel[1]),
        size=(rows, columns),
        thickness_mm=abs(thickness) if thickness else None,
        scaling=scaling(
            vendor,
            header,
            look.places("PixelValueTransformationSequence"),
            look.places("RealWorldValueMappingSequence"),
            look.places((0x2005, 0x140F)),
        ),
        field_t=number(header, "MagneticFieldStrength"),
        flip_angle_deg=look.number("MRTimingAndRelatedParametersSequence", "FlipAngle"),
        repetition_time_s=repetition_ms / 1000 if repetition_ms else None,
    )
