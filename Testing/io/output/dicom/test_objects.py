"""What the objects hold, read back with pydicom and highdicom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from AIDEALLib.io.output.dicom.classic_series import rescale_slope
from AIDEALLib.io.output.dicom.content import ExportContent, Region
from AIDEALLib.io.output.dicom.export import Exported
from AIDEALLib.io.output.dicom.quantities import QUANTITIES
from AIDEALLib.io.output.dicom.segmentation import meaning
from AIDEALLib.io.segmentation import load_segmentation
from AIDEALLib.parameter_maps import ParameterMaps


def of_kind(objects: list[Exported], kind: str, name: str | None = None) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(o.path) for o in objects if o.kind == kind and name in (None, o.name)]


def test_every_map_is_there_in_both_forms(objects: list[Exported], result: ParameterMaps) -> None:
    assert [o.name for o in objects if o.kind == "parametric map"] == list(QUANTITIES)
    assert len([o for o in objects if o.kind == "classic series"]) == len(QUANTITIES) * len(result.mask)
    assert {o.kind for o in objects} == {
        "classic series",
        "parametric map",
        "segmentation",
        "structured report",
        "encapsulated pdf",
    }


@pytest.mark.parametrize("name", QUANTITIES)
def test_parametric_map_holds_the_map_bit_by_bit(objects: list[Exported], result: ParameterMaps, name: str) -> None:
    (dataset,) = of_kind(objects, "parametric map", name)
    values = np.frombuffer(dataset.FloatPixelData, np.float32).reshape(-1, dataset.Rows, dataset.Columns)
    geometry = result.geometry
    normal = np.asarray(geometry.direction).reshape(3, 3)[:, 2] * geometry.spacing_mm[2]
    for frame, group in zip(values, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        place = np.asarray(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float) - geometry.origin_mm
        index = float(place @ normal / (normal @ normal))
        assert index == pytest.approx(round(index), abs=1e-4)
        assert frame.tobytes() == getattr(result, name)[round(index)].tobytes()
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.RealWorldValueSlope == 1 and mapping.RealWorldValueIntercept == 0
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == QUANTITIES[name].unit[0]
    assert mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0].CodeValue == QUANTITIES[name].concept[0]
    spread = [item.ConceptCodeSequence[0].CodeMeaning for item in mapping.QuantityDefinitionSequence[1:]]
    assert spread == (["Standard Deviation"] if name.endswith("_sd") else [])


def test_highdicom_reads_parametric_maps_with_their_place(objects: list[Exported], result: ParameterMaps) -> None:
    (path,) = (o.path for o in objects if o.kind == "parametric map" and o.name == "pdff")
    volume = hd.imread(path).get_volume(apply_real_world_transform=True)
    index = np.linalg.solve(volume.affine, [*result.geometry.origin_mm, 1.0])[:3]
    values = volume.array[::-1] if index[0] > 0.5 else volume.array
    assert np.array_equal(values.astype(np.float32), result.pdff)
    assert np.allclose(volume.spacing, (7.0, 2.5, 3.0), atol=1e-4)


@pytest.mark.parametrize("name", QUANTITIES)
def test_classic_series_is_within_half_a_step(objects: list[Exported], result: ParameterMaps, name: str) -> None:
    images = of_kind(objects, "classic series", name)
    values = np.stack([i.pixel_array * float(i.RescaleSlope) + float(i.RescaleIntercept) for i in images])
    expected = getattr(result, name).astype(np.float64)
    step = float(images[0].RescaleSlope)
    assert np.abs(values - expected).max() <= 0.5001 * step
    if QUANTITIES[name].unit[0] == "%":
        assert np.abs(values - expected).max() <= 0.05
    if name == "pdff":
        assert values[0, 20, 20] == pytest.approx(-17.37, abs=0.01)
        assert values[1, 21, 21] == pytest.approx(312.44, abs=0.01)
    assert [i.InstanceNumber for i in images] == [1, 2, 3, 4]
    assert len({i.SeriesInstanceUID for i in images}) == 1
    for number, image in enumerate(images):
        matrix = np.asarray(result.geometry.direction).reshape(3, 3)
        place = np.asarray(result.geometry.origin_mm) + matrix[:, 2] * result.geometry.spacing_mm[2] * number
        assert np.allclose([float(v) for v in image.ImagePositionPatient], place, atol=1e-4)
        assert [float(v) for v in image.PixelSpacing] == [2.5, 3.0]


def test_a_scale_holds_the_values_and_is_fine_for_percent() -> None:
    assert rescale_slope(np.array([-120.0, 300.0]), percent=True) == 0.01
    assert rescale_slope(np.array([500.0]), percent=True) == 0.02
    assert rescale_slope(np.array([1e6]), percent=True) == 0.1
    assert rescale_slope(np.array([1e5]), percent=False) == 5.0
    assert rescale_slope(np.zeros(3), percent=False) == 1e-6
    assert rescale_slope(np.array([np.inf, 20.0, np.nan]), percent=False) == 0.001


def test_segmentation_comes_back(objects: list[Exported], result: ParameterMaps, labels: np.ndarray) -> None:  # type: ignore[type-arg]
    (path,) = (o.path for o in objects if o.kind == "segmentation")
    back = load_segmentation(path, result.geometry, result.mask.shape)
    assert list(back.names.values()) == ["Right lobe", "Left lobe", "Couinaud segment VII", "Circle 1"]
    assert np.array_equal(back.labels, labels)


def test_segments_are_coded(objects: list[Exported]) -> None:
    (dataset,) = of_kind(objects, "segmentation")
    kinds = {s.SegmentLabel: s.SegmentedPropertyTypeCodeSequence[0] for s in dataset.SegmentSequence}
    assert kinds["Right lobe"].CodeValue == kinds["whole liver"].CodeValue == "10200004"
    assert kinds["Right lobe"].SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Right"
    assert kinds["Couinaud segment VII"].CodeValue == "277961009"
    assert kinds["Circle 1"].CodeMeaning == "Imaging Region of Interest"
    assert {s.SegmentAlgorithmType for s in dataset.SegmentSequence} == {"MANUAL"}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Couinaud segment 4", "277958008"),
        ("Liver segment IV", "277958008"),
        ("Liver", "10200004"),
        ("body mask", "818981001"),
        ("vial 12", "C85402"),
        ("Right lobe ROI 1", "C85402"),
    ],
)
def test_meaning_of_names(content: ExportContent, name: str, code: str) -> None:
    region = Region(np.ones((1, 1, 1), bool), replace(content.regions[0].statistics, name=name))
    assert meaning(region)[1][0] == code
    coded = replace(
        region, statistics=replace(region.statistics, name="label 1"), terminology="SCT^69842003^Left lobe of liver"
    )
    assert [part and part[0] for part in meaning(coded)] == ["91723000", "10200004", "7771000"]


def test_report_holds_every_measurement(objects: list[Exported], content: ExportContent) -> None:
    (path,) = (o.path for o in objects if o.kind == "structured report")
    report = hd.sr.srread(path)
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert [g.tracking_identifier for g in groups] == [f"AIDEAL {r.name}" for r in content.regions]
    row = content.regions[0].statistics
    found = {(m.name.meaning, m.derivation.meaning if m.derivation else ""): m.value for m in groups[0].get_measurements()}
    for key, value in {
        ("Volume", ""): row.volume_ml,
        ("Number of voxels", ""): row.used_voxels,
        ("Fat fraction", "Mean"): row.pdff_mean,
        ("Fat fraction", "Median"): row.pdff_median,
        ("Fat fraction", "Standard Deviation"): row.pdff_sd,
        ("Fat fraction", "Interquartile Range of population"): row.pdff_iqr,
        ("Mean of the stated SD of the voxels' PDFF", ""): row.stated_sd_mean,
        ("Lower end of 95 % interval of the mean PDFF", ""): row.mean_low,
        ("Upper end of 95 % interval of the mean PDFF", ""): row.mean_high,
        ("Share of voxels of low confidence", ""): row.low_confidence_percent,
        ("R2*", "Mean"): row.r2star_mean,
    }.items():
        assert found[key] == pytest.approx(value, rel=1e-7), key
    (grade,) = groups[0].get_qualitative_evaluations()
    assert grade.value.meaning == f"{row.steatosis_grade} after Tang 2015"
    (segments,) = of_kind(objects, "segmentation")
    assert [g.reference_type.meaning for g in groups] == ["Referenced Segment"] * len(groups)
    texts = path.read_bytes().decode("latin-1")
    for words in ("The field is steep", "Research use only", "ab" * 32, segments.SOPInstanceUID, "AIDEAL"):
        assert words in texts


def test_pdf_comes_back(objects: list[Exported], content: ExportContent) -> None:
    (dataset,) = of_kind(objects, "encapsulated pdf")
    assert content.report_pdf is not None
    assert dataset.EncapsulatedDocument[: dataset.EncapsulatedDocumentLength] == content.report_pdf
    assert dataset.MIMETypeOfEncapsulatedDocument == "application/pdf"


def test_objects_say_what_they_are_for(objects: list[Exported]) -> None:
    for path in {o.path for o in objects}:
        dataset = pydicom.dcmread(path)
        assert "research use only" in dataset.SeriesDescription
        assert dataset.get("BurnedInAnnotation", "NO") == "NO"
        described = [i.ContributionDescription for i in dataset.ContributingEquipmentSequence if "ContributionDescription" in i]
        assert any("method refined" in text and "G_phi abababababab" in text for text in described)


def test_files_are_named_for_their_content(objects: list[Exported]) -> None:
    names = {Path(o.path).name for o in objects}
    assert {"parametric-map-pdff.dcm", "classic-series-pdff-001.dcm", "segmentation-regions.dcm"} <= names
