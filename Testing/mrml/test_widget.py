"""The panel and the module file as a whole: scenes saved, loaded and closed; construction; a picture.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel


def test_everything_comes_back_with_a_scene(estimated: Panel, tmp_path: Path, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing
    from slicer_harness.scene import load_mrb, save_mrb

    module, ui = estimated, estimated.ui
    ui.lobesButton.click()
    drawing.set_segment(module.parameters.segmentation, "Right lobe", liver[1].labels == 1, module.parameters.pdff)
    module.clock.tick()
    mean = module.panel.numbers.live.rows[0].pdff_mean
    ui.overlayComboBox.currentIndex = 2
    ui.thresholdSlider.value = 0.4
    ui.diameterSpinBox.value = 25.0
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))
    module.clock.tick()
    assert module.parameters.pdff.GetName() == "PDFF - Case"
    assert module.parameters.overlay.name == "SWAP"
    assert ui.thresholdSlider.value == pytest.approx(0.4)
    assert ui.diameterSpinBox.value == 25.0
    assert ui.mapsSelector.currentNode() is module.parameters.pdff
    assert ui.applyButton.enabled, "the scan is back"
    assert module.panel.numbers.live.rows[0].pdff_mean == pytest.approx(mean)


def test_scene_closed_leaves_an_empty_panel(estimated: Panel) -> None:
    estimated.scene.Clear(False)
    estimated.clock.tick()
    assert not estimated.ui.applyButton.enabled
    assert estimated.parameters.pdff is None
    assert estimated.ui.numbersTable.rowCount == 0


def test_leaving_and_coming_back(estimated: Panel) -> None:
    estimated.ui.circleButton.click()
    estimated.panel.exit()
    assert not estimated.ui.circleButton.checked
    estimated.ui.overlayComboBox.currentIndex = 2
    estimated.panel.enter()
    assert estimated.parameters.pdff is not None
    assert estimated.parameters.overlay.name == "SWAP", "coming back changes nothing"


def test_the_module_file(scene: Any) -> None:
    import slicer

    from slicer_harness import qt_widgets
    from slicer_harness.scripted_module import module_parent

    qt_widgets.install()
    qt_widgets.slot_errors.clear()
    module = importlib.import_module("AIDEAL")
    parent = module_parent()
    module.AIDEAL(parent)
    assert parent.categories == ["Quantification"]
    assert "not for diagnosis" in parent.helpText
    for signal, function in slicer.app.startup:
        assert signal == "startupCompleted()"
        function()
    widget = module.AIDEALWidget()
    widget.setup()
    assert "Choose a scan" in widget.ui.applyButton.toolTip
    widget.exit()
    widget.cleanup()
    assert not qt_widgets.slot_errors, qt_widgets.slot_errors


def test_nothing_heavy_is_imported_with_the_module(scene: Any) -> None:
    import subprocess

    root = Path(importlib.import_module("AIDEALLib").__file__ or "").parents[1]
    code = (
        f"import sys; sys.path[:0] = [{str(root)!r}, {str(root.parent / 'Testing')!r}]\n"
        "from slicer_harness.scene import boot; boot()\n"
        "from slicer_harness import qt_widgets; qt_widgets.install()\n"
        "import AIDEAL; w = AIDEAL.AIDEALWidget(); w.setup(); w.cleanup()\n"
        "print([m for m in ('torch', 'pydicom', 'scipy', 'nibabel', 'matplotlib') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_picture_of_the_panel(estimated: Panel, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    from AIDEALLib.mrml.regions import drawing
    from slicer_harness import qt_widgets

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    path = Path(os.environ.get("AIDEAL_PICTURES", tmp_path)) / "panel.png"
    estimated.root.show()
    qt_widgets.grab(estimated.root, path, (520, 1650))
    assert path.stat().st_size > 20_000


def test_questions_for_files(module: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer
    from PySide6 import QtWidgets

    from AIDEALLib.mrml.panels.slicer_dialogs import SlicerDialogs

    dialog, dialogs = QtWidgets.QFileDialog, SlicerDialogs()
    monkeypatch.setattr(slicer.util, "mainWindow", lambda: None, raising=False)
    monkeypatch.setattr(dialog, "getOpenFileNames", lambda *_: (["/a/e1.nrrd", "/a/e2.nrrd"], "All files (*)"))
    monkeypatch.setattr(dialog, "getSaveFileName", lambda *_: ("/a/x.csv", "CSV (*.csv)"))
    monkeypatch.setattr(dialog, "getExistingDirectory", lambda *_: "/a")
    assert dialogs.open_files("title", "All files (*)") == [Path("/a/e1.nrrd"), Path("/a/e2.nrrd")]
    assert dialogs.save_file("title", "x.csv", "CSV (*.csv)") == Path("/a/x.csv")
    assert dialogs.folder("title") == Path("/a")
    monkeypatch.setattr(dialog, "getOpenFileNames", lambda *_: ([], ""))
    monkeypatch.setattr(dialog, "getSaveFileName", lambda *_: ("", ""))
    monkeypatch.setattr(dialog, "getExistingDirectory", lambda *_: "")
    assert dialogs.open_files("title", "All files (*)") == []
    assert dialogs.save_file("title", "x.csv", "CSV (*.csv)") is None
    assert dialogs.folder("title") is None
