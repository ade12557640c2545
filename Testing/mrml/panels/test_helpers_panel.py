"""Shorter ways to regions: TotalSegmentator (a fake), drawing by signal, a circle in all slices, regions of another visit.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel


@pytest.fixture
def lobes(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> Panel:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    return estimated


def test_segments_of_another_extension(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    ui, fake = estimated.ui, estimated.segmenter
    ui.totalSegmentatorButton.click()
    assert "not installed" in estimated.dialogs.errors[-1] and not fake.asked
    fake.installed, estimated.dialogs.answer = True, False
    ui.totalSegmentatorButton.click()
    assert "TotalSegmentator" in estimated.dialogs.questions[-1] and not fake.asked, "only after asking"
    estimated.dialogs.answer = True
    ui.totalSegmentatorButton.click()
    assert estimated.dialogs.errors[-1] == "no liver" and estimated.parameters.segmentation is None
    assert estimated.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0, "nothing is left of a failure"
    labels = liver[1].labels
    upper = np.arange(labels.shape[0])[:, None, None] >= labels.shape[0] // 2
    fake.voxels = {f"liver_segment_{number}": (labels == 1) & (upper == (number > 6)) for number in (5, 8)}
    fake.voxels["liver_segment_2"] = labels == 2
    ui.totalSegmentatorButton.click()
    estimated.clock.tick()
    assert fake.asked[-1] == "Water - Case"
    names = [row.name for row in estimated.panel.numbers.live.rows]
    assert names == ["liver_segment_5", "liver_segment_8", "liver_segment_2", "right lobe (V-VIII)", "whole liver"]


def test_drawing_is_limited_to_the_signal_of_the_liver(lobes: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.volumes import array_of

    maps, ui = lobes.panel._context.maps(), lobes.ui
    assert maps is not None
    node = ui.segmentEditorWidget.mrmlSegmentEditorNode()
    ui.signalCheckBox.checked = True
    low, high = node.GetSourceVolumeIntensityMaskRange()
    assert node.GetSourceVolumeIntensityMask()
    assert ui.segmentEditorWidget.sourceVolumeNode() is maps["water"]
    lobes.panel.update()
    assert ui.segmentEditorWidget.sourceVolumeNode() is maps["water"], "an update leaves it"
    right = lobes.panel.numbers.live.drawn[0]
    inside = array_of(maps["water"])[right.box][right.voxels]
    assert np.mean((inside > low) & (inside < high)) > 0.9 and low > 0
    ui.applyButton.click()
    lobes.finish(liver_maps)
    maps = lobes.panel._context.maps()
    assert maps is not None and ui.segmentEditorWidget.sourceVolumeNode() is maps["water"], "of the new run"
    ui.signalCheckBox.checked = False
    assert not node.GetSourceVolumeIntensityMask() and ui.segmentEditorWidget.sourceVolumeNode() is maps.pdff


def test_a_circle_is_copied_to_the_slices_of_its_lobe(lobes: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import world_position

    ui, labels, maps = lobes.ui, liver[1].labels, lobes.panel._context.maps()
    assert maps is not None
    ui.copyCircleButton.click()
    assert "circle first" in ui.regionsMessageLabel.text
    row, column = (int(v) for v in np.unravel_index((labels == 1).sum(0).argmax(), labels.shape[1:]))
    slice_ = int(np.flatnonzero(labels[:, row, column] == 1)[0])
    drawing.add_circle(lobes.scene, "Right lobe", world_position(maps.pdff, slice_, row, column), 14.0, "", maps.scan)
    lobes.panel.numbers.live.points_added()
    lobes.clock.tick()
    expected = int(np.count_nonzero(labels[:, row, column] == 1))
    ui.numbersTable.setCurrentCell(3, 0)
    ui.copyCircleButton.click()
    lobes.clock.tick()
    points = drawing.roi_points(lobes.scene, "Right lobe", maps.scan)
    assert points.GetNumberOfControlPoints() == expected > 2
    ui.copyCircleButton.click()
    assert points.GetNumberOfControlPoints() == expected, "not twice"
    lobes.clock.tick()
    circles = [row for row in lobes.panel.numbers.live.rows if row.name.startswith("Right lobe ROI")]
    assert len({row.voxels for row in circles if row.voxels}) == 1, "of the same diameter"


def test_regions_of_an_earlier_visit_are_offered_later_too(
    lobes: Panel, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps
) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series

    names = [row.name for row in lobes.panel.numbers.live.rows]
    assert not lobes.ui.copyRegionsButton.enabled
    stored = add_series(lobes.scene, liver[0], "Second")
    lobes.parameters.firstSequence, lobes.parameters.secondSequence = stored.pair
    lobes.ui.applyButton.click()
    lobes.finish(liver_maps)
    lobes.ui.lobesButton.click()
    lobes.clock.tick()
    assert lobes.ui.copyRegionsButton.enabled, "although own lobes were made"
    lobes.ui.copyRegionsButton.click()
    lobes.clock.tick()
    assert [row.name for row in lobes.panel.numbers.live.rows] == names
