"""What docs/privacy.md promises: no network, and nothing of the patient in what a run of DICOM files leaves."""

from __future__ import annotations

from pathlib import Path

from dicom_writer import DIALECTS, PATIENT, write_scan
from imports import MODULES, imports

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.simulation.tissue import TissueMaps

NETWORK = {"aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "socketserver", "urllib", "urllib3", "xmlrpc"}


def test_only_archives_on_request_use_the_network() -> None:
    found = {module for module in MODULES if imports(module)[1] & (NETWORK | {"dicomweb_client", "pynetdicom"})}
    assert found == {"io.dicomweb"}
    users = {module for module in MODULES if "io.dicomweb" in imports(module)[0]}
    assert users == {"cli.exporting"}


def test_nothing_names_the_patient(tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    folder = tmp_path / "PatientFolder"
    write_scan(folder, small_liver[0], DIALECTS["siemens classic"])
    series = load_series(folder)
    kept = " ".join([series.source, *series.notes])
    assert series.source
    for name in (*PATIENT.split("^"), "PatientFolder"):
        assert name.lower() not in kept.lower()
