"""Nothing of the patient reaches an output file."""

from __future__ import annotations

from pathlib import Path

import pydicom
from dicom_writer import DIALECTS, write_scan
from typer.testing import CliRunner

from AIDEALLib.cli.main import app
from AIDEALLib.simulation.demo import demo_liver

SECRETS = ("Quillfeather", "Araminta", "PID-77-4242", "19310203", "Saint Swithin", "ACC-90210")


def test_no_output_file_names_the_patient(tmp_path: Path) -> None:
    series, _ = demo_liver(matrix=(2, 64, 64))
    folder = tmp_path / "Quillfeather_Araminta"
    for path in write_scan(folder, series, DIALECTS["siemens classic"]):
        dataset = pydicom.dcmread(path)
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Quillfeather^Araminta", "PID-77-4242", "19310203"
        dataset.InstitutionName, dataset.AccessionNumber = "Saint Swithin", "ACC-90210"
        dataset.save_as(path)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["run", str(folder), "--out", str(out), "--method", "magnitude"])
    assert done.exit_code == 0, done.output
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"report.html", "quality.json", "provenance.json", "pdff.nrrd"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes().lower()
        for secret in SECRETS:
            assert secret.lower().encode() not in content, f"{secret} in {path.name}"
            assert secret.lower() not in path.name.lower()
