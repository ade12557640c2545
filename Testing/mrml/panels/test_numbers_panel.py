"""Sections 4 to 6 of the panel: regions, table, histogram, reference, export.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel


def test_lobes_circles_and_numbers(estimated: Panel, liver: tuple[EchoSeries, TissueMaps], tmp_path: Path) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results import columns
    from AIDEALLib.mrml.volumes import world_position

    ui, module = estimated.ui, estimated
    ui.lobesButton.click()
    segmentation = module.parameters.segmentation
    assert segmentation is not None
    assert ui.segmentEditorWidget.segmentationNode() is segmentation
    assert ui.segmentEditorWidget.sourceVolumeNode() is module.parameters.pdff
    drawing.set_segment(segmentation, "Right lobe", liver[1].labels == 1, module.parameters.pdff)
    drawing.set_segment(segmentation, "Left lobe", liver[1].labels == 2, module.parameters.pdff)
    module.clock.tick()
    table = ui.numbersTable
    assert [table.item(n, 0).text() for n in range(table.rowCount)] == ["Right lobe", "Left lobe", "whole liver"]
    assert [table.horizontalHeaderItem(n).text() for n in range(table.columnCount)] == list(map(columns.title, columns.USUAL))
    ui.columnsButton.menu().actions()[1].trigger()  # all columns
    heading = {table.horizontalHeaderItem(n).text(): n for n in range(table.columnCount)}
    mean, count = heading["PDFF mean (%)"], heading["Voxels"]
    assert float(table.item(0, mean).text()) == pytest.approx(module.panel.numbers.live.rows[0].pdff_mean, abs=0.06)
    before = table.item(0, count).text()
    drawing.set_segment(segmentation, "Right lobe", (liver[1].labels == 1) & (np.arange(64) < 20), module.parameters.pdff)
    module.clock.tick()
    assert table.item(0, count).text() != before
    ui.placeComboBox.currentIndex = 1
    ui.circleButton.click()
    points = drawing.roi_points(module.scene, "Left lobe")
    points.AddControlPoint(*world_position(module.parameters.pdff, 2, 30, 40))
    module.clock.tick()
    assert table.item(table.rowCount - 1, 0).text() == "Left lobe ROI 1"
    drawing.add_circle(module.scene, "Right lobe", world_position(module.parameters.pdff, 2, 30, 20))
    module.panel.numbers.live.points_added()
    module.clock.tick()
    assert table.item(table.rowCount - 1, 0).text() == "circles, both lobes"
    drawing.roi_points(module.scene, "Right lobe").RemoveAllControlPoints()
    module.clock.tick()
    ui.circleButton.click()
    voxels = int(table.item(table.rowCount - 1, count).text())
    ui.diameterSpinBox.value = 40.0
    module.clock.tick()
    assert int(table.item(table.rowCount - 1, count).text()) > voxels
    assert module.parameters.table.GetTable().GetNumberOfRows() == table.rowCount

    module.dialogs.file = tmp_path / "numbers.csv"
    ui.csvButton.click()
    assert "pdff_mean_percent" in module.dialogs.file.read_text(encoding="utf-8")
    ui.copyButton.click()
    assert module.dialogs.copied.startswith("Segment: ")
    module.dialogs.directory = tmp_path / "maps"
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
    kept = module.panel.numbers.live.rows[0].used_voxels
    ui.leaveOutCheckBox.checked = True
    module.clock.tick()
    first = module.panel.numbers.live.rows[0]
    assert 0 < first.used_voxels < kept <= first.voxels
    ui.clearCirclesButton.click()
    module.clock.tick()
    assert not any("ROI" in table.item(n, 0).text() for n in range(table.rowCount))
    ui.planeButton.click()
    assert ui.splitButton.enabled
    ui.splitButton.click()
    assert "Split" in ui.regionsMessageLabel.text


def test_a_phantom_has_no_steatosis_grade(
    loaded: Panel, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps, tmp_path: Path
) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results import columns

    grade = columns.USUAL.index("steatosis_grade")
    for preset, graded in (("liver", True), ("phantom", False)):
        options = {**liver_maps.provenance.options, "run": RunOptions(preset=preset).as_dict()}
        loaded.ui.applyButton.click()
        loaded.finish(replace(liver_maps, provenance=replace(liver_maps.provenance, options=options)))
        loaded.ui.lobesButton.click()
        drawing.set_segment(loaded.parameters.segmentation, "Right lobe", liver[1].labels == 1, loaded.parameters.pdff)
        loaded.clock.tick()
        assert bool(loaded.ui.numbersTable.item(0, grade).text()) is graded
        loaded.dialogs.file = tmp_path / f"{preset}.csv"
        loaded.ui.csvButton.click()
        assert ("none (phantom)" in loaded.dialogs.file.read_text(encoding="utf-8")) is not graded


def test_comparison_with_the_reference(
    estimated: Panel, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps
) -> None:
    from AIDEALLib.mrml.regions import drawing

    ui, maps = estimated.ui, estimated.panel._context.maps()
    assert maps is not None and not ui.referenceButton.enabled
    ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, maps.pdff)
    estimated.clock.tick()
    ui.numbersTable.setCurrentCell(1, 0)
    ui.referenceButton.click()
    assert estimated.worker.started[-1].method == "graph-cuts"
    touched = np.flatnonzero((liver[1].labels == 2).any((1, 2)))
    part = slice(int(touched[0]), int(touched[-1]) + 1)
    assert estimated.worker.series[-1].shape[0] == part.stop - part.start
    assert "Left lobe" in ui.referenceLabel.text
    assert ui.applyButton.text == "Cancel"
    assert ui.referenceButton.enabled and ui.referenceButton.text == "Cancel the comparison"
    ui.referenceButton.click()
    assert estimated.worker.cancelled
    shifted = {name: array[part] + (2.0 if name == "pdff" else 0.0) for name, array in liver_maps.items()}
    estimated.finish(replace(liver_maps, mask=liver_maps.mask[part], **shifted))
    assert "Left lobe: bias -2.00, limits of agreement -2.00 to -2.00 points" in ui.referenceLabel.text
    assert ui.applyButton.text == "Apply" and ui.referenceButton.text == "Compare with the reference"
    assert "Compared" in ui.statusLabel.text
    assert estimated.scene.GetFirstNodeByName("PDFF difference from graph-cuts - Case") is not None


def test_histogram_is_one_for_each_lobe(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import world_position

    drawing.add_circle(estimated.scene, "Left lobe", world_position(estimated.parameters.pdff, 2, 30, 40))
    estimated.panel.numbers.live.points_added()
    estimated.clock.tick()
    estimated.ui.histogramButton.click()
    chart = estimated.scene.GetFirstNodeByClass("vtkMRMLPlotChartNode")
    assert [series(chart, n) for n in range(chart.GetNumberOfPlotSeriesNodes())] == ["Left lobe ROI 1"]
    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    estimated.ui.histogramButton.click()
    assert [series(chart, n) for n in range(chart.GetNumberOfPlotSeriesNodes())] == ["Right lobe", "Left lobe"]


def series(chart: Any, number: int) -> str:
    return str(chart.GetNthPlotSeriesNode(number).GetName())


def test_placing_is_for_one_thing_at_a_time_and_its_button_follows_the_tool_bar(estimated: Panel) -> None:
    ui = estimated.ui
    interaction = estimated.scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    ui.circleButton.click()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    ui.fitButton.click()
    assert ui.fitButton.checked and not ui.circleButton.checked
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    ui.circleButton.click()
    assert ui.circleButton.checked and not ui.fitButton.checked
    interaction.SwitchToViewTransformMode()
    assert not ui.circleButton.checked
