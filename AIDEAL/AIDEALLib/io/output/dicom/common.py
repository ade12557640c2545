"""What all objects share: planes, references to the source, the equipment that contributed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ....echoes import Geometry
from ....parameter_maps import Provenance
from .quantities import MANUFACTURER, MODEL, RESEARCH, Code, Quantity
from .study import Reference, Study, orientation, position

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_SAME_PLACE_MM = 1e-3
BODY = "ABDOMEN"
"""Body part where the source does not state it: an unpaired one has no laterality."""
WINDOW_FUNCTION = "LINEAR_EXACT"
"""How a window is applied: to values in physical units, which may be small (PS3.3, C.11.2.1.3.2)."""
_PURPOSE: Code = ("121322", "DCM", "Source image for image processing operation")


def code(value: Code) -> Dataset:
    """Item of a code sequence."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value
    return item


def concept(value: Code) -> Any:
    """The same for highdicom."""
    from highdicom.sr import CodedConcept

    return CodedConcept(*value)


def geometry_arguments(geometry: Geometry, slices: int) -> dict[str, Any]:
    """Pixel measures, orientation and positions for highdicom's images."""
    from highdicom import PixelMeasuresSequence, PlaneOrientationSequence, PlanePositionSequence

    column, row, between = (float(f"{v:.10g}") for v in geometry.spacing_mm)
    return {
        "pixel_measures": PixelMeasuresSequence((row, column), between, between),
        "plane_orientation": PlaneOrientationSequence("PATIENT", orientation(geometry)),
        "plane_positions": [PlanePositionSequence("PATIENT", position(geometry, n)) for n in range(slices)],
    }


def display_window(quantity: Quantity, values: npt.NDArray[np.floating]) -> tuple[float, float]:
    """Lowest and highest value to show."""
    finite = values[np.isfinite(values)]
    return quantity.window or (0.0, float(np.percentile(finite, 99.5) if finite.size else 0.0) or 1.0)


def stand_in(study: Study, shape: tuple[int, ...]) -> Dataset:
    """Image of the study without pixels: highdicom takes patient, study and frame of reference from it."""
    header = deepcopy(study.header)
    header.Rows, header.Columns = shape[1:]
    header.ImageOrientationPatient, header.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
    header.PixelSpacing, header.SliceThickness = [1, 1], 1
    return header


def equipment_arguments(provenance: Provenance) -> dict[str, Any]:
    """Manufacturer, model and version for highdicom's objects, and the same as contributing equipment."""
    from highdicom import ContributingEquipment

    made = ContributingEquipment(
        MANUFACTURER,
        concept(("109103", "DCM", "Modifying Equipment")),
        manufacturer_model_name=MODEL,
        software_versions=provenance.version,
        contribution_description=contribution(provenance),
    )
    return {
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": MODEL,
        "software_versions": provenance.version,
        "device_serial_number": provenance.version,
        "contributing_equipment": [made],
    }


def contribution(provenance: Provenance) -> str:
    """How the maps were estimated, in one sentence."""
    models = "".join(f", {name} {checksum[:12]}" for name, checksum in provenance.models.items())
    return f"Water-fat separation by {MODEL} {provenance.version}, method {provenance.method}{models}; {RESEARCH}"[:1024]


def finish(dataset: Dataset, study: Study, *names: str) -> Dataset:
    """Take out what depends on the moment, and what only the stand-in for the source image had.

    Parameters
    ----------
    dataset : Dataset
        Object made by highdicom.
    study : Study
        Study it belongs to.
    *names : str
        Name of the object, for identifiers inside it.

    Returns
    -------
    Dataset
        The same object.
    """
    for keyword in ("InstanceCreationDate", "InstanceCreationTime"):
        if keyword in dataset:
            del dataset[keyword]
    for item in dataset.get("ContributingEquipmentSequence", []):
        if "ContributionDateTime" in item:
            del item.ContributionDateTime
    if "DimensionOrganizationSequence" in dataset:
        uid = study.uids.of(*names, "dimensions")
        dataset.DimensionOrganizationSequence[0].DimensionOrganizationUID = uid
        for item in dataset.DimensionIndexSequence:
            item.DimensionOrganizationUID = uid
    if "NumberOfFrames" in dataset and "SegmentSequence" not in dataset:
        dataset.BodyPartExamined = study.header.get("BodyPartExamined") or BODY
    return dataset


def refer_by_frame(dataset: Dataset, geometry: Geometry, references: Sequence[Sequence[Reference]], derivation: Code) -> None:
    """Let each frame, and the object as a whole, refer to the source images of its slice.

    Parameters
    ----------
    dataset : Dataset
        Multi-frame object.
    geometry : Geometry
        Grid of the maps.
    references : sequence of sequence of Reference
        Source images by slice.
    derivation : Code
        How the frames were derived.
    """
    from pydicom.dataset import Dataset

    places = np.asarray([position(geometry, n) for n in range(len(references))])
    used: list[Reference] = []
    for group in dataset.PerFrameFunctionalGroupsSequence:
        place = np.asarray([float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient])
        index = int(np.argmin(np.linalg.norm(places - place, axis=1)))
        assert np.linalg.norm(places[index] - place) < _SAME_PLACE_MM, place
        item = Dataset()
        item.DerivationCodeSequence = [code(derivation)]
        item.SourceImageSequence = [source_item(r) for r in references[index]]
        group.DerivationImageSequence = [item]
        used += references[index]
    dataset.ReferencedSeriesSequence = referenced_series(used)
    dataset.SourceImageSequence = [source_item(r) for r in instances(used)]


def source_item(reference: Reference) -> Dataset:
    """Item of a source image sequence."""
    item = instance_item(reference)
    item.PurposeOfReferenceCodeSequence = [code(_PURPOSE)]
    item.SpatialLocationsPreserved = "YES"
    return item


def instance_item(reference: Reference, with_frame: bool = True) -> Dataset:
    """Reference to an instance, and to one of its frames where there are several."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference.class_uid, reference.instance_uid
    if reference.frame is not None and with_frame:
        item.ReferencedFrameNumber = reference.frame
    return item


def instances(references: Iterable[Reference]) -> list[Reference]:
    """Each instance once, without frames."""
    return list({r.instance_uid: Reference(r.series_uid, r.class_uid, r.instance_uid) for r in references}.values())


def referenced_series(references: Iterable[Reference]) -> list[Dataset]:
    """Items of the referenced series sequence."""
    from pydicom.dataset import Dataset

    series: dict[str, Dataset] = {}
    for reference in instances(references):
        if reference.series_uid not in series:
            item = Dataset()
            item.SeriesInstanceUID, item.ReferencedInstanceSequence = reference.series_uid, []
            series[reference.series_uid] = item
        series[reference.series_uid].ReferencedInstanceSequence.append(instance_item(reference))
    return list(series.values())


def evidence(study: Study, references: Iterable[Reference]) -> list[Dataset]:
    """Datasets that a report may name as evidence: identity and identifiers only."""
    found = []
    for reference in instances(references):
        item = deepcopy(study.header)
        item.SeriesInstanceUID = reference.series_uid
        item.SOPClassUID, item.SOPInstanceUID = reference.class_uid, reference.instance_uid
        found.append(item)
    return found
