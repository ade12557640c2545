"""Sections fold away after a run, and remember; keys for reading.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from AIDEALLib.advice import advise
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.worker.client import Finding, QualityReport, Severity
from slicer_harness.panel import Panel

FOUND = QualityReport(
    (
        Finding("motion", Severity.WARN, "Edges lie elsewhere.", advise("Do not use these slices."), (1,)),
        Finding("steep", Severity.WARN, "The field is steep.", advise("Leave edges out."), (2,)),
        Finding("snr", Severity.INFO, "SNR 20.", advise("Nothing to do.")),
    ),
    {"snr": 20.0},
)


@pytest.fixture
def folded(loaded: Panel, liver_maps: ParameterMaps) -> Panel:
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps, FOUND)
    loaded.clock.tick()
    return loaded


def test_sections_fold_to_one_line_and_the_worst_finding_stays(folded: Panel) -> None:
    ui = folded.ui
    assert ui.scanSection.collapsed and ui.estimateSection.collapsed
    assert not ui.numbersSection.collapsed and not ui.regionsSection.collapsed
    assert ui.scanSection.text == "1. Scan: Case, 6 echoes, 1.5 T, SNR 20"
    assert ui.estimateSection.text.startswith("2. Estimate: refined, ")
    assert ui.estimateSection.text.endswith("Warning: motion")
    assert ui.worstFindingLabel.isVisibleTo(folded.root)
    assert ui.worstFindingLabel.text.startswith("Edges lie elsewhere. Slices 2.")
    assert "1 more" in ui.worstFindingLabel.text


def test_a_section_that_was_opened_stays_open(folded: Panel, liver_maps: ParameterMaps, tmp_path: Path) -> None:
    from slicer_harness.scene import load_mrb, save_mrb

    ui = folded.ui
    ui.estimateSection.collapsed = False
    folded.panel.update()
    assert ui.estimateSection.text == "2. Estimate" and not ui.worstFindingLabel.isVisibleTo(folded.root)
    ui.applyButton.click()
    folded.finish(liver_maps, FOUND)
    folded.clock.tick()
    assert ui.scanSection.collapsed and not ui.estimateSection.collapsed
    assert save_mrb(str(tmp_path / "scene.mrb"))
    ui.estimateSection.collapsed = True
    load_mrb(str(tmp_path / "scene.mrb"))
    assert ui.scanSection.collapsed and not ui.estimateSection.collapsed, "as the scene was saved"


def test_keys_for_reading(estimated: Panel) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import world_position

    keys = {shortcut.property("key").toString(): shortcut for shortcut in estimated.panel._keys._shortcuts}
    assert set(keys) == {"Alt+L", "Alt+O", "Alt+R"}
    keys["Alt+O"].activated.emit()
    assert estimated.parameters.overlay.name == "NONE"
    keys["Alt+O"].activated.emit()
    assert estimated.parameters.overlay.name == "TOTAL_SD"
    maps: Any = estimated.panel._context.maps()
    for column in (20, 24):
        drawing.add_circle(estimated.scene, "Right lobe", world_position(maps.pdff, 2, 30, column), scan=maps.scan)
    estimated.panel.numbers.live.points_added()
    estimated.clock.tick()
    for row in (0, 1, 0):
        keys["Alt+R"].activated.emit()
        assert estimated.ui.numbersTable.currentRow() == row
    crosshair = estimated.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    expected = world_position(maps.pdff, 2, 30, 20)
    assert max(abs(a - b) for a, b in zip(crosshair.GetCrosshairRAS(), expected, strict=True)) < 3.0
    estimated.panel.exit()
    assert not any(shortcut.isEnabled() for shortcut in keys.values())
