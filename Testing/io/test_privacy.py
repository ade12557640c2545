"""Sixteen identifiers, wherever a file or its place can hold them: none reaches a result, the screen or a message."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from dicom_writer import DIALECTS, write_scan
from scipy.io import savemat
from typer.testing import CliRunner

from AIDEALLib.cli.failure import FAILED, UNUSABLE
from AIDEALLib.cli.main import app
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.io.npz import write_npz
from AIDEALLib.io.segmentation import Segmentation, save_segmentation
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.scan import acquire

IDENTIFIERS = (
    *("Quillfeather", "Araminta", "Zebedee", "PID-77-4242", "19310203", "Nettlebed-Lane-9", "Uffington", "+44-118-496"),
    *("quill@example.org", "ACC-90210", "Saint-Swithin", "Dr-Ostrander", "Op-Fennimore", "SN-661177", "Trial-Halcyon"),
    "NHS-943-476",
)
NAME, FIRST, MIDDLE, PID, BIRTH, STREET, TOWN, PHONE = IDENTIFIERS[:8]
MAIL, ACCESSION, SITE, DOCTOR, OPERATOR, DEVICE, STUDY, INSURANCE = IDENTIFIERS[8:]
ALL = " ".join(IDENTIFIERS)
PLACE = Path(f"{SITE}_{STUDY}") / f"{NAME}_{FIRST}_{BIRTH}"


@pytest.fixture(scope="module")
def series() -> EchoSeries:
    scan = acquire(phantom(1, 1.5, (1, 40, 40), pixel_mm=7.0), replace(PAPER, snr=60.0), np.random.default_rng(0))
    return replace(scan, source=ALL, notes=(ALL,))


def npz(folder: Path, series: EchoSeries) -> Path:
    write_npz(folder / f"{NAME}_{PID}.npz", series, {f"{DOCTOR}": np.zeros(1)})
    return folder / f"{NAME}_{PID}.npz"


def matlab(folder: Path, series: EchoSeries) -> Path:
    images = np.transpose(series.echoes, (2, 3, 1, 0))[:, :, :, None, :]
    content = {"images": images, "TE": series.te_s, "FieldStrength": 1.5, "Patient": ALL}
    savemat(folder / f"{NAME}_{PID}.mat", {"imDataParams": content, NAME: ALL})
    return folder / f"{NAME}_{PID}.mat"


def nifti(folder: Path, series: EchoSeries) -> Path:
    for number, (echo, te) in enumerate(zip(series.echoes, series.te_s, strict=True), start=1):
        for part, values in (("", np.abs(echo)), ("_ph", np.angle(echo))):
            image = nib.Nifti1Image(np.transpose(values.astype(np.float32), (2, 1, 0)), np.eye(4))
            image.header["descrip"], image.header["aux_file"] = f"{NAME} {FIRST} {PID}", STUDY
            image.header["db_name"], image.header["intent_name"] = MIDDLE, OPERATOR
            nib.save(image, folder / f"{NAME}_{PID}_e{number}{part}.nii.gz")
            side = {"EchoTime": float(te), "MagneticFieldStrength": 1.5, "PatientName": ALL, "InstitutionAddress": STREET}
            (folder / f"{NAME}_{PID}_e{number}{part}.json").write_text(json.dumps(side), encoding="utf-8")
    return folder


def nrrd(folder: Path, series: EchoSeries) -> Path:
    for number, (echo, te) in enumerate(zip(series.echoes, series.te_s, strict=True), start=1):
        for part, values in (("", np.abs(echo)), ("_ph", np.angle(echo))):
            image = sitk.GetImageFromArray(values.astype(np.float32))
            for key, value in {"te_s": str(te), "field_strength_t": "1.5", "Patient": ALL, NAME: PID, "content": ALL}.items():
                image.SetMetaData(key, value)
            sitk.WriteImage(image, str(folder / f"{NAME}_e{number}{part}.nrrd"))
    return folder


def dicom(folder: Path, series: EchoSeries) -> Path:
    for path in write_scan(folder, series, DIALECTS["siemens classic"]):
        dataset = pydicom.dcmread(path)
        dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = f"{NAME}^{FIRST}^{MIDDLE}", PID, BIRTH
        dataset.PatientAddress, dataset.RegionOfResidence, dataset.PatientTelephoneNumbers = STREET, TOWN, PHONE
        dataset.PatientComments, dataset.AccessionNumber, dataset.InstitutionName = MAIL, ACCESSION, SITE
        dataset.ReferringPhysicianName, dataset.OperatorsName, dataset.DeviceSerialNumber = DOCTOR, OPERATOR, DEVICE
        dataset.StudyDescription, dataset.OtherPatientIDs, dataset.ImageComments = STUDY, INSURANCE, ALL
        dataset.SeriesDescription = f"{NAME} {STUDY}"
        dataset.save_as(path.with_name(f"{NAME}_{path.name}"))
        path.unlink()
    return folder


WRITERS = {"npz": npz, "matlab": matlab, "nifti": nifti, "nrrd": nrrd, "dicom": dicom}


@pytest.fixture(params=WRITERS)
def scan(request: pytest.FixtureRequest, tmp_path: Path, series: EchoSeries) -> Path:
    folder = tmp_path / PLACE
    folder.mkdir(parents=True)
    return WRITERS[request.param](folder, series)


def found_in(content: bytes) -> list[str]:
    """Identifiers in bytes, in deflated parts of a file as well."""
    texts = [content.lower()]
    for at in range(len(content) - 1):
        if content[at : at + 2] in (b"x\x9c", b"x\xda", b"x\x01"):
            try:
                texts.append(zlib.decompressobj().decompress(content[at:], 1 << 20).lower())
            except zlib.error:
                continue
    return [name for name in IDENTIFIERS for text in texts if name.lower().encode() in text]


def run(scan: Path, out: Path, *more: str) -> Any:
    words = ["run", str(scan), "--out", str(out), "--method", "magnitude", "--anyway", *more]
    return CliRunner().invoke(app, words, env={"COLUMNS": "300", "TERM": "dumb"})


def test_results_and_screen(scan: Path, tmp_path: Path, series: EchoSeries) -> None:
    labels = Segmentation(np.ones(series.shape, np.int32), {1: "liver"})
    save_segmentation(labels, series.geometry, tmp_path / PLACE.parent / f"{NAME}.seg.nrrd")
    more = ("--segmentation", str(tmp_path / PLACE.parent / f"{NAME}.seg.nrrd")) if scan.suffix == ".npz" else ()
    done = run(scan, tmp_path / "out", *more)
    assert done.exit_code == 0, done.output
    assert not found_in(done.output.encode())
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert not found_in(path.read_bytes()), path.name
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
    assert provenance["source"] == "scan" or provenance["source"].startswith("DICOM, ")
    assert provenance["scan"] == load_series(scan).checksum


def damages(scan: Path) -> Iterator[None]:
    """One kind of damage after the other."""
    files = sorted(p for p in ([scan] if scan.is_file() else scan.iterdir()) if p.suffix != ".json")
    contents = [(path, path.read_bytes()) for path in files]
    for change in (
        lambda c: c[: len(c) // 2],
        lambda c: b"",
        lambda c: ALL.encode(),
        lambda c: c[:100] + ALL.encode() + c[100:],
    ):
        files[0].write_bytes(change(contents[0][1]))
        yield
        files[0].write_bytes(contents[0][1])
    files[0].unlink()
    yield
    files[0].write_bytes(contents[0][1])
    for path in files:
        path.write_bytes(b"x")
    yield


def test_messages(scan: Path, tmp_path: Path) -> None:
    errors = 0
    for _ in damages(scan):
        done = run(scan, tmp_path / "out")
        errors += done.exit_code == FAILED
        assert done.exit_code in (0, FAILED, UNUSABLE), done.output
        assert not found_in(done.output.encode()), done.output
        if done.exit_code != FAILED:
            for path in (tmp_path / "out").iterdir():
                path.unlink()
            (tmp_path / "out").rmdir()
    assert errors
    for more in (("--te", "0.001,0.002,0.003"), ("--segmentation", str(tmp_path / PLACE / f"{NAME}_{PID}.seg.nrrd"))):
        done = run(scan, tmp_path / "out", *more)
        assert done.exit_code == 1 and not found_in(done.output.encode()), done.output


def test_sidecars_and_headers_are_not_quoted(tmp_path: Path, series: EchoSeries) -> None:
    (tmp_path / PLACE).mkdir(parents=True)
    folder = nifti(tmp_path / PLACE, series)
    for text in ("{" + ALL, json.dumps({"EchoTime": ALL}), json.dumps({"EchoTime": 0.001, "MagneticFieldStrength": ALL})):
        for path in folder.glob("*.json"):
            path.write_text(text, encoding="utf-8")
        done = run(folder, tmp_path / "out")
        assert done.exit_code == 1 and not found_in(done.output.encode()), done.output


@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_names_are_kept_on_request(tmp_path: Path, series: EchoSeries) -> None:
    path = npz(tmp_path, series)
    done = run(path, tmp_path / "out", "--keep-names")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))["source"] == ALL[:500]
    missing = run(tmp_path / f"{NAME}.npz", tmp_path / "other", "--keep-names")
    assert NAME in missing.output
