"""Derivatives of a BIDS dataset, as the BIDS validator reads them, and the words of a BIDS App."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import SimpleITK as sitk
from cohort_scans import write_bids

from AIDEALLib.cli.bids_app import expanded
from AIDEALLib.cohort.bids_app import require_bids, write_bids_results
from AIDEALLib.cohort.opened import open_cohort
from AIDEALLib.cohort.record import finished
from AIDEALLib.cohort.results import write_results
from AIDEALLib.cohort.task import do
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.io.images import read_image


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, small_scan: EchoSeries) -> Path:
    folder = tmp_path_factory.mktemp("bids")
    (folder / "dataset_description.json").write_text(json.dumps({"Name": "x", "BIDSVersion": "1.10.0"}))
    write_bids(folder / "sub-01" / "ses-1" / "anat", small_scan, "sub-01_ses-1_acq-liver")
    write_bids(folder / "sub-02" / "anat", small_scan, "sub-02")
    return folder


def test_derivatives(source: Path, tmp_path: Path, request_of: Any) -> None:
    request = request_of(source, tmp_path)
    for planned in open_cohort(request).plan.todo:
        assert "kind" not in do(planned.task)
    cohort = open_cohort(request)
    write_results(cohort)
    written = write_bids_results(cohort)
    assert len(written) == 10 and write_bids_results(cohort) == [], "what is newer than the results stays"
    pdff = tmp_path / "sub-01" / "ses-1" / "anat" / "sub-01_ses-1_acq-liver_desc-aideal_PDFFmap.nii.gz"
    maps = read_image(tmp_path / "scans" / "sub-01_ses-1_acq-liver" / "pdff.nrrd").array
    assert (sitk.GetArrayFromImage(sitk.ReadImage(str(pdff))) == maps[0]).all()
    sidecar = json.loads(pdff.with_name(pdff.name.replace(".nii.gz", ".json")).read_text(encoding="utf-8"))
    assert sidecar["Units"] == "percent" and len(sidecar["Sources"]) == 6
    assert sidecar["Sources"][0] == "bids:raw:sub-01/ses-1/anat/sub-01_ses-1_acq-liver_echo-1_part-mag_MEGRE.nii.gz"
    record = finished(tmp_path, "sub-02")
    assert record is not None and sidecar["EstimationAlgorithm"] == "one-shot"
    _validate(tmp_path)


def _validate(folder: Path) -> None:
    beside = Path(sys.executable).parent / "bids-validator-deno"
    program = str(beside) if beside.exists() else shutil.which("bids-validator-deno")
    if program is None:
        pytest.skip("the BIDS validator is not installed (pip install bids-validator-deno)")
    done = subprocess.run([program, str(folder), "--format", "json"], capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    errors = [(issue["code"], issue.get("location"), issue.get("subCode")) for issue in issues if issue["severity"] == "error"]
    assert errors == []
    assert sorted(json.loads(done.stdout)["summary"]["subjects"]) == ["01", "02"]


def test_words_of_a_bids_app() -> None:
    words = ["in", "out", "participant", "--participant_label", "01", "02", "--n_cpus", "4", "--participant-label=03", "04"]
    labels = ["--participant-label", "01", "--participant-label", "02", "--n-cpus", "4", "--participant-label=03"]
    assert expanded(words)[:-1] == ["in", "out", "participant", *labels]


def test_source_has_to_be_a_dataset(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no dataset_description"):
        require_bids(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="is the dataset itself"):
        require_bids(source, source)


def test_the_app_fails_in_one_line_and_lists_what_it_would_do(source: Path, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from AIDEALLib.cli.bids_app import app

    refused = CliRunner().invoke(app, [str(tmp_path), str(tmp_path / "out"), "participant"], env={"COLUMNS": "200"})
    assert refused.exit_code == 1 and refused.output.startswith("Error: ") and "a BIDS dataset was expected" in refused.output
    words = expanded([str(source), str(tmp_path / "out"), "participant", "--participant_label", "01", "--dry_run"])
    listed = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert listed.exit_code == 0, listed.output
    assert "sub-01_ses-1_acq-liver" in listed.output and "sub-02" not in listed.output
    assert not (tmp_path / "out").exists()
