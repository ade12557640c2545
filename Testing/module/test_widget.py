"""The panel on PySide6 with PythonQt's manners (Testing/slicer_harness/qt_widgets.py): an imitation of Slicer, not Slicer."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import EstimateOptions, Event, Failed, Progress, Reason, Result, Stopped

pytest.importorskip("slicer")
pytest.importorskip("PySide6")


class FakeWorker:
    """Answers what it is told to."""

    def __init__(self) -> None:
        self.busy = False
        self.events: list[Event] = []
        self.started: list[EstimateOptions] = []
        self.cancelled = False

    def start(self, series: EchoSeries, options: EstimateOptions | None = None) -> int:
        self.busy, self.cancelled = True, False
        self.started.append(options or EstimateOptions())
        return len(self.started)

    def cancel(self) -> None:
        self.cancelled = True

    def poll(self) -> list[Event]:
        events, self.events = self.events, []
        if any(not isinstance(event, Progress) for event in events):
            self.busy = False
        return events

    def close(self) -> None:
        self.busy = False


class FakeDialogs:
    """Answers every question as set, and remembers what was said."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.questions: list[str] = []
        self.answer, self.button = True, 2
        self.files: list[Path] = []
        self.file: Path | None = None
        self.copied = ""

    def confirm(self, text: str) -> bool:
        self.questions.append(text)
        return self.answer

    def choose(self, text: str, choices: list[str]) -> int:
        self.questions.append(text)
        return self.button

    def error(self, text: str, details: str = "") -> None:
        self.errors.append(text)

    def open_files(self, title: str, pattern: str) -> list[Path]:
        return self.files

    def save_file(self, title: str, name: str, pattern: str) -> Path | None:
        return self.file

    def folder(self, title: str) -> Path | None:
        return self.file

    def clipboard(self, text: str) -> None:
        self.copied = text


class Clock:
    """Timers that go off when told."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def later(self, _milliseconds: int, function: Callable[[], None]) -> None:
        self.due.append(function)

    def tick(self) -> None:
        due, self.due = self.due, []
        for function in due:
            function()


class Module:
    """The module's panel with everything around it faked."""

    def __init__(self, scene: Any) -> None:
        from AIDEALLib.mrml.logic import AidealLogic
        from AIDEALLib.mrml.widget import AidealPanel
        from slicer_harness import qt_widgets
        from slicer_harness.scripted_module import ScriptedLoadableModuleLogic

        self.scene, self.worker, self.dialogs, self.clock = scene, FakeWorker(), FakeDialogs(), Clock()
        ui_file = Path(importlib.import_module("AIDEALLib").__file__ or "").parents[1] / "Resources" / "UI" / "AIDEAL.ui"
        self.root = qt_widgets.load_ui(str(ui_file))
        self.ui = qt_widgets.child_variables(self.root)
        self.root.setMRMLScene(scene)
        self.logic = AidealLogic(scene, self.worker)
        node = ScriptedLoadableModuleLogic().getParameterNode
        self.panel = AidealPanel(self.ui, self.root, self.logic, node, self.clock.later, self.dialogs)
        self.panel.enter()

    @property
    def parameters(self) -> Any:
        return self.panel.parameters

    def finish(self, maps: ParameterMaps) -> None:
        self.worker.events = [Result(1, maps, 2.5, None)]
        self.clock.tick()


@pytest.fixture
def module(scene: Any) -> Iterator[Module]:
    from slicer_harness import qt_widgets

    qt_widgets.install()
    qt_widgets.slot_errors.clear()
    made = Module(scene)
    yield made
    made.panel.close()
    assert not qt_widgets.slot_errors, "\n".join(qt_widgets.slot_errors)


@pytest.fixture
def loaded(module: Module, liver: tuple[EchoSeries, TissueMaps]) -> Module:
    from AIDEALLib.mrml.scan_sources import add_series

    first, second = add_series(module.scene, liver[0], "Case")
    module.parameters.firstSequence, module.parameters.secondSequence = first, second
    return module


@pytest.fixture
def estimated(loaded: Module, liver_maps: ParameterMaps) -> Module:
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    loaded.clock.tick()
    return loaded


def test_nothing_chosen_says_what_to_do(module: Module) -> None:
    ui = module.ui
    assert not ui.applyButton.enabled
    assert "Choose a scan" in ui.applyButton.toolTip
    assert "Choose a scan" in ui.volumesProblemLabel.text
    for name in ("showButton", "domeButton", "lobesButton", "circleButton", "csvButton", "mapsButton"):
        assert not getattr(ui, name).enabled, name


def test_a_scan_fills_the_table_and_enables_apply(loaded: Module) -> None:
    ui = loaded.ui
    assert ui.applyButton.enabled
    assert ui.echoTable.rowCount == 6
    assert ui.echoTable.item(1, 1).text() == "3.4"
    assert "radians" in ui.phaseUnitLabel.text
    assert "1.5 T" in ui.fieldStrengthSpinBox.specialValueText
    assert not ui.volumesProblemLabel.isVisibleTo(loaded.root)


def test_echo_times_can_be_typed_over_and_problems_show_beside_them(loaded: Module) -> None:
    ui = loaded.ui
    ui.echoTable.item(1, 1).setText("1.2")
    assert "rise" in ui.echoTimesProblemLabel.text
    assert not ui.applyButton.enabled
    assert "rise" in ui.applyButton.toolTip
    ui.echoTable.item(1, 1).setText("3,5")
    assert ui.applyButton.enabled
    assert loaded.panel.scan.scan.te_ms[1] == pytest.approx(3.5)
    ui.echoTable.item(1, 1).setText("")
    assert loaded.panel.scan.scan.te_ms[1] == pytest.approx(3.4), "back to what the scan says"


def test_field_strength_unit_and_readout_override(loaded: Module) -> None:
    from AIDEALLib.echoes import Readout

    ui = loaded.ui
    ui.fieldStrengthSpinBox.value = 3.0
    assert loaded.panel.scan.scan.field_strength_t == 3.0
    ui.phaseUnitComboBox.currentIndex = 5
    assert loaded.parameters.phaseUnit.name == "DEGREES"
    assert "by hand" in ui.phaseUnitLabel.text
    ui.readoutComboBox.currentIndex = 2
    assert loaded.panel.scan.scan.readout is Readout.BIPOLAR


def test_single_volumes(module: Module, liver: tuple[EchoSeries, TissueMaps]) -> None:
    import qt

    from AIDEALLib.mrml.volumes import fill_volume

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
        if row < 5:  # half typed: keep what is there until all are
            assert not module.ui.applyButton.enabled
    module.ui.fieldStrengthSpinBox.value = 1.5


def test_apply_progress_and_maps(loaded: Module, liver_maps: ParameterMaps) -> None:
    ui, worker = loaded.ui, loaded.worker
    ui.methodComboBox.currentIndex = 1
    ui.applyButton.click()
    assert (worker.started[0].method, worker.started[0].device, worker.started[0].conjugate) == ("one-shot", "auto", "auto")
    assert ui.applyButton.text == "Cancel"
    assert ui.progressBar.isVisibleTo(loaded.root)
    worker.events = [Progress(1, 2, 6)]
    loaded.clock.tick()
    assert (ui.progressBar.value, ui.progressBar.maximum) == (2, 6)
    assert "slice 2 of 6" in ui.statusLabel.text
    loaded.finish(liver_maps)
    assert ui.applyButton.text == "Apply"
    assert not ui.progressBar.isVisibleTo(loaded.root)
    assert "Done in 2.5 s" in ui.statusLabel.text
    assert loaded.parameters.pdff.GetName() == "Case PDFF"
    assert ui.mapsSelector.currentNode() is loaded.parameters.pdff
    assert ui.showButton.enabled and ui.mapsButton.enabled
    candidates = ui.mapsSelector.candidates()
    assert [node.GetName() for node in candidates] == ["Case PDFF"], "other volumes are not offered"


def test_cancel(loaded: Module) -> None:
    loaded.ui.applyButton.click()
    loaded.ui.applyButton.click()
    assert loaded.worker.cancelled
    loaded.worker.events = [Stopped(1)]
    loaded.clock.tick()
    assert "as before" in loaded.ui.statusLabel.text
    assert loaded.ui.applyButton.text == "Apply"


def test_failures_are_told(loaded: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded.ui.applyButton.click()
    loaded.worker.events = [Failed(1, Reason.CRASH, "It crashed.", "log")]
    loaded.clock.tick()
    assert loaded.dialogs.errors == ["It crashed."]
    assert loaded.ui.applyButton.enabled and loaded.ui.applyButton.text == "Apply"
    loaded.ui.applyButton.click()
    loaded.worker.events = [Failed(2, Reason.DEVICE, "No CUDA here.")]
    loaded.clock.tick()
    assert "CPU" in loaded.dialogs.questions[-1]
    assert loaded.worker.started[-1].device == "cpu", "goes on on the CPU after asking"
    loaded.worker.events = [Stopped(3)]
    loaded.clock.tick()


def test_missing_torch_is_offered_then_installed_then_the_run_goes_on(loaded: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import ModuleType

    calls: list[dict[str, Any]] = []

    class Logic:
        def installTorch(self, **options: Any) -> object:
            calls.append(options)
            return object()

    utils = ModuleType("PyTorchUtils")
    utils.PyTorchUtilsLogic = Logic  # type: ignore[attr-defined]
    loaded.ui.applyButton.click()
    loaded.worker.events = [Failed(1, Reason.TORCH_MISSING, "PyTorch is not installed.")]
    loaded.clock.tick()
    assert not calls, "answered with Cancel"
    loaded.dialogs.button = 1
    loaded.ui.applyButton.click()
    loaded.worker.events = [Failed(2, Reason.TORCH_MISSING, "PyTorch is not installed.")]
    loaded.clock.tick()
    assert "PyTorch extension is not installed" in loaded.dialogs.errors[-1]
    monkeypatch.setitem(sys.modules, "PyTorchUtils", utils)
    loaded.ui.applyButton.click()
    started = len(loaded.worker.started)
    loaded.worker.events = [Failed(3, Reason.TORCH_MISSING, "PyTorch is not installed.")]
    loaded.clock.tick()
    assert calls == [{"askConfirmation": False, "forceComputationBackend": "cpu"}]
    assert len(loaded.worker.started) == started + 1, "the run goes on"
    loaded.worker.events = [Stopped(4)]
    loaded.clock.tick()


def test_lobes_circles_and_numbers(estimated: Module, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    from AIDEALLib.mrml import regions
    from AIDEALLib.mrml.volumes import world_position

    ui, module = estimated.ui, estimated
    ui.lobesButton.click()
    segmentation = module.parameters.segmentation
    assert segmentation is not None
    assert ui.segmentEditorWidget.segmentationNode() is segmentation
    assert ui.segmentEditorWidget.sourceVolumeNode() is module.parameters.pdff
    regions.set_segment(segmentation, "Right lobe", liver[1].labels == 1, module.parameters.pdff)
    regions.set_segment(segmentation, "Left lobe", liver[1].labels == 2, module.parameters.pdff)
    module.clock.tick()
    table = ui.numbersTable
    assert [table.item(n, 0).text() for n in range(table.rowCount)] == ["Right lobe", "Left lobe", "whole liver"]
    assert float(table.item(0, 3).text()) == pytest.approx(module.panel.numbers.live.rows[0].pdff_mean, abs=0.06)
    before = table.item(0, 1).text()
    regions.set_segment(segmentation, "Right lobe", (liver[1].labels == 1) & (np.arange(64) < 20), module.parameters.pdff)
    module.clock.tick()
    assert table.item(0, 1).text() != before
    ui.placeComboBox.currentIndex = 1
    ui.circleButton.click()
    points = regions.roi_points(module.scene, "Left lobe")
    points.AddControlPoint(*world_position(module.parameters.pdff, 2, 30, 40))
    module.clock.tick()
    assert table.item(table.rowCount - 1, 0).text() == "Left lobe ROI 1"
    ui.circleButton.click()
    voxels = int(table.item(table.rowCount - 1, 1).text())
    ui.diameterSpinBox.value = 40.0
    module.clock.tick()
    assert int(table.item(table.rowCount - 1, 1).text()) > voxels
    assert module.parameters.table.GetTable().GetNumberOfRows() == table.rowCount

    module.dialogs.file = tmp_path / "numbers.csv"
    ui.csvButton.click()
    assert "pdff_mean_percent" in module.dialogs.file.read_text(encoding="utf-8")
    ui.copyButton.click()
    assert module.dialogs.copied.startswith("Segment: ")
    module.dialogs.file = tmp_path / "maps"
    ui.formatComboBox.currentIndex = 1
    ui.mapsButton.click()
    assert (tmp_path / "maps" / "pdff.nii.gz").is_file()
    ui.histogramButton.click()
    assert module.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1
    ui.excludeCheckBox.checked = True
    ui.cutoffsComboBox.currentIndex = 1
    module.clock.tick()
    assert module.panel.numbers.live.rows[0].used_voxels <= module.panel.numbers.live.rows[0].voxels
    ui.domeButton.click()
    ui.nextLowButton.click()
    ui.clearCirclesButton.click()
    module.clock.tick()
    assert not any("ROI" in table.item(n, 0).text() for n in range(table.rowCount))
    ui.planeButton.click()
    assert ui.splitButton.enabled
    ui.splitButton.click()
    assert "Split" in ui.regionsMessageLabel.text


def test_look(estimated: Module, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.volumes import world_position

    ui, maps = estimated.ui, estimated.panel._context.maps()
    assert maps is not None
    ui.windowComboBox.currentIndex = 1
    assert maps.pdff.GetDisplayNode().GetWindowLevelMax() == 100.0
    ui.overlayComboBox.currentIndex = 2
    assert estimated.parameters.overlay.name == "SWAP"
    assert ui.thresholdSlider.maximum == 1.0
    assert estimated.parameters.overlayThreshold == pytest.approx(0.05)
    ui.thresholdSlider.value = 0.3
    over = maps.pdff.GetNodeReference("AIDEAL.map.overlay")
    assert over.GetDisplayNode().GetLowerThreshold() == pytest.approx(0.3)
    ui.overlayComboBox.currentIndex = 0
    assert not ui.thresholdSlider.enabled
    inside = tuple(int(v) for v in np.argwhere(liver_maps.mask)[500])
    ras = world_position(maps.pdff, *inside)
    crosshair = estimated.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCursorPositionRAS(list(ras))
    assert f"PDFF {liver_maps.pdff[inside]:.1f} ±" in ui.probeLabel.text
    ui.fitButton.click()
    points = estimated.scene.GetFirstNodeByName("Fit at")
    points.AddControlPoint(*ras)
    assert "residual" in ui.probeLabel.text
    assert estimated.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1
    ui.fitButton.click()
    ui.showNumbersButton.click()


def test_files_that_cannot_be_read_are_told(module: Module, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("no scan")
    module.dialogs.files = [tmp_path / "x.txt"]
    module.ui.loadFilesButton.click()
    assert "Cannot read x.txt" in module.dialogs.errors[0]
    module.ui.loadSampleButton.click()
    assert module.ui.applyButton.enabled
    assert module.ui.echoTable.rowCount == 6


def test_everything_comes_back_with_a_scene(estimated: Module, tmp_path: Path, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml import regions
    from slicer_harness.scene import load_mrb, save_mrb

    module, ui = estimated, estimated.ui
    ui.lobesButton.click()
    regions.set_segment(module.parameters.segmentation, "Right lobe", liver[1].labels == 1, module.parameters.pdff)
    module.clock.tick()
    mean = module.panel.numbers.live.rows[0].pdff_mean
    ui.overlayComboBox.currentIndex = 2
    ui.thresholdSlider.value = 0.4
    ui.diameterSpinBox.value = 25.0
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))
    module.clock.tick()
    assert module.parameters.pdff.GetName() == "Case PDFF"
    assert module.parameters.overlay.name == "SWAP"
    assert ui.thresholdSlider.value == pytest.approx(0.4)
    assert ui.diameterSpinBox.value == 25.0
    assert ui.mapsSelector.currentNode() is module.parameters.pdff
    assert ui.applyButton.enabled, "the scan is back"
    assert module.panel.numbers.live.rows[0].pdff_mean == pytest.approx(mean)


def test_scene_closed_leaves_an_empty_panel(estimated: Module) -> None:
    estimated.scene.Clear(False)
    estimated.clock.tick()
    assert not estimated.ui.applyButton.enabled
    assert estimated.parameters.pdff is None
    assert estimated.ui.numbersTable.rowCount == 0


def test_leaving_and_coming_back(estimated: Module) -> None:
    estimated.ui.circleButton.click()
    estimated.panel.exit()
    assert not estimated.ui.circleButton.checked
    estimated.panel.enter()
    assert estimated.parameters.pdff is not None


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


def test_picture_of_the_panel(estimated: Module, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    from AIDEALLib.mrml import regions
    from slicer_harness import qt_widgets

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        regions.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    path = Path(os.environ.get("AIDEAL_PICTURES", tmp_path)) / "panel.png"
    estimated.root.show()
    qt_widgets.grab(estimated.root, path, (520, 1650))
    assert path.stat().st_size > 20_000
