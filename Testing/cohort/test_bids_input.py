"""Scans of a BIDS dataset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cohort_scans import write_bids

from AIDEALLib.cohort.bids_input import find_bids
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.io.load import load_series


@pytest.fixture
def dataset(tmp_path: Path, small_scan: EchoSeries) -> Path:
    (tmp_path / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    write_bids(tmp_path / "sub-01" / "ses-1" / "anat", small_scan, "sub-01_ses-1_acq-liver")
    write_bids(tmp_path / "sub-01" / "ses-2" / "anat", small_scan, "sub-01_ses-2_acq-liver")
    write_bids(tmp_path / "sub-02" / "anat", small_scan, "sub-02")
    (tmp_path / "sub-03" / "anat").mkdir(parents=True)
    (tmp_path / "sub-01" / "sub-01_scans.tsv").write_text(
        "filename\tacq_time\nses-1/anat/sub-01_ses-1_acq-liver_echo-1_part-mag_MEGRE.nii.gz\t2025-03-01T10:00:00\n"
    )
    return tmp_path


def test_scans_with_their_entities(dataset: Path, small_scan: EchoSeries) -> None:
    found = find_bids(dataset)
    assert [scan.id for scan in found.scans] == ["sub-01_ses-1_acq-liver", "sub-01_ses-2_acq-liver", "sub-02"]
    first = found.scans[0]
    assert (first.participant, first.session, first.facts) == ("sub-01", "ses-1", {"date": "2025-03-01"})
    assert load_series(first.files).shape == small_scan.shape
    assert [entry.place for entry in found.skipped] == ["sub-03"]


def test_participants_are_chosen_by_label(dataset: Path) -> None:
    assert [scan.id for scan in find_bids(dataset, ["sub-02"]).scans] == ["sub-02"]
    assert len(find_bids(dataset, ["01"]).scans) == 2
    with pytest.raises(InputError, match="no sub-9"):
        find_bids(dataset, ["9"])


def test_segmentations_of_a_derivative_dataset(dataset: Path) -> None:
    derived = dataset / "derivatives" / "seg"
    for name in ("sub-01/ses-1/anat/sub-01_ses-1_acq-liver_dseg.nii.gz", "sub-02/anat/sub-02_desc-liver_dseg.nii.gz"):
        (derived / name).parent.mkdir(parents=True)
        (derived / name).touch()
    scans = find_bids(dataset, segmentations=derived).scans
    assert [scan.segmentation.name if scan.segmentation else "" for scan in scans] == [
        "sub-01_ses-1_acq-liver_dseg.nii.gz",
        "",
        "sub-02_desc-liver_dseg.nii.gz",
    ]
