"""Two runs of a scene compared as two visits; the process is replaced by a call.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel

MORE_FAT = 6.0


@pytest.fixture
def visits(layouts: Any, loaded: Panel, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps) -> Panel:
    """Two visits, the second with 6 points more fat, both with lobes."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sequences import add_series

    second = add_series(loaded.scene, liver[0], "Second")
    for number, pair in enumerate(((loaded.parameters.firstSequence, loaded.parameters.secondSequence), second.pair)):
        loaded.parameters.firstSequence, loaded.parameters.secondSequence = pair
        loaded.ui.applyButton.click()
        loaded.finish(replace(liver_maps, pdff=(liver_maps.pdff + number * MORE_FAT * liver_maps.mask).astype(np.float32)))
        loaded.ui.lobesButton.click()
        for label, name in liver[1].label_names.items():
            drawing.set_segment(loaded.parameters.segmentation, name, liver[1].labels == label, loaded.parameters.pdff)
        loaded.clock.tick()
    return loaded


def test_change_of_each_region_with_a_map(visits: Panel, layouts: Any) -> None:
    import slicer

    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.volumes import array_of

    ui, scene = visits.ui, visits.scene
    assert not ui.compareButton.enabled
    first, second = scene.GetFirstNodeByName("PDFF - Case"), scene.GetFirstNodeByName("PDFF - Second")
    ui.baselineSelector.setCurrentNode(first)
    ui.followUpSelector.setCurrentNode(second)
    visits.panel.update()
    assert ui.compareButton.enabled
    ui.compareButton.click()
    visits.clock.tick()
    table = ui.changeTable
    assert table.isVisibleTo(ui.visitsSection)
    rows = {table.item(n, 0).text(): [table.item(n, c).text() for c in range(1, 5)] for n in range(table.rowCount)}
    assert set(rows) == {"Right lobe", "Left lobe", "whole liver"}
    for before, after, change, reading in rows.values():
        assert float(after) - float(before) == pytest.approx(MORE_FAT, abs=0.11)
        assert float(change.split()[0]) == pytest.approx(MORE_FAT, abs=0.06) and reading == "changed"
    assert "Repeated scans differ by up to 2.99 points" in ui.visitsMessageLabel.text
    assert visits.parameters.pdff is first, "the map of the change lies on the grid of the baseline"
    shown = {
        name: scene.GetNodeByID(layouts.views[name].composite.GetBackgroundVolumeID())
        for name in (layout.SD_VIEW, layout.FOURTH_VIEW)
    }
    assert shown[layout.FOURTH_VIEW].GetName() == "PDFF change (Second) - Case"
    assert shown[layout.SD_VIEW].GetName() == "PDFF at follow-up (Second) - Case"
    assert layouts.views[layout.FOURTH_VIEW].node.GetLayoutLabel() == "Change"
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(shown[layout.FOURTH_VIEW])
    assert legend.GetTitleText() == "points"
    values = array_of(shown[layout.FOURTH_VIEW])
    assert np.median(values[values != 0]) == pytest.approx(MORE_FAT, abs=0.2)
    ui.repeatabilitySpinBox.value = 8.0
    visits.panel.update()
    ui.compareButton.click()
    visits.clock.tick()
    assert table.item(0, 4).text() == "within repeatability" and "entered in the panel" in ui.visitsMessageLabel.text
    ui.fourthComboBox.currentIndex = 0
    assert scene.GetNodeByID(layouts.views[layout.SD_VIEW].composite.GetBackgroundVolumeID()).GetName() == "PDFF SD - Case"


def test_the_report_of_a_comparison(visits: Panel, tmp_path: Path) -> None:
    scene = visits.scene
    visits.parameters.baseline = scene.GetFirstNodeByName("PDFF - Case")
    visits.parameters.followUp = scene.GetFirstNodeByName("PDFF - Second")
    visits.panel.update()
    visits.dialogs.directory = tmp_path / "out"
    visits.ui.compareReportButton.click()
    visits.clock.tick()
    assert {"compare.html", "change.csv", "difference.nrrd"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert "Saved" in visits.ui.visitsMessageLabel.text
    scene.Clear(False)
    assert visits.ui.changeTable.rowCount == 0 and visits.ui.visitsMessageLabel.text == ""
