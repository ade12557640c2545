"""Whose objects they are, what they refer to, and that the same result gives the same objects."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_writer import DIALECTS

from AIDEALLib.echoes import Geometry
from AIDEALLib.errors import InputError
from AIDEALLib.io.dicom.read import read_dicom
from AIDEALLib.io.output.dicom.content import ExportContent
from AIDEALLib.io.output.dicom.export import Exported, export_dicom
from AIDEALLib.io.output.dicom.study import Identity
from AIDEALLib.options import Overrides
from AIDEALLib.parameter_maps import ParameterMaps

Make = Callable[[ParameterMaps], ExportContent]


def source_uids(folder: Path) -> set[str]:
    return {str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in folder.iterdir()}


def referenced(dataset: pydicom.Dataset) -> set[str]:
    return {str(e.value) for e in dataset.iterall() if e.keyword == "ReferencedSOPInstanceUID"}


def test_objects_are_in_the_study_of_the_source(objects: list[Exported], classic_scan: Path) -> None:
    source = pydicom.dcmread(next(classic_scan.iterdir()))
    known = source_uids(classic_scan)
    for o in objects:
        dataset = pydicom.dcmread(o.path)
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID"):
            assert dataset.get(keyword) == source.get(keyword), (o, keyword)
        if o.kind in ("classic series", "parametric map", "segmentation"):
            assert dataset.FrameOfReferenceUID == source.FrameOfReferenceUID
            assert referenced(dataset) <= known
        assert referenced(dataset) & known, o


def test_each_frame_refers_to_all_images_of_its_slice(objects: list[Exported], classic_scan: Path) -> None:
    places: dict[str, tuple[float, ...]] = {}
    for path in classic_scan.iterdir():
        header = pydicom.dcmread(path, stop_before_pixels=True)
        places[str(header.SOPInstanceUID)] = tuple(float(v) for v in header.ImagePositionPatient)
    (path,) = (o.path for o in objects if o.kind == "parametric map" and o.name == "pdff")
    for group in pydicom.dcmread(path).PerFrameFunctionalGroupsSequence:
        own = [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient]
        sources = group.DerivationImageSequence[0].SourceImageSequence
        assert len(sources) == 12, "6 echoes of 2 parts"
        for item in sources:
            assert np.allclose(places[item.ReferencedSOPInstanceUID], own, atol=1e-3)


@pytest.mark.parametrize("dialect", ["philips enhanced", "ge real/imaginary", "siemens XA enhanced"])
def test_other_dialects(
    scans: Callable[[str], Path], content_of: Make, result: ParameterMaps, tmp_path: Path, dialect: str
) -> None:
    folder = scans(dialect)
    written = export_dicom(content_of(result), tmp_path, [folder])
    dataset = pydicom.dcmread(next(o.path for o in written if o.kind == "parametric map"))
    sources = dataset.PerFrameFunctionalGroupsSequence[0].DerivationImageSequence[0].SourceImageSequence
    assert len(sources) == 12
    assert {str(s.ReferencedSOPInstanceUID) for s in sources} <= source_uids(folder)
    if DIALECTS[dialect].enhanced:
        assert len({(str(s.ReferencedSOPInstanceUID), s.ReferencedFrameNumber) for s in sources}) == 12
    scanner = [i for i in dataset.ContributingEquipmentSequence if i.Manufacturer == DIALECTS[dialect].manufacturer]
    assert len(scanner) == 1


def test_exporting_twice_gives_the_same_files(
    objects: list[Exported], content: ExportContent, classic_scan: Path, tmp_path: Path
) -> None:
    later = replace(content.maps.provenance, seconds={"reading": 7.0}, device="cuda")
    again = export_dicom(replace(content, maps=replace(content.maps, provenance=later)), tmp_path, [classic_scan])
    assert [o.path.name for o in again] == [o.path.name for o in objects]
    for first, second in zip(objects, again, strict=True):
        assert first.path.read_bytes() == second.path.read_bytes(), first.path.name


def test_other_values_are_other_objects(
    objects: list[Exported], content_of: Make, result: ParameterMaps, classic_scan: Path, tmp_path: Path
) -> None:
    other = export_dicom(content_of(replace(result, pdff=result.pdff + np.float32(0.001))), tmp_path, [classic_scan])
    uids = [{str(pydicom.dcmread(o.path).SOPInstanceUID) for o in some} for some in (objects, other)]
    assert all(len(some) == len(objects) for some in uids)
    assert not uids[0] & uids[1]


def test_anonymous_objects_name_nobody(content: ExportContent, classic_scan: Path, tmp_path: Path) -> None:
    source = pydicom.dcmread(next(classic_scan.iterdir()))
    secrets = [str(source.PatientName), source.PatientID, source.PatientBirthDate, source.StudyInstanceUID]
    secrets += [source.FrameOfReferenceUID, source.SeriesInstanceUID, *source_uids(classic_scan)]
    for o in export_dicom(content, tmp_path, [classic_scan], Identity()):
        raw = o.path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in raw, (o.path.name, secret)


def test_without_dicom_the_identity_is_given_and_references_resolve(content: ExportContent, tmp_path: Path) -> None:
    identity = Identity("Doe^Jane", "X-17", "19700131", "F")
    written = [pydicom.dcmread(o.path) for o in export_dicom(content, tmp_path, [], identity)]
    there = {str(d.SOPInstanceUID) for d in written}
    for dataset in written:
        assert (str(dataset.PatientName), dataset.PatientID, dataset.PatientSex) == ("Doe^Jane", "X-17", "F")
        assert referenced(dataset) <= there
    assert len({d.StudyInstanceUID for d in written}) == 1


@pytest.mark.parametrize("values", [{"sex": "X"}, {"birth_date": "31.1.1970"}])
def test_identity_is_checked(values: dict[str, str]) -> None:
    with pytest.raises(InputError, match="expected"):
        Identity("Doe^Jane", **values)


def test_another_scan_is_refused(content: ExportContent, result: ParameterMaps, classic_scan: Path, tmp_path: Path) -> None:
    g = result.geometry
    moved = Geometry(g.spacing_mm, (g.origin_mm[0] + 5.0, *g.origin_mm[1:]), g.direction)
    with pytest.raises(InputError, match="lies 5.0 mm from"):
        export_dicom(replace(content, maps=replace(result, geometry=moved)), tmp_path, [classic_scan])
    assert list(tmp_path.iterdir()) == []


def test_objects_beside_the_scan_are_no_echoes(objects: list[Exported], classic_scan: Path) -> None:
    alone = read_dicom([classic_scan], Overrides())
    together = read_dicom([classic_scan, *(o.path for o in objects)], Overrides())
    assert np.array_equal(alone.echoes, together.echoes)


def test_missing_library_is_named(content: ExportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(InputError, match=r"pip install 'aideal\[dicom\]'"):
        export_dicom(content, tmp_path)
