"""Section 1 of the panel: choosing a scan, its echo table, and problems beside the fields.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_writer import DIALECTS, write_scan

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import Stopped
from slicer_harness.panel import Panel


def test_nothing_chosen_gives_advice(module: Panel) -> None:
    ui = module.ui
    assert not ui.applyButton.enabled
    assert "Choose a scan" in ui.applyButton.toolTip
    assert "Choose a scan" in ui.volumesProblemLabel.text
    for name in ("showButton", "domeButton", "lobesButton", "circleButton", "csvButton", "mapsButton"):
        assert not getattr(ui, name).enabled, name


def test_a_scan_fills_the_table_and_enables_apply(loaded: Panel) -> None:
    ui = loaded.ui
    assert ui.applyButton.enabled
    assert ui.echoTable.rowCount == 6
    assert ui.echoTable.item(1, 1).text() == "3.4"
    assert "real and imaginary" in ui.phaseUnitLabel.text
    assert "1.5 T" in ui.fieldStrengthSpinBox.specialValueText
    assert not ui.volumesProblemLabel.isVisibleTo(loaded.root)


def test_echo_times_can_be_typed_over_and_problems_show_beside_them(loaded: Panel) -> None:
    ui = loaded.ui
    ui.echoTable.item(1, 1).setText("1.2")
    assert "rise" in ui.echoTimesProblemLabel.text
    assert not ui.applyButton.enabled
    assert "rise" in ui.applyButton.toolTip
    ui.echoTable.item(1, 1).setText("3,5")
    assert ui.applyButton.enabled
    assert loaded.panel.scan.scan.te_s[1] == 0.0035
    ui.echoTable.item(1, 1).setText("")
    assert loaded.panel.scan.scan.te_s[1] == 0.0034, "the value of the scan"


def test_field_strength_unit_and_readout_override(loaded: Panel) -> None:
    from AIDEALLib.echoes import Readout

    ui = loaded.ui
    ui.fieldStrengthSpinBox.value = 3.0
    assert loaded.panel.scan.scan.stated.field_strength_t == 3.0
    ui.phaseUnitComboBox.currentIndex = 5
    assert loaded.parameters.phaseUnit.name == "DEGREES"
    assert "used when files are loaded" in ui.phaseUnitLabel.text
    assert ui.readoutLabel.text == "monopolar"
    ui.readoutComboBox.currentIndex = 2
    assert ui.readoutLabel.text == ""
    assert loaded.panel.scan.scan.stated.readout is Readout.BIPOLAR


def test_single_volumes(module: Panel, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    import qt

    from AIDEALLib.mrml.volumes import fill_volume
    from slicer_harness.scene import load_mrb, save_mrb

    series = liver[0]
    for n, echo in enumerate(series.echoes, start=1):
        for part, values in (("mag", np.abs(echo)), ("ph", np.angle(echo))):
            node = module.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"x_e{n}_{part}")
            fill_volume(node, values.astype(np.float32), series.geometry)
            module.ui.volumesSelector.setCheckState(node, qt.Qt.Checked)
    module.ui.sourceComboBox.currentIndex = 1
    assert module.ui.volumesSelector.enabled and not module.ui.firstSelector.enabled
    assert "not known" in module.ui.echoTimesProblemLabel.text
    for row, te in enumerate(series.te_s):
        module.ui.echoTable.item(row, 1).setText(f"{1000 * te:g}")
        assert not module.ui.applyButton.enabled
    module.ui.fieldStrengthSpinBox.value = 1.5
    assert module.ui.applyButton.enabled
    save_mrb(str(tmp_path / "scene.mrb"))
    module.scene.Clear(False)
    assert module.ui.volumesSelector.checkedNodes() == []
    load_mrb(str(tmp_path / "scene.mrb"))
    assert len(module.ui.volumesSelector.checkedNodes()) == 12, "ticked as saved"
    assert module.ui.applyButton.enabled, "and the echo times that were typed"


def test_files_that_cannot_be_read_are_shown(module: Panel, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("no scan")
    module.dialogs.files = [tmp_path / "x.txt"]
    module.ui.loadFilesButton.click()
    assert "Cannot read scan" in module.dialogs.errors[0]
    module.ui.loadSampleButton.click()
    assert module.ui.applyButton.enabled
    assert module.ui.echoTable.rowCount == 6


def test_a_table_without_any_echo_time_can_be_filled_cell_by_cell(module: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series

    first, second = add_series(module.scene, liver[0], "Case").pair
    for node in (first, second):
        node.SetIndexName("frame")
        node.RemoveAttribute("AIDEAL.EchoTimesSeconds")
    module.parameters.firstSequence, module.parameters.secondSequence = first, second
    table = module.ui.echoTable
    assert [table.item(n, 1).text() for n in range(table.rowCount)] == [""] * 6
    for row in (3, 0, 5, 1, 4, 2):  # in any order
        assert not module.ui.applyButton.enabled
        table.item(row, 1).setText(f"{1000 * liver[0].te_s[row]:g}")
        assert table.item(row, 1).text() == f"{1000 * liver[0].te_s[row]:g}"
    assert module.ui.applyButton.enabled
    table.item(2, 1).setText("nonsense")
    assert table.item(2, 1).text() == "", "no number: not known again"
    assert [te is None for te in module.panel.scan.scan.te_s] == [False, False, True, False, False, False]


def test_what_was_typed_for_one_scan_does_not_stay_for_the_next(loaded: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series

    loaded.ui.echoTable.item(1, 1).setText("3.6")
    loaded.ui.fieldStrengthSpinBox.value = 3.0
    first, second = add_series(loaded.scene, liver[0], "Other").pair
    loaded.parameters.firstSequence, loaded.parameters.secondSequence = first, second
    assert loaded.panel.scan.scan.te_s[1] == 0.0034
    assert loaded.panel.scan.scan.stated.field_strength_t == 1.5


def test_the_sample_brings_its_lobes(module: Panel, scene: Any) -> None:
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.scan.sample import sample_truth

    module.ui.loadSampleButton.click()
    chosen = module.parameters.segmentation
    found = {region.name: int(region.voxels.sum()) for region in regions_of(chosen, module.panel.scan.scan.first[0])}
    labels = sample_truth()[1]
    assert found == {"Right lobe": int((labels == 1).sum()), "Left lobe": int((labels == 2).sum())}
    module.ui.loadSampleButton.click()
    assert module.parameters.segmentation is not chosen, "the lobes of this scan, not those of the first"


def test_unknown_orientation_is_stated(module: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from dataclasses import replace

    from AIDEALLib.echoes import Geometry
    from AIDEALLib.mrml.scan.sequences import add_series
    from slicer_harness.cases import OBLIQUE

    for geometry, stated in ((Geometry((2.0, 2.0, 6.0)), False), (OBLIQUE, True)):
        stored = add_series(module.scene, replace(liver[0], geometry=geometry), "Array")
        module.panel.scan.choose(stored)
        assert ("Orientation unknown" in module.ui.volumesProblemLabel.text) is not stated
        assert module.ui.applyButton.enabled


def test_what_files_lack_is_asked_for(module: Panel, tmp_path: Path, liver: tuple[EchoSeries, TissueMaps]) -> None:
    import SimpleITK as sitk

    paths = []
    for part, values in (("real", liver[0].echoes.real), ("imag", liver[0].echoes.imag)):
        for n, echo in enumerate(values):
            paths.append(tmp_path / f"scan_{part}_e{n + 1}.nrrd")
            sitk.WriteImage(sitk.GetImageFromArray(echo.astype("float32")), str(paths[-1]))
    module.dialogs.files = paths
    module.ui.loadFilesButton.click()
    assert module.dialogs.questions and module.dialogs.errors, "nothing typed: the error is shown"
    module.dialogs.typed = [" ".join(f"{1000 * te:.6g}" for te in liver[0].te_s), "1,5"]
    module.ui.loadFilesButton.click()
    assert module.panel.scan.problems == []
    assert module.panel.scan.scan.stated.field_strength_t == 1.5
    assert module.panel.scan.scan.te_s == tuple(liver[0].te_s)


def test_a_folder_is_loaded(module: Panel, tmp_path: Path) -> None:
    from AIDEALLib.resources import resource

    module.ui.loadFolderButton.click()
    assert module.parameters.firstSequence is None, "nothing was chosen"
    module.dialogs.directory = tmp_path / "missing"
    module.ui.loadFolderButton.click()
    assert "does not exist" in module.dialogs.errors[-1]
    module.dialogs.directory = resource("SampleData", "synthetic_liver")
    module.ui.loadFolderButton.click()
    assert module.ui.applyButton.enabled
    assert module.ui.echoTable.rowCount == 6


def test_one_of_several_scans_of_a_folder_is_chosen(
    module: Panel, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path
) -> None:
    import pydicom

    for number in (4, 7):
        later = replace(liver[0], te_s=liver[0].te_s + number * 1e-4)
        for path in write_scan(tmp_path / str(number), later, DIALECTS["siemens classic"]):
            image = pydicom.dcmread(path)
            image.SeriesNumber, image.SeriesDescription, image.StudyInstanceUID = number, f"Scan {number}", f"1.2.{number}"
            image.save_as(path)
    module.dialogs.directory = tmp_path
    module.dialogs.button = 1
    module.ui.loadFolderButton.click()
    assert module.dialogs.choices[:1] == ["Study 1, series 4"] or module.dialogs.choices[:1] == ["Study 1, series 7"]
    assert module.dialogs.choices[-1] == "Cancel"
    chosen = int(module.dialogs.choices[1].split()[-1])
    assert module.panel.scan.scan.te_s[0] == pytest.approx(liver[0].te_s[0] + chosen * 1e-4)
    assert f"Scan {chosen}" in module.parameters.firstSequence.GetName()
    module.dialogs.button = 2
    module.ui.loadFolderButton.click()
    assert "One was expected" in module.dialogs.errors[-1], "nothing was chosen"


def test_magnitudes_alone_are_for_method_magnitude(module: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.choices import Method
    from AIDEALLib.mrml.scan.sequences import add_series

    magnitudes = replace(liver[0], echoes=np.abs(liver[0].echoes).astype(np.complex64))
    first, second = add_series(module.scene, magnitudes, "Case").pair
    assert second is None
    module.parameters.firstSequence = first
    assert not module.ui.applyButton.enabled
    assert "'Magnitude'" in module.ui.applyButton.toolTip
    module.ui.methodComboBox.currentIndex = list(Method).index(Method.MAGNITUDE)
    assert module.ui.applyButton.enabled, module.ui.applyButton.toolTip
    module.ui.applyButton.click()
    np.testing.assert_array_equal(module.worker.series[-1].echoes, magnitudes.echoes)
    assert module.worker.started[-1].method == "magnitude"
    module.worker.events = [Stopped(1)]
    module.clock.tick()


def test_the_sign_that_was_found_is_shown_beside_its_choice(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series

    assert estimated.ui.phaseSignLabel.text == "as given"
    assert "residual" in estimated.ui.phaseSignLabel.toolTip
    other = add_series(estimated.scene, liver[0], "Other").pair
    estimated.parameters.firstSequence, estimated.parameters.secondSequence = other
    assert estimated.ui.phaseSignLabel.text == "", "another scan"
