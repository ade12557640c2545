"""Patient, study and source images that derived objects belong to. Identity is read and written in this folder only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....echoes import Geometry
from ....errors import InputError
from ...dicom.elements import text, value
from ...dicom.files import MR_IMAGE, read_header
from ...dicom.frames import Frame
from ...dicom.read import is_dicom, scan_stack
from .uids import Uids, digest

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName")
_TYPE_2 = (*PATIENT, *STUDY, "PositionReferenceIndicator")
_OPTIONAL = (
    *("IssuerOfPatientID", "OtherPatientIDs", "EthnicGroup", "PatientComments", "StudyDescription", "PatientAge"),
    *("PatientSize", "PatientWeight", "SpecificCharacterSet", "FrameOfReferenceUID"),
    *("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions", "InstitutionName", "StationName"),
    *("MagneticFieldStrength", "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime"),
    *("FlipAngle", "ImagingFrequency", "ImagedNucleus", "PatientPosition", "BodyPartExamined", "ProtocolName"),
)
"""Copied where the source has them."""
NO_DATE, NO_TIME = "20000101", "000000"
"""Content date and time where the source states no study date; the present would make every export another object."""
SAME_PLACE_MM = 0.01
"""How far a source image may lie off the slice that refers to it."""


@dataclass(frozen=True)
class Reference:
    """A source image.

    Attributes
    ----------
    series_uid : str
        Its series.
    class_uid : str
        Its SOP class.
    instance_uid : str
        Its SOP instance.
    frame : int or None
        Number of the frame from 1 in a multi-frame object.
    """

    series_uid: str
    class_uid: str
    instance_uid: str
    frame: int | None = None


@dataclass(frozen=True)
class Identity:
    """Identity of a patient whose scan has none, or shall not keep it.

    Attributes
    ----------
    patient_name : str
        Name in DICOM's form, family^given.
    patient_id : str
        Identifier; '' makes one from the result.
    birth_date : str
        YYYYMMDD, or ''.
    sex : str
        M, F, O, or ''.

    Raises
    ------
    InputError
        Date or sex has another form.
    """

    patient_name: str = "Anonymous"
    patient_id: str = ""
    birth_date: str = ""
    sex: str = ""

    def __post_init__(self) -> None:
        if self.sex not in ("", "M", "F", "O"):
            raise InputError(f"Sex of the patient is '{self.sex}'; M, F or O was expected.")
        if self.birth_date and not (len(self.birth_date) == 8 and self.birth_date.isdigit()):
            raise InputError(f"Birth date of the patient is '{self.birth_date}'; YYYYMMDD was expected.")


@dataclass(frozen=True, eq=False)
class Study:
    """What derived objects belong to and were derived from.

    Attributes
    ----------
    header : Dataset
        Patient, study, frame of reference, and the scanner's equipment.
    references : tuple of tuple of Reference
        Source images of each slice; empty where the objects themselves must serve.
    uids : Uids
        Makes the identifiers of the objects.
    """

    header: Dataset
    references: tuple[tuple[Reference, ...], ...]
    uids: Uids

    @property
    def content_date(self) -> str:
        """Date of the content: that of the study, so that it does not depend on when it was exported."""
        return str(self.header.StudyDate or NO_DATE)

    @property
    def content_time(self) -> str:
        """Time of the content, as its date."""
        return str(self.header.StudyTime or NO_TIME)


def study_of(
    sources: Sequence[Path], geometry: Geometry, shape: tuple[int, int, int], result: str, identity: Identity | None
) -> Study:
    """Study of the source, or a new one.

    Parameters
    ----------
    sources : sequence of Path
        Files of the scan; empty, or files that are not DICOM, give a new study.
    geometry : Geometry
        Grid of the maps.
    shape : tuple of int
        Number of slices, rows and columns.
    result : str
        Digest of the result (`uids.maps_digest`).
    identity : Identity, optional
        Identity to write instead of the source's, in a new study without references to the source. None keeps that of DICOM
        sources and makes one for others.

    Returns
    -------
    Study

    Raises
    ------
    InputError
        The DICOM source is not on the grid of the maps.
    """
    if identity is None and sources and is_dicom(list(sources)):
        return _study_of_dicom(sources, geometry, shape, result)
    return _new_study(result, identity or Identity("Research^Subject"))


def _study_of_dicom(sources: Sequence[Path], geometry: Geometry, shape: tuple[int, int, int], result: str) -> Study:
    _, stack, _ = scan_stack(list(sources))
    by_slice: list[list[Frame]] = [[] for _ in range(shape[0])]
    for rows in stack.frames.values():
        for row in rows:
            if len(row) != shape[0] or row[0].size != shape[1:]:
                raise InputError(
                    f"The source has {len(row)} slices of {row[0].size[0]} x {row[0].size[1]} voxels, the result "
                    f"{shape[0]} of {shape[1]} x {shape[2]}; the scan that the result was estimated from was expected."
                )
            for index, frame in enumerate(row):
                by_slice[index].append(frame)
    for index, frames in enumerate(by_slice):
        offset = float(np.linalg.norm(np.subtract(frames[0].position_mm, position(geometry, index))))
        if offset > SAME_PLACE_MM + 1e-3 * geometry.spacing_mm[2]:
            raise InputError(
                f"Slice {index + 1} of the source lies {offset:.1f} mm from that of the result; the scan that the result was "
                "estimated from was expected."
            )
    headers = {path: read_header(path) for path in {frame.path for frames in by_slice for frame in frames}}
    references = tuple(
        tuple(
            Reference(
                text(headers[f.path], "SeriesInstanceUID"),
                text(headers[f.path], "SOPClassUID"),
                f.instance_uid,
                f.index + 1 if value(headers[f.path], "NumberOfFrames") else None,
            )
            for f in frames
        )
        for frames in by_slice
    )
    uids = Uids(digest(result, *sorted({r.instance_uid for frames in references for r in frames})))
    header = _header(headers[by_slice[0][0].path], uids)
    return Study(header, references, uids)


def _header(source: Dataset, uids: Uids) -> Dataset:
    from pydicom.dataset import Dataset

    header = Dataset()
    for keyword in _TYPE_2:
        setattr(header, keyword, value(source, keyword) or "")
    for keyword in _OPTIONAL:
        if (found := value(source, keyword)) is not None:
            setattr(header, keyword, found)
    if not header.StudyInstanceUID:
        raise InputError("The source has no Study Instance UID (0020,000D); one was expected. Export the scan again.")
    if "FrameOfReferenceUID" not in header:
        header.FrameOfReferenceUID = uids.of("frame of reference")
    return _finished(header, uids)


def _new_study(result: str, identity: Identity) -> Study:
    from pydicom.dataset import Dataset

    uids = Uids(digest(result, identity.patient_name, identity.patient_id, "new study"))
    header = Dataset()
    for keyword in _TYPE_2:
        setattr(header, keyword, "")
    header.SpecificCharacterSet = "ISO_IR 192"
    header.PatientName = identity.patient_name
    header.PatientID = identity.patient_id or f"AIDEAL-{digest(result)[:12]}"
    header.PatientBirthDate, header.PatientSex = identity.birth_date, identity.sex
    header.StudyInstanceUID, header.StudyID = uids.of("study"), "1"
    header.FrameOfReferenceUID = uids.of("frame of reference")
    return Study(_finished(header, uids), (), uids)


def _finished(header: Dataset, uids: Uids) -> Dataset:
    """What highdicom needs of a source image besides."""
    header.SOPClassUID, header.SOPInstanceUID = MR_IMAGE, uids.of("source")
    header.SeriesInstanceUID, header.Modality = uids.of("source series"), "MR"
    return header


def position(geometry: Geometry, index: int) -> list[float]:
    """Place of the first voxel of a slice, mm, in the precision of a header."""
    normal = np.asarray(geometry.direction, dtype=float).reshape(3, 3)[:, 2]
    place = np.asarray(geometry.origin_mm) + normal * geometry.spacing_mm[2] * index
    return [float(round(v, 6)) + 0.0 for v in place]


def orientation(geometry: Geometry) -> list[float]:
    """Directions of rising column and row index."""
    matrix = np.asarray(geometry.direction, dtype=float).reshape(3, 3)
    columns = matrix / np.linalg.norm(matrix, axis=0)
    return [float(round(v, 8)) + 0.0 for v in (*columns[:, 0], *columns[:, 1])]
