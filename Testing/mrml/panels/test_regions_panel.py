"""Section 4 of the panel: circles by clicks, splitting a liver, importing segments.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import Panel


def click(module: Panel, place: str, *voxel: float) -> None:
    """What a click into a view does: a point in the active list, and nothing else."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import world_position

    pdff = module.parameters.pdff
    drawing.roi_points(module.scene, place).AddControlPoint(*world_position(pdff, *voxel))
    for _ in range(3):
        module.clock.tick()


def names(module: Panel) -> list[str]:
    return [row.name for row in module.panel.numbers.live.rows]


def test_clicks_make_circles_at_once(estimated: Panel) -> None:
    estimated.ui.circleButton.click()
    for _ in range(3):
        estimated.clock.tick()  # the list was empty, and measured, before the first click
    for number in range(1, 4):
        click(estimated, "Right lobe", 2, 30, 15 + number)
        assert names(estimated) == [f"Right lobe ROI {n}" for n in range(1, number + 1)]


def test_a_circle_keeps_its_number_and_shows_it(estimated: Panel) -> None:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.circleButton.click()
    for column in (15, 18, 21):
        click(estimated, "Right lobe", 2, 30, column)
    points = drawing.roi_points(estimated.scene, "Right lobe")
    assert points.GetDisplayNode().GetPointLabelsVisibility()
    points.RemoveNthControlPoint(1)
    estimated.clock.tick()
    assert names(estimated) == ["Right lobe ROI 1", "Right lobe ROI 3"]
    assert points.GetNthControlPointLabel(1) == "Right lobe ROI 3"
    click(estimated, "Right lobe", 2, 30, 24)
    assert names(estimated)[-1] == "Right lobe ROI 4"


def test_a_circle_is_named_after_the_lobe_it_lies_in(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    estimated.ui.circleButton.click()
    inside = np.argwhere(liver[1].labels == 2)
    click(estimated, "Right lobe", *(float(v) for v in inside[len(inside) // 2]))
    assert names(estimated)[3:] == ["Left lobe ROI 1"]
    assert "named after it" in estimated.ui.regionsMessageLabel.text


@pytest.fixture
def lobes(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> Panel:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    estimated.ui.planeButton.click()
    return estimated


def counts(module: Panel) -> list[int]:
    module.clock.tick()
    return [row.voxels for row in module.panel.numbers.live.rows]


def test_splitting_drawn_lobes_asks_takes_both_and_can_be_undone(lobes: Panel) -> None:
    before = counts(lobes)
    lobes.dialogs.answer = False
    lobes.ui.splitButton.click()
    assert counts(lobes) == before
    assert "replaces: Right lobe, Left lobe" in lobes.dialogs.questions[-1]
    lobes.dialogs.answer = True
    lobes.ui.splitButton.click()
    after = counts(lobes)
    assert after[2] == before[2], "no voxel of the liver is lost"
    assert after[:2] != before[:2] and min(after[:2]) > 0
    assert lobes.ui.undoSplitButton.isVisibleTo(lobes.root)
    lobes.ui.undoSplitButton.click()
    assert counts(lobes) == before
    assert not lobes.ui.undoSplitButton.isVisibleTo(lobes.root)


def test_a_split_acts_on_the_selected_segment(lobes: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing

    segmentation = lobes.parameters.segmentation
    whole = drawing.set_segment(segmentation, "Liver", liver[1].labels > 0, lobes.parameters.pdff)
    lobes.ui.segmentEditorWidget.mrmlSegmentEditorNode().SetSelectedSegmentID(whole)
    lobes.ui.splitButton.click()
    assert "Split Liver by the plane?" in lobes.dialogs.questions[-1]
    stored = segmentation.GetSegmentation()
    assert [stored.GetNthSegment(n).GetName() for n in range(stored.GetNumberOfSegments())] == ["Right lobe", "Left lobe"]


def test_no_grade_for_what_is_no_liver(lobes: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing

    drawing.set_segment(lobes.parameters.segmentation, "Spleen", liver[1].labels == 2, lobes.parameters.pdff)
    lobes.clock.tick()
    grades = {row.name: row.steatosis_grade for row in lobes.panel.numbers.live.rows}
    assert grades["Spleen"] == "" and grades["Right lobe"] and grades["whole liver"]


def test_a_map_is_not_imported_as_segments(estimated: Panel, tmp_path: Path) -> None:
    import SimpleITK as sitk

    values: dict[str, Any] = {
        "map.nrrd": np.linspace(0, 40, 6 * 64 * 64, dtype=np.float32).reshape(6, 64, 64),
        "label.nrrd": (np.arange(64) > 40).astype(np.uint8) * np.ones((6, 64, 64), np.uint8),
    }
    values["Doe_spleen.nrrd"] = values["label.nrrd"]
    for name, array in values.items():
        sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / name))
    estimated.dialogs.files = [tmp_path / "map.nrrd"]
    estimated.ui.importButton.click()
    assert "not a label map" in estimated.dialogs.errors[-1] and estimated.parameters.segmentation is None
    estimated.dialogs.files = [tmp_path / "label.nrrd"]
    estimated.ui.importButton.click()
    stored = estimated.parameters.segmentation.GetSegmentation()
    assert [stored.GetNthSegment(n).GetName() for n in range(stored.GetNumberOfSegments())] == ["Label 1"]
    assert estimated.scene.GetFirstNodeByName("label") in (None, estimated.parameters.segmentation)
    estimated.dialogs.files = [tmp_path / "Doe_spleen.nrrd"]
    estimated.ui.importButton.click()
    stored = estimated.parameters.segmentation.GetSegmentation()
    assert stored.GetNthSegment(0).GetName() == "spleen", "only words for anatomy are taken from the name of a file"
