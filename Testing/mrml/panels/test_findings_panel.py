"""Findings in the panel: in words, with a way to the place, and a scan that is refused unless overridden.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from pathlib import Path

from AIDEALLib.advice import advise
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.worker.client import Failed, Finding, QualityReport, Reason, Severity, Stage, Step, Stopped
from slicer_harness.panel import Panel

COMPARE = advise("State the unit. Compare with {}.", ("conjugate", "yes"))
CORRECT = advise("Estimate with {}, which helps.", ("first_echo", "yes"))
STOP = Finding("phase-constant", Severity.STOP, "The phase is the same.", COMPARE)
FOUND = QualityReport(
    (
        Finding("motion", Severity.WARN, "Edges lie elsewhere.", advise("Do not use these slices."), (1, 4)),
        Finding("sign", Severity.INFO, "The sign was not decided.", CORRECT),
    ),
    {"snr": 20.0},
)


def finish(panel: Panel, maps: ParameterMaps) -> None:
    panel.ui.applyButton.click()
    panel.finish(maps, FOUND)
    panel.clock.tick()


def test_findings_are_shown_with_advice_in_the_words_of_the_panel(loaded: Panel, liver_maps: ParameterMaps) -> None:
    table = loaded.ui.findingsTable
    assert not table.isVisibleTo(loaded.root)
    finish(loaded, liver_maps)
    assert table.isVisibleTo(loaded.root)
    assert [table.item(n, 0).text() for n in range(table.rowCount)] == ["Warning", "Note"]
    assert table.item(0, 1).text() == "Edges lie elsewhere. Slices 2, 5. Do not use these slices."
    assert table.item(1, 1).text() == "The sign was not decided. Estimate with 'First echo: Correct', which helps."
    loaded.parameters.pdff = None
    assert not table.isVisibleTo(loaded.root)


def test_the_button_goes_from_slice_to_slice_of_a_finding(loaded: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.views import display, layout
    from slicer_harness.views import SliceView

    views = [SliceView(name) for name in layout.VIEWS]
    try:
        finish(loaded, liver_maps)
        maps = loaded.panel._context.maps()
        assert maps is not None
        seen = []
        for _ in range(3):
            loaded.ui.findingPlaceButton.click()
            seen.append(display.current_slice(maps))
        assert seen == [1, 4, 1]
        loaded.ui.findingsTable.setCurrentCell(1, 0)
        assert not loaded.ui.findingPlaceButton.enabled, "this one is about the whole scan"
        loaded.ui.findingsTable.setCurrentCell(0, 0)
        assert loaded.ui.findingPlaceButton.enabled
    finally:
        for view in views:
            view.close()


def test_a_place_in_a_slice_gets_crosshair_and_outline(loaded: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.nodes import helper_of
    from AIDEALLib.mrml.views.outline import OUTLINE_ROLE
    from AIDEALLib.mrml.volumes import voxel_at

    sentence = "Water and fat may be swapped (slices 3 to 4, rows 20 to 25, columns 30 to 40)."
    found = Finding("swap-suspect", Severity.WARN, sentence, advise("Leave it out."), (2, 3), box=(20, 25, 30, 40))
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps, QualityReport((found,)))
    loaded.clock.tick()
    assert "rows" not in loaded.ui.findingsTable.item(0, 1).text(), "the button goes there"
    loaded.ui.findingPlaceButton.click()
    maps = loaded.panel._context.maps()
    assert maps is not None
    crosshair = loaded.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    assert crosshair.GetCrosshairMode() != crosshair.NoCrosshair
    assert voxel_at(maps.pdff, crosshair.GetCrosshairRAS()) in [(2, row, 35) for row in (22, 23)]
    curve = helper_of(maps.pdff, OUTLINE_ROLE)
    corners = []
    for n in range(curve.GetNumberOfControlPoints()):
        ras = [0.0, 0.0, 0.0]
        curve.GetNthControlPointPositionWorld(n, ras)
        corners.append(voxel_at(maps.pdff, (ras[0], ras[1], ras[2])))
    assert corners == [(2, 19, 29), (2, 19, 41), (2, 26, 41), (2, 26, 29)]
    loaded.ui.findingPlaceButton.click()
    assert helper_of(maps.pdff, OUTLINE_ROLE) is curve, "one outline, moved"


def test_findings_come_back_with_a_scene(loaded: Panel, liver_maps: ParameterMaps, tmp_path: Path) -> None:
    from slicer_harness.scene import load_mrb, save_mrb

    finish(loaded, liver_maps)
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))
    loaded.clock.tick()
    assert loaded.ui.findingsTable.rowCount == 2


def test_an_unusable_scan_is_refused_with_its_reason_unless_overridden(loaded: Panel) -> None:
    ui = loaded.ui
    assert not ui.anywayCheckBox.isVisibleTo(loaded.root)
    ui.applyButton.click()
    assert not loaded.worker.started[-1].anyway
    loaded.worker.events = [Failed(1, Reason.UNUSABLE, STOP.sentence, findings=(STOP,))]
    loaded.clock.tick()
    assert not loaded.dialogs.errors, "in the panel, not in a window"
    assert not ui.applyButton.enabled
    assert ui.applyButton.toolTip == "The phase is the same. State the unit. Compare with 'Phase sign: Conjugate'."
    assert "The phase is the same." in ui.statusLabel.text
    assert ui.findingsTable.item(0, 0).text() == "Stop"
    ui.anywayCheckBox.checked = True
    assert ui.applyButton.enabled
    ui.applyButton.click()
    assert loaded.worker.started[-1].anyway
    loaded.worker.events = [Stopped(2)]
    loaded.clock.tick()
    ui.anywayCheckBox.checked = False
    assert not ui.applyButton.enabled
    ui.fieldStrengthSpinBox.value = 3.0
    assert ui.applyButton.enabled, "the scan is read otherwise now"
    assert not ui.anywayCheckBox.isVisibleTo(loaded.root)
    assert not ui.findingsTable.isVisibleTo(loaded.root)


def test_the_steps_before_the_slices_are_shown(loaded: Panel) -> None:
    loaded.ui.applyButton.click()
    assert "starting the estimation process" in loaded.ui.statusLabel.text
    for step, text in ((Step.TORCH, "loading PyTorch"), (Step.PREPARE, "phase errors"), (Step.ASSESS, "checking the result")):
        loaded.worker.events = [Stage(1, step)]
        loaded.clock.tick()
        assert text in loaded.ui.statusLabel.text
        assert loaded.ui.progressBar.maximum == 0, "no end in sight: the bar runs"
    loaded.worker.events = [Stopped(1)]
    loaded.clock.tick()
