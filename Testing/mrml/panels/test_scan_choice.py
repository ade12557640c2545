"""Two scans in a scene: scan, run and regions shown are always of one of them.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from typing import Any

import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel

ROWS = ["Right lobe", "Left lobe", "whole liver", "Right lobe ROI 1"]


@pytest.fixture
def two(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> tuple[Panel, Any]:
    """Scan 'Case', estimated and with a lobe and a circle; scan 'Other' loaded after it. Returns its first sequence too."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sequences import SCAN_LOADED, add_series
    from AIDEALLib.mrml.volumes import world_position

    estimated.ui.lobesButton.click()
    maps = estimated.panel._context.maps()
    assert maps is not None
    drawing.set_segment(estimated.parameters.segmentation, "Right lobe", liver[1].labels == 1, maps.pdff)
    drawing.add_circle(estimated.scene, "Right lobe", world_position(maps.pdff, 2, 30, 20), scan=maps.scan)
    estimated.panel.numbers.live.points_added()
    estimated.clock.tick()
    assert [row.name for row in estimated.panel.numbers.live.rows] == ROWS
    estimated.ui.probeLabel.text = "PDFF 5 %"
    stored = add_series(estimated.scene, liver[0], "Other")
    SCAN_LOADED.emit(stored)
    estimated.clock.tick()
    return estimated, stored.first


def test_another_scan_has_no_numbers_of_this_one(two: tuple[Panel, Any], liver_maps: ParameterMaps) -> None:
    module, first = two
    assert module.parameters.firstSequence is first
    assert module.parameters.pdff is None and module.parameters.segmentation is None
    assert module.panel.numbers.live.rows == [] and module.ui.numbersTable.rowCount == 0
    assert module.ui.statusLabel.text == "" and module.ui.probeLabel.text == "", "texts about another scan are gone"
    module.ui.applyButton.click()
    module.finish(liver_maps)
    module.clock.tick()
    assert module.parameters.pdff.GetName() == "PDFF - Other"
    assert module.panel.numbers.live.rows == [], "neither lobes nor circles of the other scan are measured"


def test_going_back_brings_run_and_regions(two: tuple[Panel, Any]) -> None:
    module, _ = two
    case = module.scene.GetFirstNodeByName("Case real")
    module.parameters.firstSequence = case
    module.parameters.secondSequence = module.scene.GetFirstNodeByName("Case imaginary")
    module.clock.tick()
    assert module.parameters.pdff.GetName() == "PDFF - Case"
    assert [row.name for row in module.panel.numbers.live.rows] == ROWS


def test_choosing_a_run_chooses_its_scan(two: tuple[Panel, Any]) -> None:
    module, _ = two
    module.parameters.pdff = module.scene.GetFirstNodeByName("PDFF - Case")
    module.clock.tick()
    assert module.parameters.firstSequence.GetName() == "Case real"
    assert [row.name for row in module.panel.numbers.live.rows] == ROWS


def test_regions_of_another_scan_are_copied_when_wanted(two: tuple[Panel, Any], liver_maps: ParameterMaps) -> None:
    module, _ = two
    drawn = module.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert not drawn.GetDisplayNode().GetVisibility(), "not shown on another scan either"
    module.ui.applyButton.click()
    module.finish(liver_maps)
    module.clock.tick()
    assert module.ui.copyRegionsButton.enabled
    module.ui.copyRegionsButton.click()
    module.clock.tick()
    names = [row.name for row in module.panel.numbers.live.rows]
    assert names == ROWS
    assert module.parameters.segmentation is not drawn


def test_a_segmentation_of_another_scan_is_not_measured(two: tuple[Panel, Any], liver_maps: ParameterMaps) -> None:
    module, _ = two
    drawn = module.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    module.ui.applyButton.click()
    module.finish(liver_maps)
    module.clock.tick()
    module.ui.segmentationSelector.setCurrentNode(drawn)
    module.clock.tick()
    assert module.parameters.segmentation is None and module.panel.numbers.live.rows == []
    assert "'Case'" in module.ui.regionsMessageLabel.text


def test_runs_have_names_of_their_own(estimated: Panel, liver_maps: ParameterMaps) -> None:
    estimated.ui.applyButton.click()
    estimated.finish(liver_maps)
    assert estimated.parameters.pdff.GetName() == "PDFF - Case, run 2"
    names = {volume.GetName() for _, volume in estimated.panel._context.maps()}  # type: ignore[union-attr]
    assert not any(character in name for name in names for character in "*%:/")


def test_a_scene_closed_leaves_no_text(estimated: Panel) -> None:
    estimated.ui.referenceLabel.text = estimated.ui.exportLabel.text = "something"
    estimated.scene.Clear(False)
    ui = estimated.ui
    assert ui.numbersTable.rowCount == 0, "at once, not after the pause"
    for label in (ui.statusLabel, ui.probeLabel, ui.referenceLabel, ui.exportLabel, ui.regionsMessageLabel):
        assert label.text == ""


def test_a_scene_closed_with_circles_is_left_alone(estimated: Panel) -> None:
    """Segments that change while the subject hierarchy goes are an error in the log of the application."""
    from AIDEALLib.mrml.regions import drawing, owners
    from AIDEALLib.mrml.volumes import world_position

    scene, maps = estimated.scene, estimated.panel._context.maps()
    assert maps is not None
    for column in (20, 26):
        drawing.add_circle(scene, "Right lobe", world_position(maps.pdff, 2, 30, column), scan=maps.scan)
    estimated.panel.numbers.live.points_added()
    estimated.clock.tick()
    circles = owners.find(scene, owners.SEGMENTATION, drawing.ROI_CIRCLES_ROLE, maps.scan)
    events: list[str] = []
    stored = circles.GetSegmentation()
    for event in (stored.SegmentAdded, stored.SegmentRemoved, stored.SegmentModified, stored.SourceRepresentationModified):
        stored.AddObserver(event, lambda *_: events.append("segments"))
    tag = scene.AddObserver(scene.NodeAddedEvent, lambda *_: events.append("node"))
    scene.Clear(False)
    estimated.clock.tick()
    scene.RemoveObserver(tag)
    assert events == []


def test_nothing_is_due_after_the_panel_is_closed(estimated: Panel) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import world_position

    estimated.ui.applyButton.click()
    drawing.add_circle(estimated.scene, "Right lobe", world_position(estimated.parameters.pdff, 2, 30, 20))
    estimated.panel.numbers.live.touch()
    count = estimated.panel.numbers.live.measurements
    estimated.panel.close()
    estimated.clock.tick()
    assert estimated.panel.numbers.live.measurements == count
    assert estimated.clock.due == [], "no timer goes on"
