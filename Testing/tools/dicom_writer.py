"""Write a simulated scan as DICOM in the dialect of each vendor, for tests; the truth is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, generate_uid

from AIDEALLib.echoes import EchoSeries

CLASSIC, ENHANCED = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
PATIENT = "Mustermann^Erika"
Image = npt.NDArray[np.floating]
Encoded = tuple[npt.NDArray[np.integer], float, float]
"""Stored values, slope and intercept."""


@dataclass(frozen=True)
class Plane:
    """One image to be written: stored integers with what its header states; `largest` is the largest magnitude of the scan."""

    stored: npt.NDArray[np.integer]
    part: str  # M, P, R or I
    echo: int
    position: int
    largest: float
    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True)
class Dialect:
    """How a vendor writes: parts, stored integers, extra elements, classic or enhanced."""

    name: str
    manufacturer: str
    parts: str
    encode: Callable[[Image, str, int, float], Encoded]
    decorate: Callable[[Dataset, Plane, EchoSeries], None] = lambda dataset, plane, series: None
    enhanced: bool = False
    series_per_part: bool = True
    bits_stored: int = 16
    syntax: str = ExplicitVRLittleEndian


def _magnitude(image: Image, largest: float, top: float = 4000.0) -> Encoded:
    scale = top / largest
    return np.round(image * scale).astype(np.uint16), 1.0, 0.0


def encode_siemens(image: Image, part: str, echo: int, largest: float) -> Encoded:
    if part == "M":
        return _magnitude(image, largest)
    return np.clip(np.round((image / np.pi * 4096 + 4096) / 2), 0, 4095).astype(np.uint16), 2.0, -4096.0


def encode_siemens_unscaled(image: Image, part: str, echo: int, largest: float) -> Encoded:
    stored, _, _ = encode_siemens(image, part, echo, largest)
    return stored, 1.0, 0.0


def _philips_steps(echo: int, largest: float) -> float:
    """Stored values per unit of signal: precise value = stored / steps."""
    return 60000 / largest / (1 + 0.2 * echo)


def encode_philips(image: Image, part: str, echo: int, largest: float) -> Encoded:
    """Displayed value D = stored RS + RI, with another RS for every echo; precise value D / (RS SS)."""
    if part == "P":
        slope = 2 * 3141.593 / 4095
        return np.clip(np.round((image * 1000 + 3141.593) / slope), 0, 4095).astype(np.uint16), slope, -3141.593
    rescale = 0.7 + 0.35 * echo
    steps = _philips_steps(echo, largest)
    if part == "M":
        return np.round(image * steps).astype(np.uint16), rescale, 0.0
    half = largest * steps / 2
    return np.round(image * steps / 2 + half).astype(np.uint16), rescale, -half * rescale


def encode_ge(image: Image, part: str, echo: int, largest: float) -> Encoded:
    if part == "M":
        return _magnitude(image, largest, 16000)
    if part == "P":
        return np.round(image * 1000).astype(np.int16), 1.0, 0.0
    return np.round(image * 16000 / largest).astype(np.int16), 1.0, 0.0


def _philips_private(dataset: Dataset, plane: Plane, series: EchoSeries) -> None:
    if plane.part == "P":
        scale = 1000 / plane.slope
    else:
        steps = _philips_steps(plane.echo, plane.largest)
        scale = steps if plane.part == "M" else steps / 2
    block = dataset.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0x0E, "FL", scale)


def _ge_private(dataset: Dataset, plane: Plane, series: EchoSeries) -> None:
    block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
    block.add_new(0x2F, "SS", {"M": 0, "P": 1, "R": 2, "I": 3}[plane.part])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]


def _ge_first_te_everywhere(dataset: Dataset, plane: Plane, series: EchoSeries) -> None:
    _ge_private(dataset, plane, series)
    dataset.EchoTime = 1000 * series.te_s[0]
    dataset.EchoNumbers = 1
    block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0xA9, "DS", f"{1e6 * series.te_s[plane.echo]:.0f}")


def _ge_second_echo(dataset: Dataset, plane: Plane, series: EchoSeries) -> None:
    _ge_private(dataset, plane, series)
    dataset.EchoTime = 1000 * series.te_s[0]
    dataset.EchoNumbers = plane.echo + 1
    block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0x7D, "DS", f"{1e6 * series.te_s[1]:.0f}")
    block.add_new(0x7E, "SS", series.n_echoes)


def _ge_order_only(dataset: Dataset, plane: Plane, series: EchoSeries) -> None:
    _ge_private(dataset, plane, series)
    dataset.EchoTime = 1000 * series.te_s[0]
    dataset.EchoNumbers = 1
    block = dataset.private_block(0x0019, "GEMS_ACQU_01", create=True)
    block.add_new(0xA9, "DS", str(series.n_echoes))
    block.add_new(0xA2, "SL", 700 + plane.echo)


DIALECTS: dict[str, Dialect] = {
    d.name: d
    for d in (
        Dialect("siemens classic", "SIEMENS", "MP", encode_siemens, bits_stored=12),
        Dialect("siemens classic 0..4095", "SIEMENS", "MP", encode_siemens_unscaled, bits_stored=12),
        Dialect("siemens XA enhanced", "Siemens Healthineers", "MP", encode_siemens, enhanced=True, bits_stored=12),
        Dialect("philips classic phase", "Philips Medical Systems", "MP", encode_philips, _philips_private),
        Dialect("philips classic real/imaginary", "Philips", "RI", encode_philips, _philips_private, series_per_part=False),
        Dialect("philips enhanced", "Philips", "MP", encode_philips, _philips_private, enhanced=True, series_per_part=False),
        Dialect("ge real/imaginary", "GE MEDICAL SYSTEMS", "MRI", encode_ge, _ge_private, series_per_part=False),
        Dialect("ge phase", "GE MEDICAL SYSTEMS", "MP", encode_ge, _ge_private),
        Dialect("ge first echo time in all headers", "GE MEDICAL SYSTEMS", "RI", encode_ge, _ge_first_te_everywhere),
        Dialect("ge second echo time only", "GE MEDICAL SYSTEMS", "RI", encode_ge, _ge_second_echo),
        Dialect("canon enhanced", "CANON_MEC", "MP", encode_siemens, enhanced=True, bits_stored=12),
        Dialect("united imaging classic", "UIH", "MP", encode_siemens, bits_stored=12),
        Dialect("implicit little endian", "Philips", "MP", encode_philips, _philips_private, syntax=ImplicitVRLittleEndian),
    )
}
GE_ORDER_ONLY = Dialect("ge order only", "GE MEDICAL SYSTEMS", "RI", encode_ge, _ge_order_only)
_WORDS = {"M": "MAGNITUDE", "P": "PHASE", "R": "REAL", "I": "IMAGINARY"}


def write_scan(folder: Path, series: EchoSeries, dialect: Dialect, compress: str | None = None) -> list[Path]:
    """Write a scan in a dialect, in files without meaningful names and in random order, as on a CD.

    Parameters
    ----------
    folder : Path
        Folder to write to.
    series : EchoSeries
        The scan.
    dialect : Dialect
        How to write it.
    compress : str, optional
        Transfer syntax to compress the pixels with.

    Returns
    -------
    list of Path
        The files.
    """
    largest = float(np.abs(series.echoes).max())
    folder.mkdir(parents=True, exist_ok=True)
    planes = []
    for part in dialect.parts:
        for echo, volume in enumerate(series.echoes):
            for position, plane in enumerate(volume):
                value = {"M": np.abs, "P": np.angle, "R": np.real, "I": np.imag}[part](plane)
                stored, slope, intercept = dialect.encode(value, part, echo, largest)
                planes.append(Plane(stored, part, echo, position, largest, slope, intercept))
    study, frame_of_reference = generate_uid(), generate_uid()
    if dialect.enhanced:
        parts = [[p for p in planes if p.part == part] for part in dialect.parts] if dialect.series_per_part else [planes]
        files = [_enhanced(group, series, dialect, study, frame_of_reference, n) for n, group in enumerate(parts)]
    else:
        uids = {part: generate_uid() for part in "MPRI"}
        files = []
        for plane in planes:
            key = plane.part if dialect.series_per_part else "M"
            files.append(_classic(plane, series, dialect, study, frame_of_reference, uids[key]))
    order = np.random.default_rng(0).permutation(len(files))
    paths = []
    for name, index in enumerate(order):
        path = folder / f"IM{name:05d}"
        if compress:
            files[index].compress(compress)
        files[index].save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def _common(
    series: EchoSeries, dialect: Dialect, study: str, frame_of_reference: str, stored: npt.NDArray[np.integer]
) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = dialect.syntax
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = study, frame_of_reference
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PATIENT, "4711-0815", "19640812"
    dataset.Modality, dataset.Manufacturer = "MR", dialect.manufacturer
    dataset.MagneticFieldStrength = series.field_strength_t
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, dialect.bits_stored, dialect.bits_stored - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    if dataset.PixelRepresentation:
        dataset.BitsStored, dataset.HighBit = 16, 15
    return dataset


def _place(series: EchoSeries, position: int) -> tuple[list[float], list[float]]:
    geometry = series.geometry
    matrix = np.asarray(geometry.direction).reshape(3, 3)
    place = np.asarray(geometry.origin_mm) + matrix[:, 2] * geometry.spacing_mm[2] * position
    return [round(float(v), 5) for v in place], [*matrix[:, 0].tolist(), *matrix[:, 1].tolist()]


def _repetition_ms(series: EchoSeries) -> float:
    """Repetition time that is longer than the train of echoes."""
    last_ms = 1000 * float(series.te_s[-1])
    return 12.0 if last_ms < 12 else round(last_ms + 2, 1)


def _classic(
    plane: Plane, series: EchoSeries, dialect: Dialect, study: str, frame_of_reference: str, series_uid: str
) -> Dataset:
    dataset = _common(series, dialect, study, frame_of_reference, plane.stored)
    dataset.SOPClassUID = CLASSIC
    dataset.SeriesInstanceUID = series_uid
    dataset.SeriesNumber = 5 + "MPRI".index(plane.part) * dialect.series_per_part
    dataset.ImageType = ["ORIGINAL", "PRIMARY", plane.part, "ND"]
    dataset.EchoTime, dataset.EchoNumbers = round(1000 * float(series.te_s[plane.echo]), 5), plane.echo + 1
    dataset.RepetitionTime, dataset.FlipAngle = _repetition_ms(series), 3.0
    dataset.ImagePositionPatient, dataset.ImageOrientationPatient = _place(series, plane.position)
    spacing = series.geometry.spacing_mm
    dataset.PixelSpacing, dataset.SliceThickness = [spacing[1], spacing[0]], spacing[2]
    if (plane.slope, plane.intercept) != (1.0, 0.0):
        dataset.RescaleSlope, dataset.RescaleIntercept = f"{plane.slope:.10g}"[:16], f"{plane.intercept:.10g}"[:16]
    dialect.decorate(dataset, plane, series)
    dataset.PixelData = plane.stored.tobytes()
    return dataset


def _enhanced(
    planes: list[Plane], series: EchoSeries, dialect: Dialect, study: str, frame_of_reference: str, number: int
) -> Dataset:
    stored = np.stack([p.stored for p in planes])
    dataset = _common(series, dialect, study, frame_of_reference, stored)
    dataset.SOPClassUID = ENHANCED
    dataset.SeriesInstanceUID, dataset.SeriesNumber = generate_uid(), 20 + number
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "MIXED"]
    dataset.NumberOfFrames = len(planes)
    spacing = series.geometry.spacing_mm
    measures, timing = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [spacing[1], spacing[0]], spacing[2]
    timing.RepetitionTime, timing.FlipAngle = _repetition_ms(series), 3.0
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.MRTimingAndRelatedParametersSequence = Sequence([timing])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for plane in planes:
        group, echo, place, orientation, kind, transform = (Dataset() for _ in range(6))
        echo.EffectiveEchoTime = 1000 * float(series.te_s[plane.echo])
        place.ImagePositionPatient, orientation.ImageOrientationPatient = _place(series, plane.position)
        kind.FrameType = ["ORIGINAL", "PRIMARY", plane.part, "NONE"]
        kind.ComplexImageComponent = _WORDS[plane.part]
        transform.RescaleSlope, transform.RescaleIntercept = f"{plane.slope:.10g}"[:16], f"{plane.intercept:.10g}"[:16]
        transform.RescaleType = "US"
        group.MREchoSequence = Sequence([echo])
        group.PlanePositionSequence = Sequence([place])
        group.PlaneOrientationSequence = Sequence([orientation])
        group.MRImageFrameTypeSequence = Sequence([kind])
        group.PixelValueTransformationSequence = Sequence([transform])
        if dialect.manufacturer.startswith("Philips"):
            private = Dataset()
            _philips_private(private, plane, series)
            group.add_new((0x2005, 0x0014), "LO", "Philips MR Imaging DD 005")
            group.add_new((0x2005, 0x140F), "SQ", Sequence([private]))
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    dataset.PixelData = stored.tobytes()
    return dataset
