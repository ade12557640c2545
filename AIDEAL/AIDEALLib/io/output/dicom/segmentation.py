"""Segmentation Storage: the regions, with coded meaning, on the grid of the maps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....parameter_maps import ParameterMaps
from .common import concept, equipment_arguments, finish, geometry_arguments, refer_by_frame, stand_in
from .content import Region
from .quantities import MODEL, SEGMENTATION_SERIES, Code, description
from .study import Reference, Study

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ANATOMY: Code = ("91723000", "SCT", "Anatomical Structure")
_SPATIAL: Code = ("309825002", "SCT", "Spatial and Relational Concept")
LIVER: Code = ("10200004", "SCT", "Liver")
_ABDOMEN: Code = ("818981001", "SCT", "Abdomen")
_REGION: Code = ("C85402", "NCIt", "Imaging Region of Interest")
_SIDES: dict[str, Code] = {"right": ("24028007", "SCT", "Right"), "left": ("7771000", "SCT", "Left")}
_COUINAUD: dict[str, Code] = {
    "1": ("71133005", "SCT", "Couinaud hepatic segment I"),
    "2": ("277956007", "SCT", "Couinaud hepatic segment II"),
    "3": ("277957003", "SCT", "Couinaud hepatic segment III"),
    "4": ("277958008", "SCT", "Couinaud hepatic segment IV"),
    "5": ("277959000", "SCT", "Couinaud hepatic segment V"),
    "6": ("277960005", "SCT", "Couinaud hepatic segment VI"),
    "7": ("277961009", "SCT", "Couinaud hepatic segment VII"),
    "8": ("277962002", "SCT", "Couinaud hepatic segment VIII"),
}
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
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


def hash_of(masks: np.ndarray) -> str:  # type: ignore[type-arg]
    """Digest of the regions' voxels."""
    from .uids import digest

    return digest(np.packbits(masks).tobytes())[:16]


def _segment(number: int, region: Region, maps: ParameterMaps, study: Study) -> Dataset:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.seg import SegmentDescription

    category, kind, side = meaning(region.name)
    algorithm = None
    if not region.manual:
        algorithm = AlgorithmIdentificationSequence(f"{MODEL} foreground", concept(_ALGORITHM), maps.provenance.version)
    described = SegmentDescription(
        segment_number=number,
        segment_label=region.name[:64],
        segmented_property_category=concept(category),
        segmented_property_type=concept(kind),
        algorithm_type="MANUAL" if region.manual else "AUTOMATIC",
        algorithm_identification=algorithm,
        tracking_uid=study.uids.of("region", number, region.name),
        tracking_id=f"{MODEL} {region.name}"[:64],
        anatomic_regions=[concept(LIVER)] if kind == _REGION and "liver" in region.name.lower() else None,
    )
    if side is not None:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [concept(side)]
    return described


def meaning(name: str) -> tuple[Code, Code, Code | None]:
    """Category, type and side of a region from the words of its name; a region of interest where they name no anatomy."""
    words = re.findall(r"[a-z]+|\d+", name.lower())
    if "segment" in words or "couinaud" in words:
        for word in words:
            if (digit := _ROMAN.get(word, word)) in _COUINAUD:
                return _ANATOMY, _COUINAUD[digit], None
    if words == ["body", "mask"]:
        return _ANATOMY, _ABDOMEN, None
    if {"lobe", "liver", "hepatic"} & set(words) and not {"circle", "roi"} & set(words):
        return _ANATOMY, LIVER, next((_SIDES[word] for word in words if word in _SIDES), None)
    return _SPATIAL, _REGION, None
