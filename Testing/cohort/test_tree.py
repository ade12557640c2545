"""Scans in folders of any format, and in a heap of DICOM files of several patients."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cohort_scans import write_bids
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.cohort.identity import Pseudonyms
from AIDEALLib.cohort.tree import find_in_tree
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.io.npz import write_npz


def dump(folder: Path, series: EchoSeries) -> None:
    """Two patients, one of them with two studies, in one folder without meaningful names."""
    for number, patient in enumerate(("Smith", "Jones", "Jones")):
        part = folder / f"part{number}"
        for path in write_scan(part, series, DIALECTS["siemens classic"]):
            dataset = pydicom.dcmread(path)
            dataset.PatientID, dataset.PatientName, dataset.StudyDate = patient, patient, f"2025010{number + 1}"
            dataset.save_as(folder / f"{number}{path.name}")
        shutil.rmtree(part)


def test_every_format_is_found(tmp_path: Path, small_scan: EchoSeries) -> None:
    (tmp_path / "Meier" / "x").mkdir(parents=True)
    write_npz(tmp_path / "Meier" / "x" / "scan.npz", small_scan)
    write_npz(tmp_path / "Meier" / "x" / "other.npz", small_scan)
    write_bids(tmp_path / "nifti", small_scan, "one")
    write_bids(tmp_path / "nifti", small_scan, "two")
    (tmp_path / "notes.txt").write_text("no scan")
    (tmp_path / "lonely.nii.gz").write_bytes(b"")
    found = find_in_tree(tmp_path, Pseudonyms("k"), keep_names=True)
    assert [scan.id for scan in found.scans] == ["Meier-x-other", "Meier-x-scan", "nifti-one_echo", "nifti-two_echo"]
    assert all(load_series(scan.files).shape == small_scan.shape for scan in found.scans)
    assert [entry.place for entry in found.skipped] == ["."]


def test_dicom_of_several_patients(tmp_path: Path, small_scan: EchoSeries) -> None:
    dump(tmp_path, small_scan)
    (tmp_path / "broken").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    found = find_in_tree(tmp_path, Pseudonyms("k"), keep_names=False)
    assert len(found.scans) == 3 and found.linked
    assert len({scan.participant for scan in found.scans}) == 2 and len({scan.session for scan in found.scans}) == 3
    text = repr([scan.described() for scan in found.scans])
    assert "Jones" not in text and "Smith" not in text and "2025" not in text
    magnitude = np.abs(load_series(found.scans[0].files).echoes)
    np.testing.assert_allclose(
        magnitude / magnitude.max(), np.abs(small_scan.echoes) / np.abs(small_scan.echoes).max(), atol=2e-3
    )
    assert [entry.place for entry in found.skipped] == ["broken"] and "broken" not in found.skipped[0].reason
    named = find_in_tree(tmp_path, Pseudonyms("k"), keep_names=True)
    assert {scan.participant for scan in named.scans} == {"sub-Jones", "sub-Smith"}
    assert {scan.facts["date"] for scan in named.scans} == {"2025-01-01", "2025-01-02", "2025-01-03"}


def test_neutral_ids_last_and_depend_on_the_key(tmp_path: Path, small_scan: EchoSeries) -> None:
    write_npz(tmp_path / "Meier.npz", small_scan)
    first, again, other = (find_in_tree(tmp_path, Pseudonyms(key), keep_names=False).scans[0].id for key in ("a", "a", "b"))
    assert first == again != other and "Meier" not in first
    out = tmp_path / "out"
    out.mkdir()
    kept = Pseudonyms("a")
    kept.keep(out)
    assert Pseudonyms.of(out).name("scan-", "Meier.npz") == first


@pytest.mark.parametrize("count", [1, 2])
def test_a_segmentation_beside_the_only_scan_belongs_to_it(count: int, tmp_path: Path, small_scan: EchoSeries) -> None:
    for number in range(count):
        write_npz(tmp_path / f"{number}.npz", small_scan)
    (tmp_path / "lobes.seg.nrrd").touch()
    found = find_in_tree(tmp_path, Pseudonyms("k"), keep_names=True)
    assert [scan.segmentation is not None for scan in found.scans] == [True] if count == 1 else [False, False]
