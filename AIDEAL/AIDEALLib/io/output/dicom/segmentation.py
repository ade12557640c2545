"""Segmentation Storage: the regions, with coded meaning, on the grid of the maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ....parameter_maps import ParameterMaps
from ....statistics import LiverPart
from .common import concept, equipment_arguments, finish, geometry_arguments, refer_by_frame, stand_in
from .content import Region
from .quantities import MODEL, SEGMENTATION_SERIES, Code, description
from .study import Reference, Study

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom.dataset import Dataset

_ANATOMY: Code = ("91723000", "SCT", "Anatomical Structure")
_SPATIAL: Code = ("309825002", "SCT", "Spatial and Relational Concept")
LIVER: Code = ("10200004", "SCT", "Liver")
_ABDOMEN: Code = ("818981001", "SCT", "Abdomen")
_REGION: Code = ("C85402", "NCIt", "Imaging Region of Interest")
_SIDES: dict[LiverPart, Code] = {
    LiverPart.RIGHT: ("24028007", "SCT", "Right"),
    LiverPart.LEFT: ("7771000", "SCT", "Left"),
}
_COUINAUD: dict[LiverPart, Code] = {
    LiverPart.I: ("71133005", "SCT", "Couinaud hepatic segment I"),
    LiverPart.II: ("277956007", "SCT", "Couinaud hepatic segment II"),
    LiverPart.III: ("277957003", "SCT", "Couinaud hepatic segment III"),
    LiverPart.IV: ("277958008", "SCT", "Couinaud hepatic segment IV"),
    LiverPart.IVA: ("277958008", "SCT", "Couinaud hepatic segment IV"),
    LiverPart.IVB: ("277958008", "SCT", "Couinaud hepatic segment IV"),
    LiverPart.V: ("277959000", "SCT", "Couinaud hepatic segment V"),
    LiverPart.VI: ("277960005", "SCT", "Couinaud hepatic segment VI"),
    LiverPart.VII: ("277961009", "SCT", "Couinaud hepatic segment VII"),
    LiverPart.VIII: ("277962002", "SCT", "Couinaud hepatic segment VIII"),
}
_ALGORITHM: Code = ("123101", "DCM", "Neighborhood Analysis")
_DERIVATION: Code = ("113076", "DCM", "Segmentation")


def segmentation(
    regions: Sequence[Region], maps: ParameterMaps, study: Study, references: Sequence[Sequence[Reference]]
) -> Dataset:
    """Regions as one object; regions may overlap, as a lobe and the whole liver do.

    Parameters
    ----------
    regions : sequence of Region
        Regions with at least one voxel.
    maps : ParameterMaps
        Maps whose grid they are on.
    study : Study
        Study it belongs to.
    references : sequence of sequence of Reference
        Source images of each slice.

    Returns
    -------
    Dataset
        Object ready to be written.
    """
    from highdicom.seg import Segmentation

    masks = np.stack([region.mask for region in regions], axis=-1).astype(np.uint8)
    names = ("segmentation", str(hash_of(masks)))
    dataset = Segmentation(
        source_images=[stand_in(study, masks.shape[:3])],
        pixel_array=masks,
        segmentation_type="BINARY",
        segment_descriptions=[_segment(number, region, maps, study) for number, region in enumerate(regions, start=1)],
        series_instance_uid=study.uids.of("segmentation series"),
        series_number=SEGMENTATION_SERIES,
        sop_instance_uid=study.uids.of(*names),
        instance_number=1,
        content_label="REGIONS",
        content_description="Regions of the measurements",
        omit_empty_frames=True,
        series_description=description("regions"),
        content_date=study.content_date,
        content_time=study.content_time,
        **geometry_arguments(maps.geometry, len(masks)),
        **equipment_arguments(maps.provenance),
    )
    finish(dataset, study, *names)
    refer_by_frame(dataset, maps.geometry, references, _DERIVATION)
    return dataset


def hash_of(masks: npt.NDArray[np.uint8]) -> str:
    """Digest of the regions' voxels."""
    from .uids import digest

    return digest(np.packbits(masks).tobytes())[:16]


def _segment(number: int, region: Region, maps: ParameterMaps, study: Study) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription

    category, kind, side = meaning(region)
    algorithm = None
    if not region.manual:
        algorithm = AlgorithmIdentificationSequence(f"{MODEL} regions", concept(_ALGORITHM), maps.provenance.version)
    described = SegmentDescription(
        segment_number=number,
        segment_label=region.name[:64],
        segmented_property_category=concept(category),
        segmented_property_type=concept(kind),
        algorithm_type="MANUAL" if region.manual else "AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=study.uids.of("region", number, region.name),
        tracking_id=f"{MODEL} {region.name}"[:64],
        anatomic_regions=[concept(LIVER)] if kind == _REGION and region.part is not None else None,
    )
    if side is not None:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [concept(side)]
    return described


def meaning(region: Region) -> tuple[Code, Code, Code | None]:
    """Category, type and side of a region from its name and terminology; a region of interest where these name no anatomy."""
    words = set(re.findall(r"[a-z]+", region.name.lower()))
    if words == {"body", "mask"}:
        return _ANATOMY, _ABDOMEN, None
    part = None if words & {"circle", "circles", "roi"} else region.part
    if part is None:
        return _SPATIAL, _REGION, None
    return _ANATOMY, _COUINAUD.get(part, LIVER), _SIDES.get(part)
