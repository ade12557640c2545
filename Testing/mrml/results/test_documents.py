"""From the panel to DICOM objects and Slicer's DICOM database.

On slicer-core and PySide6 (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps

pytest.importorskip("highdicom")


class Database:
    """Slicer's DICOM database: files by their instance."""

    isOpen = True

    def __init__(self, files: list[Path]) -> None:
        self.files = {str(pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID): str(f) for f in files}
        self.inserted: list[str] = []

    def fileForInstance(self, uid: str) -> str:
        return self.files.get(uid, "")

    def instanceValue(self, uid: str, tag: str) -> str:
        return ""

    def insert(self, file: str, *_: bool) -> None:
        self.inserted.append(file)


@pytest.fixture
def panel(
    module: Any,
    liver: tuple[EchoSeries, TissueMaps],
    liver_maps: ParameterMaps,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    """A scan from DICOM with maps, the right lobe drawn, and a database with the files of the scan."""
    import slicer

    from AIDEALLib.mrml.nodes import INSTANCES
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sequences import add_series

    files = write_scan(tmp_path / "scan", liver[0], DIALECTS["siemens classic"])
    database = Database(files)
    monkeypatch.setattr(slicer, "dicomDatabase", database, raising=False)
    series = load_series(tmp_path / "scan")
    first, second = add_series(module.scene, series, "Case").pair
    for node in (first, second):
        node.SetAttribute(INSTANCES, " ".join(database.files))
    module.parameters.firstSequence, module.parameters.secondSequence = first, second
    module.ui.applyButton.click()
    module.finish(replace(liver_maps, geometry=series.geometry))
    module.clock.tick()
    module.ui.lobesButton.click()
    mask = liver[1].labels == 1
    drawing.set_segment(module.parameters.segmentation, "Right lobe", mask, module.parameters.pdff)
    module.clock.tick()
    module.database, module.mask = database, mask
    return module


def objects_in(folder: Path) -> dict[str, pydicom.Dataset]:
    return {path.stem: pydicom.dcmread(path) for path in folder.iterdir()}


def test_objects_of_the_patient(panel: Any, liver_maps: ParameterMaps, tmp_path: Path) -> None:
    assert panel.ui.dicomButton.enabled
    panel.dialogs.directory, panel.dialogs.button = tmp_path / "objects", 0
    panel.ui.dicomButton.click()
    assert panel.dialogs.errors == []
    found = objects_in(tmp_path / "objects")
    pdff = found["parametric-map-pdff"]
    assert pdff.PatientID == "4711-0815"
    values = np.frombuffer(pdff.FloatPixelData, np.float32).reshape(liver_maps.pdff.shape)
    assert np.array_equal(values, liver_maps.pdff) or np.array_equal(values[::-1], liver_maps.pdff)
    (segment, *_) = found["segmentation-regions"].SegmentSequence
    assert segment.SegmentLabel == "Right lobe"
    assert found["encapsulated-pdf-report"].EncapsulatedDocument.startswith(b"%PDF")
    assert sorted(panel.database.inserted) == sorted(str(p) for p in (tmp_path / "objects").iterdir())
    assert "DICOM database" in panel.ui.exportLabel.text


def test_anonymous_objects(panel: Any, tmp_path: Path) -> None:
    panel.dialogs.directory, panel.dialogs.button = tmp_path / "objects", 1
    panel.ui.dicomButton.click()
    for path in (tmp_path / "objects").iterdir():
        assert b"Mustermann" not in path.read_bytes()


def test_without_the_files_a_new_identity_is_written(panel: Any, tmp_path: Path) -> None:
    panel.database.files.clear()
    panel.dialogs.directory = tmp_path / "objects"
    panel.ui.dicomButton.click()
    assert str(objects_in(tmp_path / "objects")["parametric-map-pdff"].PatientName) == "Anonymous"
    assert "anonymous" in panel.ui.exportLabel.text


def test_report(panel: Any, tmp_path: Path) -> None:
    panel.dialogs.directory = tmp_path / "report"
    panel.ui.reportButton.click()
    assert panel.dialogs.errors == []
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"report.pdf", "report.html", "viewer.html", "overview.png"}
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "Fat in the liver: " in page and "Fit of a typical voxel" in page
    panel.scene.RemoveNode(panel.parameters.firstSequence)
    panel.dialogs.directory = tmp_path / "without scan"
    panel.ui.reportButton.click()
    assert {path.name for path in (tmp_path / "without scan").iterdir()} == {"report.pdf", "viewer.html"}


def test_cancelling_writes_nothing(panel: Any, tmp_path: Path) -> None:
    panel.dialogs.directory, panel.dialogs.button = tmp_path / "objects", -1
    panel.ui.dicomButton.click()
    panel.dialogs.directory = None
    panel.ui.dicomButton.click()
    assert not (tmp_path / "objects").exists()


def test_missing_libraries_are_installed_after_asking(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    from AIDEALLib.mrml.results import documents

    installed: list[str] = []
    monkeypatch.setattr(documents, "missing_libraries", lambda: ["highdicom", "fpdf2"])
    monkeypatch.setattr(slicer.util, "pip_install", installed.extend, raising=False)
    panel.dialogs.answer = False
    panel.ui.dicomButton.click()
    assert installed == [] and "highdicom, fpdf2" in panel.dialogs.questions[-1]
    panel.dialogs.answer = True
    panel.ui.dicomButton.click()
    assert installed == ["highdicom", "fpdf2"]

    def fail(names: list[str]) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    panel.ui.dicomButton.click()
    assert "no network" in panel.dialogs.errors[-1]
