"""Classic MR images of the maps, 16 bit with rescale, as vendors write their fat fractions: many archives show nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ....parameter_maps import ParameterMaps
from ...dicom.files import MR_IMAGE
from .common import BODY, WINDOW_FUNCTION, code, contribution, display_window, referenced_series, source_item
from .quantities import CLASSIC_SERIES, MANUFACTURER, MODEL, PERCENT, QUANTITIES, Quantity, description
from .study import PATIENT, STUDY, Reference, Study, orientation, position

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

STEPS = 32767
"""Largest stored value; values are signed."""
COARSEST_PERCENT = 0.1
"""Largest step of a map in percent, so that no value is off by more than half of it; what lies beyond 3276.7 % is clipped."""
_COPIED = ("SpecificCharacterSet", "StudyDescription", "PatientAge", "PatientSize", "PatientWeight", "PatientPosition")
_OF_THE_SCAN = (
    *("MagneticFieldStrength", "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime"),
    *("FlipAngle", "ImagingFrequency", "ImagedNucleus", "BodyPartExamined"),
)
_DEFAULTS = {"ScanningSequence": "GR", "SequenceVariant": "NONE", "MRAcquisitionType": "3D", "BodyPartExamined": BODY}


def classic_series(
    name: str, maps: ParameterMaps, study: Study, references: Sequence[Sequence[Reference]] | None
) -> list[Dataset]:
    """One map as a series of images, one a slice.

    Parameters
    ----------
    name : str
        One of `QUANTITIES`.
    maps : ParameterMaps
        All maps.
    study : Study
        Study they belong to.
    references : sequence of sequence of Reference, optional
        Source images of each slice.

    Returns
    -------
    list of Dataset
        Images ready to be written, in the order of the slices.
    """
    quantity = QUANTITIES[name]
    values = np.asarray(getattr(maps, name), dtype=np.float64)
    slope = rescale_slope(values, quantity.unit == PERCENT)
    stored = np.clip(np.round(np.nan_to_num(values) / slope), -STEPS, STEPS).astype(np.int16)
    low, high = display_window(quantity, values)
    base = _common(name, quantity, maps, study)
    base.RescaleSlope, base.RescaleIntercept = f"{slope:g}", "0"
    base.RescaleType = "PCT" if quantity.unit == PERCENT else "US"
    base.WindowCenter, base.WindowWidth = f"{(low + high) / 2:.6g}", f"{high - low:.6g}"
    base.WindowCenterWidthExplanation, base.VOILUTFunction = quantity.label, WINDOW_FUNCTION
    base.RealWorldValueMappingSequence = [_mapping(quantity, slope)]
    return [
        _image(base, stored[index], maps, study, (name, index), references[index] if references else ())
        for index in range(len(stored))
    ]


def rescale_slope(values: npt.NDArray[np.floating], percent: bool) -> float:
    """Smallest of 1, 2, 5 times a power of ten with which all finite values fit into 16 bits, from 0.01 for percent."""
    largest = float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))
    smallest = 0.01 if percent else 1e-6
    for exponent in range(-6, 32):
        for factor in (1, 2, 5):
            slope = float(f"{factor}e{exponent}")
            if slope >= smallest and (largest <= slope * STEPS or (percent and slope >= COARSEST_PERCENT)):
                return slope
    raise ValueError(f"no 16-bit scale holds {largest:g}")


def _common(name: str, quantity: Quantity, maps: ParameterMaps, study: Study) -> Dataset:
    """Everything that the images of a series share."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    source, made = study.header, Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword in (*PATIENT, *STUDY, "FrameOfReferenceUID", "PositionReferenceIndicator"):
        setattr(made, keyword, source.get(keyword))
    for keyword in (*_COPIED, *_OF_THE_SCAN):
        if keyword in source:
            setattr(made, keyword, source.get(keyword))
    made.SOPClassUID, made.Modality = MR_IMAGE, "MR"
    made.SeriesInstanceUID = study.uids.of("classic series", name)
    made.SeriesNumber = CLASSIC_SERIES + list(QUANTITIES).index(name)
    made.SeriesDescription = description(quantity.label)
    made.ContentDate, made.ContentTime = study.content_date, study.content_time
    made.ImageType = ["DERIVED", "SECONDARY", *quantity.image_type]
    made.Manufacturer, made.ManufacturerModelName = MANUFACTURER, MODEL
    made.SoftwareVersions = maps.provenance.version
    made.ContributingEquipmentSequence = _equipment(source, maps)
    made.DerivationDescription = contribution(maps.provenance)
    made.BurnedInAnnotation, made.LossyImageCompression = "NO", "00"
    for keyword, default in _DEFAULTS.items():
        if keyword not in made:
            setattr(made, keyword, default)
    for keyword in ("ScanOptions", "EchoTime", "EchoTrainLength", "RepetitionTime", "PatientPosition"):
        if keyword not in made:
            setattr(made, keyword, None)
    made.MagneticFieldStrength = f"{maps.provenance.field_strength_t:g}"
    column, row, between = maps.geometry.spacing_mm
    made.PixelSpacing = [f"{row:.10g}", f"{column:.10g}"]
    made.SliceThickness = made.SpacingBetweenSlices = f"{between:.10g}"
    made.ImageOrientationPatient = orientation(maps.geometry)
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.Rows, made.Columns = maps.mask.shape[1:]
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 16, 15, 1
    return made


def _image(
    base: Dataset,
    stored: npt.NDArray[np.int16],
    maps: ParameterMaps,
    study: Study,
    which: tuple[str, int],
    references: Sequence[Reference],
) -> Dataset:
    from pydicom.uid import UID

    image = deepcopy(base)
    image.SOPInstanceUID = study.uids.of("classic", *which)
    image.file_meta.MediaStorageSOPClassUID = UID(MR_IMAGE)
    image.file_meta.MediaStorageSOPInstanceUID = UID(image.SOPInstanceUID)
    image.InstanceNumber = which[1] + 1
    image.ImagePositionPatient = position(maps.geometry, which[1])
    normal = np.cross(image.ImageOrientationPatient[:3], image.ImageOrientationPatient[3:])
    image.SliceLocation = f"{float(np.dot(normal, image.ImagePositionPatient)):.6g}"
    if references:
        image.SourceImageSequence = [source_item(r) for r in references]
        image.ReferencedSeriesSequence = referenced_series(references)
    image.PixelData = stored.tobytes()
    return image


def _mapping(quantity: Quantity, slope: float) -> Dataset:
    from pydicom.dataset import Dataset

    mapping = Dataset()
    mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = -STEPS, STEPS
    mapping["RealWorldValueFirstValueMapped"].VR = mapping["RealWorldValueLastValueMapped"].VR = "SS"
    mapping.RealWorldValueIntercept, mapping.RealWorldValueSlope = 0.0, slope
    mapping.LUTExplanation, mapping.LUTLabel = quantity.explanation, quantity.label
    mapping.MeasurementUnitsCodeSequence = [code(quantity.unit)]
    return mapping


def _equipment(source: Dataset, maps: ParameterMaps) -> list[Dataset]:
    from pydicom.dataset import Dataset

    items = []
    if source.get("Manufacturer"):
        scanner = Dataset()
        for keyword in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "InstitutionName"):
            if source.get(keyword):
                setattr(scanner, keyword, source.get(keyword))
        scanner.PurposeOfReferenceCodeSequence = [code(("109101", "DCM", "Acquisition Equipment"))]
        items.append(scanner)
    own = Dataset()
    own.Manufacturer, own.ManufacturerModelName, own.SoftwareVersions = MANUFACTURER, MODEL, maps.provenance.version
    own.ContributionDescription = contribution(maps.provenance)
    own.PurposeOfReferenceCodeSequence = [code(("109103", "DCM", "Modifying Equipment"))]
    return [*items, own]


def references_to(images: Sequence[Dataset]) -> list[list[Reference]]:
    """Images of a series as source images, for results whose own source is not DICOM."""
    return [[Reference(i.SeriesInstanceUID, i.SOPClassUID, i.SOPInstanceUID)] for i in images]
