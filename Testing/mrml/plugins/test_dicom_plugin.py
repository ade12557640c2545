"""The plug-in for Slicer's DICOM browser, on slicer-core with a stand-in for DICOMLib."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.load import load_series
from AIDEALLib.simulation.demo import demo_liver

pytest.importorskip("slicer")


class Plugin:
    """What the plug-in uses of DICOMLib's `DICOMPlugin`."""

    def __init__(self) -> None:
        self.loadType = "Generic DICOM"
        self.tags = {"seriesDescription": "0008,103E"}
        self.placed: list[str] = []

    def addSeriesInSubjectHierarchy(self, loadable: Any, dataNode: Any) -> None:
        assert loadable.files
        self.placed.append(dataNode.GetName())


class Loadable:
    """What it uses of `qSlicerDICOMLoadable`."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.name, self.tooltip, self.warning = "Unknown", "", ""
        self.selected, self.confidence = False, 0.5


class Database:
    """Slicer's DICOM database, asking the files themselves."""

    def fileValue(self, file: str, tag: str) -> str:
        group, element = tag.split(",")
        found = pydicom.dcmread(file, stop_before_pixels=True, force=True).get((int(group, 16), int(element, 16)))
        return str(found.value) if found is not None and found.value is not None else ""

    def instanceForFile(self, file: str) -> str:
        return self.fileValue(file, "0008,0018")


@pytest.fixture
def plugin(scene: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    import slicer

    library = ModuleType("DICOMLib")
    library.DICOMPlugin, library.DICOMLoadable = Plugin, Loadable  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "DICOMLib", library)
    monkeypatch.setattr(slicer, "modules", SimpleNamespace(), raising=False)
    monkeypatch.setattr(slicer, "dicomDatabase", Database(), raising=False)
    from AIDEALLib.mrml.plugins.dicom_plugin import PLUGIN_NAME, register

    assert register() and register()
    assert list(slicer.modules.dicomPlugins) == [PLUGIN_NAME]
    made = slicer.modules.dicomPlugins[PLUGIN_NAME]()
    assert isinstance(made, Plugin)
    return made


@pytest.fixture(scope="module")
def liver() -> EchoSeries:
    series, _ = demo_liver(matrix=(2, 48, 48))
    return series


def by_series(folder: Path) -> list[list[str]]:
    lists: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            lists.setdefault(str(header.get("SeriesInstanceUID", "")), []).append(str(path))
    return list(lists.values())


def ticked(offers: list[Any], lists: list[list[str]]) -> list[Any]:
    """Entries that Slicer ticks (`DICOMUtils.selectHighestConfidenceLoadables`), with a scalar volume for every series."""
    scalar = []
    for files in lists:
        volume = Loadable()
        volume.files, volume.selected = files, True
        scalar.append(volume)
    of_series: dict[str, list[Any]] = {}
    for loadable in [*offers, *scalar]:
        of_series.setdefault(Database().fileValue(loadable.files[0], "0020,000E"), []).append(loadable)
    for together in of_series.values():
        best = max(loadable.confidence for loadable in together)
        for loadable in together:
            loadable.selected = loadable.confidence == best
    return [loadable for loadable in [*offers, *scalar] if loadable.selected]


@pytest.mark.parametrize("name", ["siemens classic", "siemens XA enhanced", "philips classic phase", "ge phase"])
def test_a_scan_is_one_entry_and_loads_as_sequences(
    name: str, scene: Any, plugin: Any, liver: EchoSeries, tmp_path: Path
) -> None:
    from AIDEALLib.mrml.scan.sequences import SCAN_LOADED, only_pair, scan_of_sequences

    files = write_scan(tmp_path, liver, DIALECTS[name])
    offer, *parts = plugin.examineForImport(by_series(tmp_path))
    assert sorted(offer.files) == sorted(map(str, files))
    assert ticked([offer, *parts], by_series(tmp_path)) == [offer], "one entry, and no scalar volume beside it"
    assert offer.selected and offer.confidence > 0.5 and not offer.warning
    assert "6 echoes, 2 slices" in offer.tooltip
    chosen: list[Any] = []
    SCAN_LOADED.connect(chosen.append)
    assert plugin.load(offer) and all(plugin.load(part) for part in parts)
    SCAN_LOADED.disconnect(chosen.append)
    assert len(chosen) == 1, "the panel learns of it"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 3
    sequences = [scene.GetNthNodeByClass(n, "vtkMRMLSequenceNode") for n in range(3)]
    assert plugin.placed == [sequence.GetName() for sequence in sequences]
    pair = only_pair(sequences)
    assert pair is not None
    loaded, read = scan_of_sequences(*pair).series(), load_series(files)
    np.testing.assert_array_equal(loaded.echoes, read.echoes)
    np.testing.assert_array_equal(loaded.te_s, read.te_s)
    assert (loaded.source, loaded.notes) == (read.source, read.notes)
    kept = {uid for sequence in sequences for uid in sequence.GetAttribute("AIDEAL.SourceInstances").split()}
    assert kept == {str(pydicom.dcmread(file).SOPInstanceUID) for file in files}


def test_repeated_scans_are_entries_of_their_own(plugin: Any, liver: EchoSeries, tmp_path: Path) -> None:
    for number in (1, 2):
        write_scan(tmp_path / str(number), liver, DIALECTS["siemens classic"])
    lists = by_series(tmp_path / "1") + by_series(tmp_path / "2")
    for order, files in enumerate(lists, start=1):
        for file in files:
            dataset = pydicom.dcmread(file)
            dataset.SeriesNumber, dataset.StudyInstanceUID = order, "1.2.3"
            dataset.save_as(file)
    offers = ticked(plugin.examineForImport(lists), lists)
    assert [len(offer.files) for offer in offers] == [24, 24]
    assert all(offer.selected for offer in offers)
    assert {Path(offer.files[0]).parent.name for offer in offers} == {"1", "2"}


def test_magnitudes_alone_are_offered_with_a_warning(plugin: Any, liver: EchoSeries, tmp_path: Path) -> None:
    write_scan(tmp_path, liver, replace(DIALECTS["siemens classic"], parts="M"))
    (offer,) = plugin.examineForImport(by_series(tmp_path))
    assert not offer.selected and offer.confidence < 0.5
    assert "without phase" in offer.warning


def test_a_missing_image_is_a_warning_before_loading(
    plugin: Any, liver: EchoSeries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    write_scan(tmp_path, liver, DIALECTS["siemens classic"])[3].unlink()
    (offer,) = plugin.examineForImport(by_series(tmp_path))
    assert "Images are missing" in offer.warning and not offer.selected
    shown: list[str] = []
    monkeypatch.setattr(slicer.util, "errorDisplay", shown.append, raising=False)
    assert not plugin.load(offer)
    assert "Images are missing" in shown[0]


def test_what_is_no_scan_of_ours_is_left_alone(plugin: Any, liver: EchoSeries, tmp_path: Path) -> None:
    paths = write_scan(tmp_path, liver, DIALECTS["siemens classic"])
    first_echo = [str(p) for p in paths if pydicom.dcmread(p, stop_before_pixels=True).EchoNumbers == 1]
    assert plugin.examineForImport([first_echo]) == []
    for file in first_echo:
        dataset = pydicom.dcmread(file)
        dataset.Modality = "CT"
        dataset.save_as(file)
    assert plugin.examineForImport([first_echo]) == []
    assert plugin.examineForImport([]) == []
    assert plugin.examineForImport([[]]) == []


def test_examining_never_raises(plugin: Any, liver: EchoSeries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    paths = write_scan(tmp_path, liver, DIALECTS["siemens classic"])
    for number, path in enumerate(paths):
        path.write_bytes(path.read_bytes()[: 100 + 60 * number])
    lists = [[str(path) for path in paths], [str(tmp_path / "gone.dcm")]]
    monkeypatch.setattr(slicer, "dicomDatabase", SimpleNamespace(fileValue=lambda file, tag: ""), raising=False)
    assert all(isinstance(offer, Loadable) for offer in plugin.examineForImport(lists))
    monkeypatch.setattr(slicer, "dicomDatabase", SimpleNamespace(), raising=False)
    assert plugin.examineForImport(lists) == []


def test_slicer_without_dicom(scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from AIDEALLib.mrml.plugins.dicom_plugin import register

    monkeypatch.setitem(sys.modules, "DICOMLib", None)
    assert not register()
