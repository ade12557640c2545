"""Section 2 of the panel: Apply, progress, Cancel, failures, findings.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest

from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.worker.client import Failed, Progress, Reason, Stopped
from slicer_harness.panel import Panel


def test_apply_progress_and_maps(loaded: Panel, liver_maps: ParameterMaps) -> None:
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
    assert loaded.parameters.pdff.GetName() == "PDFF - Case"
    assert ui.mapsSelector.currentNode() is loaded.parameters.pdff
    assert ui.showButton.enabled and ui.mapsButton.enabled
    candidates = ui.mapsSelector.candidates()
    assert [node.GetName() for node in candidates] == ["PDFF - Case"], "other volumes are not offered"


def test_a_chosen_scan_warms_the_worker_up(loaded: Panel) -> None:
    assert loaded.worker.warmed_up and loaded.worker.warmed_up[-1].method == "refined"
    loaded.ui.methodComboBox.currentIndex = 1
    assert loaded.worker.warmed_up[-1].method == "one-shot"
    before = len(loaded.worker.warmed_up)
    loaded.parameters.firstSequence = loaded.parameters.secondSequence = None
    assert len(loaded.worker.warmed_up) == before, "without a scan"


def test_options_of_the_scan_reach_the_worker(loaded: Panel) -> None:
    from AIDEALLib.choices import Conjugate, FirstEcho

    loaded.ui.conjugateComboBox.currentIndex = list(Conjugate).index(Conjugate.CONJUGATED)
    loaded.ui.firstEchoComboBox.currentIndex = list(FirstEcho).index(FirstEcho.MIXED)
    loaded.ui.gainStepsCheckBox.checked = True
    loaded.ui.deviceComboBox.currentIndex = 1
    loaded.ui.applyButton.click()
    asked = loaded.worker.started[-1]
    assert (asked.conjugate, asked.first_echo, asked.gain_steps, asked.device) == ("yes", "mixed", "yes", "cpu")
    loaded.worker.events = [Stopped(1)]
    loaded.clock.tick()


def test_cancel(loaded: Panel) -> None:
    loaded.ui.applyButton.click()
    loaded.ui.applyButton.click()
    assert loaded.worker.cancelled
    loaded.worker.events = [Stopped(1)]
    loaded.clock.tick()
    assert loaded.ui.statusLabel.text == "", "a cancelled run leaves no text"
    assert loaded.ui.applyButton.text == "Apply"


def test_failures_are_shown(loaded: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_missing_torch_is_offered_then_installed_then_the_run_goes_on(loaded: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_new_run_takes_the_place_of_the_last_one_unless_it_is_kept(estimated: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.results.maps import pdff_nodes

    first = estimated.parameters.pdff
    for keep, names in ((False, ["PDFF - Case, run 2"]), (True, ["PDFF - Case, run 2", "PDFF - Case, run 3"])):
        estimated.ui.keepRunsCheckBox.checked = keep
        estimated.ui.applyButton.click()
        estimated.finish(liver_maps)
        estimated.clock.tick()
        assert [node.GetName() for node in pdff_nodes(estimated.scene)] == names
    assert first.GetScene() is None
    assert estimated.parameters.pdff.GetName() == "PDFF - Case, run 3"


def test_maps_arrive_in_steps_and_can_be_cancelled_on_the_way(loaded: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.results.maps import pdff_nodes

    loaded.logic.standstill_s = 0.0
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    assert loaded.logic.busy and loaded.logic.adding and loaded.parameters.pdff is None
    loaded.ui.applyButton.click()
    assert not loaded.logic.busy and not pdff_nodes(loaded.scene)
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    ticks = 0
    while loaded.logic.busy:
        loaded.clock.tick()
        ticks += 1
    assert ticks > 5 and loaded.parameters.pdff is not None
