"""Encapsulated PDF Storage: the report as a document of the study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....parameter_maps import Provenance
from .common import code, contribution, instance_item, instances
from .quantities import MANUFACTURER, MODEL, PDF_SERIES, description
from .study import PATIENT, STUDY, Reference, Study
from .uids import digest

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"


def encapsulated_pdf(
    pdf: bytes, provenance: Provenance, study: Study, references: Sequence[Sequence[Reference]], title: str
) -> Dataset:
    """A PDF as an object.

    Parameters
    ----------
    pdf : bytes
        The file.
    provenance : Provenance
        Of the run it reports.
    study : Study
        Study it belongs to.
    references : sequence of sequence of Reference
        Source images of each slice.
    title : str
        Title of the document.

    Returns
    -------
    Dataset
        Object ready to be written.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword in (*PATIENT, *STUDY):
        setattr(made, keyword, study.header.get(keyword))
    for keyword in ("SpecificCharacterSet", "StudyDescription"):
        if keyword in study.header:
            setattr(made, keyword, study.header.get(keyword))
    made.SOPClassUID, made.SOPInstanceUID = ENCAPSULATED_PDF, study.uids.of("pdf", digest(pdf))
    made.file_meta.MediaStorageSOPClassUID = UID(ENCAPSULATED_PDF)
    made.file_meta.MediaStorageSOPInstanceUID = UID(made.SOPInstanceUID)
    made.Modality, made.ConversionType = "DOC", "WSD"
    made.SeriesInstanceUID, made.SeriesNumber = study.uids.of("pdf series"), PDF_SERIES
    made.SeriesDescription = description("report")
    made.Manufacturer, made.ManufacturerModelName, made.SoftwareVersions = MANUFACTURER, MODEL, provenance.version
    own = Dataset()
    own.Manufacturer, own.ManufacturerModelName, own.SoftwareVersions = MANUFACTURER, MODEL, provenance.version
    own.ContributionDescription = contribution(provenance)
    own.PurposeOfReferenceCodeSequence = [code(("109103", "DCM", "Modifying Equipment"))]
    made.ContributingEquipmentSequence = [own]
    made.ContentDate, made.ContentTime = study.content_date, study.content_time
    made.AcquisitionDateTime = None
    made.InstanceNumber, made.BurnedInAnnotation = 1, "NO"
    made.DocumentTitle, made.ConceptNameCodeSequence = title[:64], [code(("126000", "DCM", "Imaging Measurement Report"))]
    made.SourceInstanceSequence = [instance_item(r) for r in instances(r for some in references for r in some)]
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocumentLength = len(pdf)
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return made
