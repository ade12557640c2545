"""Structured report of the measurements (TID 1500): a measurement group a region, the algorithm, the findings as text."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ....parameter_maps import Provenance
from ....statistics import SegmentStatistics
from .common import concept, equipment_arguments, evidence, finish
from .content import ExportContent, Region
from .quantities import FAT_FRACTION, MODEL, PER_SECOND, PERCENT, R2STAR, REPORT_SERIES, STANDARD_DEVIATION, Code, description
from .segmentation import LIVER, meaning
from .study import Reference, Study
from .uids import digest

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

SCHEME = "99AIDEAL"
MEAN: Code = ("373098007", "SCT", "Mean")
MEDIAN: Code = ("373099004", "SCT", "Median")
IQR: Code = ("130614", "DCM", "Interquartile Range of population")
VOLUME: Code = ("118565006", "SCT", "Volume")
MILLILITRE: Code = ("ml", "UCUM", "milliliter")
COUNT: Code = ("{voxels}", "UCUM", "voxels")
VOXELS: Code = ("voxels", SCHEME, "Number of voxels")
STATED_SD: Code = ("stated-sd", SCHEME, "Mean of the stated SD of the voxels' PDFF")
LOWEST: Code = ("mean-lower", SCHEME, "Lower end of 95 % interval of the mean PDFF")
HIGHEST: Code = ("mean-upper", SCHEME, "Upper end of 95 % interval of the mean PDFF")
MEDIAN_LOWEST: Code = ("median-lower", SCHEME, "Lower end of 95 % interval of the median PDFF")
MEDIAN_HIGHEST: Code = ("median-upper", SCHEME, "Upper end of 95 % interval of the median PDFF")
JOINT: Code = ("joint", SCHEME, "PDFF of the joint estimate of all voxels")
JOINT_LOWEST: Code = ("joint-lower", SCHEME, "Lower end of 95 % interval of the joint estimate")
JOINT_HIGHEST: Code = ("joint-upper", SCHEME, "Upper end of 95 % interval of the joint estimate")
MODEL_LOWEST: Code = ("model-lower", SCHEME, "Lowest PDFF over published variants of the signal model")
MODEL_HIGHEST: Code = ("model-upper", SCHEME, "Highest PDFF over published variants of the signal model")
LOW_CONFIDENCE: Code = ("low-confidence", SCHEME, "Share of voxels of low confidence")
GRADE: Code = ("steatosis-grade", SCHEME, "Steatosis grade, research use only")
_FINDING: Code = ("121071", "DCM", "Finding")
_EVALUATIONS: Code = ("C0034375", "UMLS", "Qualitative Evaluations")


def structured_report(
    content: ExportContent, study: Study, references: Sequence[Sequence[Reference]], segments: Dataset | None
) -> Dataset:
    """Measurements and findings as an object.

    Parameters
    ----------
    content : ExportContent
        What to report.
    study : Study
        Study it belongs to.
    references : sequence of sequence of Reference
        Source images of each slice.
    segments : Dataset or None
        The segmentation of the regions with voxels; None where there are none.

    Returns
    -------
    Dataset
        Object ready to be written.
    """
    from highdicom import sr

    provenance, measured = content.maps.provenance, [region for region in content.regions if region.mask.any()]
    observer = sr.ObserverContext(
        observer_type=concept(("121007", "DCM", "Device")),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=study.uids.of("device", provenance.version), name=MODEL, model_name=f"{MODEL} {provenance.version}"
        ),
    )
    groups = [
        _group(number, region, content, study, segments, references)
        for number, region in enumerate(measured, start=1)
        if segments is not None
    ]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=concept(("MR", "DCM", "Magnetic Resonance")),
        imaging_measurements=groups,
        title=concept(("126000", "DCM", "Imaging Measurement Report")),
    )
    report[0].ContentSequence.append(_findings((*content.findings, provenance.research_use)))
    named = [r for some in references for r in some]
    sources = evidence(study, named)
    if segments is not None:
        sources.append(segments)
    names = ("report", digest(*map(repr, (r.statistics for r in content.regions)), *content.findings))
    dataset = sr.ComprehensiveSR(
        evidence=sources,
        content=report[0],
        series_instance_uid=study.uids.of("report series"),
        series_number=REPORT_SERIES,
        sop_instance_uid=study.uids.of(*names),
        instance_number=1,
        is_complete=True,
        is_final=False,
        is_verified=False,
        series_description=description("measurements"),
        content_date=study.content_date,
        content_time=study.content_time,
        **equipment_arguments(provenance),
    )
    return finish(dataset, study, *names)


def measurements_of(row: SegmentStatistics) -> Iterator[tuple[Code, Code | None, float, Code]]:
    """Name, derivation, value and unit of each measurement that has a value."""
    values: list[tuple[Code, Code | None, float, Code]] = [
        (VOLUME, None, row.volume_ml, MILLILITRE),
        (VOXELS, None, float(row.used_voxels), COUNT),
        (FAT_FRACTION, MEAN, row.pdff_mean, PERCENT),
        (FAT_FRACTION, MEDIAN, row.pdff_median, PERCENT),
        (FAT_FRACTION, STANDARD_DEVIATION, row.pdff_sd, PERCENT),
        (FAT_FRACTION, IQR, row.pdff_iqr, PERCENT),
        (STATED_SD, None, row.stated_sd_mean, PERCENT),
        (LOWEST, None, row.mean_low, PERCENT),
        (HIGHEST, None, row.mean_high, PERCENT),
        (MEDIAN_LOWEST, None, row.median_low, PERCENT),
        (MEDIAN_HIGHEST, None, row.median_high, PERCENT),
        (JOINT, None, row.joint_pdff, PERCENT),
        (JOINT_LOWEST, None, row.joint_low, PERCENT),
        (JOINT_HIGHEST, None, row.joint_high, PERCENT),
        (MODEL_LOWEST, None, row.model_low, PERCENT),
        (MODEL_HIGHEST, None, row.model_high, PERCENT),
        (LOW_CONFIDENCE, None, row.low_confidence_percent, PERCENT),
        (R2STAR, MEAN, row.r2star_mean, PER_SECOND),
    ]
    return (entry for entry in values if math.isfinite(entry[2]))


def _group(
    number: int,
    region: Region,
    content: ExportContent,
    study: Study,
    segments: Dataset,
    references: Sequence[Sequence[Reference]],
) -> Any:
    from highdicom import sr

    _, kind, side = meaning(region)
    slices = [n for n, plane in enumerate(region.mask) if plane.any()]
    images = [
        sr.SourceImageForSegmentation(r.class_uid, r.instance_uid, [r.frame] if r.frame else None)
        for r in (references[n][0] for n in slices)
    ]
    grade = region.statistics.steatosis_grade
    graded = f"{grade} after {content.grading}" if content.grading else grade
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=study.uids.of("region", number, region.name), identifier=f"{MODEL} {region.name}"[:64]
        ),
        referenced_segment=sr.ReferencedSegment(
            segments.SOPClassUID, segments.SOPInstanceUID, number, source_images=_each_once(images)
        ),
        finding_type=concept(kind),
        finding_sites=[sr.FindingSite(concept(LIVER), laterality=concept(side) if side else None)],
        algorithm_id=_algorithm(content.maps.provenance),
        measurements=[
            sr.Measurement(
                concept(name), number_text(value), concept(unit), derivation=concept(derivation) if derivation else None
            )
            for name, derivation, value, unit in measurements_of(region.statistics)
        ],
        qualitative_evaluations=[sr.QualitativeEvaluation(concept(GRADE), concept((grade, SCHEME, graded)))] if grade else None,
    )


def number_text(value: float) -> float:
    """A value in the 16 characters of a decimal string."""
    return float(f"{value:.9g}")


def _each_once(images: list[Any]) -> list[Any]:
    """Frames of one multi-frame object are named together by naming the object."""
    return list({image.referenced_sop_instance_uid: image for image in images}.values())


def _algorithm(provenance: Provenance) -> Any:
    from highdicom import sr

    parameters = [f"method={provenance.method}", f"spectrum={provenance.spectrum.get('name', '')}"]
    parameters += [f"{name} sha256={checksum}" for name, checksum in provenance.models.items()]
    return sr.AlgorithmIdentification(MODEL, provenance.version, parameters=parameters)


def _findings(sentences: Sequence[str]) -> Any:
    from highdicom import sr

    container = sr.ContainerContentItem(concept(_EVALUATIONS), relationship_type="CONTAINS")
    container.ContentSequence = sr.ContentSequence(
        [sr.TextContentItem(concept(_FINDING), sentence, relationship_type="CONTAINS") for sentence in sentences]
    )
    return container
