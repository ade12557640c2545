"""The whole workflow in the real application; exit code 0: all is well, 1: something is wrong, 77: PyTorch is missing.

    Slicer --no-splash --testing --additional-module-paths AIDEAL --python-script Testing/Slicer/run.py

With --no-main-window the views are left out and the rest is tested headless. AIDEAL_PICTURES names a folder for screenshots.
"""

import os
import sys
import traceback
from pathlib import Path

import slicer

PASSED, FAILED, SKIPPED = 0, 1, 77
PICTURES = os.environ.get("AIDEAL_PICTURES", "")


def wait_until(condition, seconds=600):
    """Let the application work until something holds."""
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        slicer.app.processEvents()
        if time.monotonic() > deadline:
            raise AssertionError(f"not after {seconds} s")
        time.sleep(0.02)


def screenshot(name):
    window = slicer.util.mainWindow()
    if PICTURES and window is not None:
        slicer.util.forceRenderAllViews()
        slicer.app.processEvents()
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        window.grab().save(str(Path(PICTURES) / name))


def headless():
    """The logic alone: sample, estimate, lobes, circles, table, CSV, saved scene."""
    from AIDEAL import AIDEALLogic
    from AIDEALLib.mrml.self_test import run_self_test

    slicer.mrmlScene.Clear()
    logic = AIDEALLogic()
    try:
        run_self_test(logic, print, PICTURES)
    finally:
        logic.close()


def click(view_name, ras):
    """A click into a slice view at a position in the world, as the mouse makes it."""
    import qt
    import vtk

    widget = slicer.app.layoutManager().sliceWidget(view_name)
    view = widget.sliceView()
    to_xy = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(widget.mrmlSliceNode().GetXYToRAS(), to_xy)
    x, y, _, _ = to_xy.MultiplyPoint((*ras, 1.0))
    interactor = view.interactorStyle().GetInteractor()
    interactor.SetEventInformation(round(x), round(y), 0, 0, "", 0, "")
    for event in ("EnterEvent", "MouseMoveEvent", "LeftButtonPressEvent", "LeftButtonReleaseEvent"):
        getattr(interactor, event, lambda event=event: interactor.InvokeEvent(event))()
    qt.QApplication.processEvents()
    slicer.app.processEvents()


def assert_views(expected):
    """Volume, title and legend of every view: name of the view -> name of the volume, title, legend or None."""
    slicer.app.processEvents()
    for name, (volume, title, legend) in expected.items():
        widget = slicer.app.layoutManager().sliceWidget(name)
        assert widget is not None, f"{name} does not exist"
        composite = widget.mrmlSliceCompositeNode()
        shown = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
        assert shown is not None and shown.GetName().startswith(volume), (name, shown and shown.GetName())
        assert widget.mrmlSliceNode().GetLayoutLabel() == title, (name, widget.mrmlSliceNode().GetLayoutLabel())
        node = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(shown)
        found = node.GetTitleText() if node is not None and node.GetVisibility() else None
        assert found == legend, (name, found)


MAPS = {
    "AIDEALAnatomy": ("Water", "Water", None),
    "AIDEALPDFF": ("PDFF", "PDFF", "PDFF %"),
    "AIDEALSD": ("PDFF SD", "PDFF SD", "SD %"),
    "AIDEALFourth": ("R2 star", "R2*", "R2* 1/s"),
}


def resize(width, height):
    window = slicer.util.mainWindow()
    window.resize(width, height)
    slicer.app.processEvents()
    return f"{width}x{height}"


def first_picture(widget):
    """From the sample to the first picture: scan seen at once, middle slice, titles, legends, folded sections."""
    ui, panel = widget.ui, widget.panel
    assert not ui.applyButton.enabled and "Choose a scan" in ui.applyButton.toolTip
    ui.loadSampleButton.click()
    assert ui.applyButton.enabled, ui.applyButton.toolTip
    assert panel.parameters.firstSequence.GetAttribute("AIDEAL.Part") == "real"
    assert (ui.presetComboBox.currentText, ui.spectrumComboBox.currentText) == ("Liver", "Six peak")
    assert ui.ppmOffsetSpinBox.text == "of what was scanned"
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    screenshot("1-scan.png")
    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    ui.applyButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False, 10)
    assert ui.statusLabel.text == "", "a cancelled run leaves no text"
    ui.applyButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert panel.parameters.pdff is not None, ui.statusLabel.text
    assert_views(MAPS)
    from AIDEALLib.mrml.views.display import current_slice
    from AIDEALLib.mrml.volumes import array_of

    assert current_slice(panel._context.maps()) == array_of(panel.parameters.pdff).shape[0] // 2
    assert ui.scanSection.collapsed and ui.estimateSection.collapsed
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"2-maps-{resize(*size)}.png")
    ui.fourthComboBox.currentIndex = 1
    assert_views({"AIDEALFourth": ("Field map", "Field", "Field Hz")})
    ui.fourthComboBox.currentIndex = 0
    assert_views(MAPS)


def regions(widget):
    """Lobes, circles by clicks, splitting with undo; the views keep their maps."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.volumes import world_position

    ui, panel = widget.ui, widget.panel
    pdff = panel.parameters.pdff
    _, labels = sample_truth()
    wait_until(lambda: len(panel.numbers.live.rows) == 3, 10)  # the lobes of the sample
    assert_views(MAPS)
    ui.circleButton.click()
    for number, value in enumerate((1, 1, 2), start=1):
        inside = (labels == value).nonzero()
        middle = len(inside[0]) // 2 + 40 * number
        ras = world_position(pdff, *(int(axis[middle]) for axis in inside))
        from AIDEALLib.mrml.views.display import jump_to

        jump_to(slicer.mrmlScene, ras)
        slicer.app.processEvents()
        click("AIDEALPDFF", ras)
        wait_until(lambda number=number: len(panel.numbers.live.rows) >= 3 + number, 10)
    ui.circleButton.click()
    names = [row.name for row in panel.numbers.live.rows]
    assert names[3:6] == ["Right lobe ROI 1", "Right lobe ROI 2", "Left lobe ROI 1"], names
    assert ui.numbersTable.rowCount == len(names)
    before = [row.voxels for row in panel.numbers.live.rows[:3]]
    ui.planeButton.click()
    confirm, panel._context.dialogs.confirm = panel._context.dialogs.confirm, lambda text: True
    ui.splitButton.click()
    ui.undoSplitButton.click()
    panel._context.dialogs.confirm = confirm
    wait_until(lambda: [row.voxels for row in panel.numbers.live.rows[:3]] == before, 10)
    drawing.roi_points(slicer.mrmlScene, drawing.RIGHT_LOBE).RemoveNthControlPoint(1)
    wait_until(lambda: "Right lobe ROI 2" not in [row.name for row in panel.numbers.live.rows], 10)
    assert_views(MAPS)
    screenshot("3-numbers.png")


def reading(widget):
    """Jumps, overlay, comparison, fit and table where they are seen."""
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.volumes import world_position

    ui, panel = widget.ui, widget.panel
    pdff = panel.parameters.pdff
    ui.domeButton.click()
    assert "Uppermost" in ui.probeLabel.text, ui.probeLabel.text
    ui.overlayComboBox.currentIndex = 2
    ui.limitSdSpinBox.value = 3.0
    ui.anatomyComboBox.currentIndex = 1
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    screenshot("4-dome.png")
    ui.numbersTable.setCurrentCell(3, 0)
    ui.referenceButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert "Right lobe ROI 1: bias" in ui.referenceLabel.text, ui.referenceLabel.text
    _, labels = sample_truth()
    slices, rows, columns = (int(axis.mean()) for axis in (labels == 1).nonzero())
    panel.fit.plot_fit(world_position(pdff, slices, rows, columns))
    assert "residual" in ui.probeLabel.text, ui.probeLabel.text
    assert layout.shown_layout(slicer.mrmlScene) == layout.LAYOUT_MAPS_AND_NUMBERS, "the plot is seen"
    table = slicer.mrmlScene.GetFirstNodeByName("AIDEALTable") or slicer.util.getNodesByClass("vtkMRMLTableViewNode")[0]
    assert table.GetTableNode() is not None, "the table is seen"
    for name in MAPS:
        assert slicer.app.layoutManager().sliceWidget(name).height > 150, "images stay large enough to read"
    for size in ((1920, 1200), (1280, 1024)):
        screenshot(f"5-fit-{resize(*size)}.png")
    ui.showButton.click()


def second_scan(widget):
    """Another scan has no numbers, texts and regions of the first."""
    ui, panel = widget.ui, widget.panel
    first, pdff, rows = panel.parameters.firstSequence, panel.parameters.pdff, len(panel.numbers.live.rows)
    ui.loadSampleButton.click()
    slicer.app.processEvents()
    assert panel.parameters.firstSequence is not first and panel.parameters.pdff is None
    assert ui.statusLabel.text == ui.probeLabel.text == ui.referenceLabel.text == ""
    wait_until(lambda: ui.numbersTable.rowCount == 0, 5)
    assert_views({"AIDEALAnatomy": ("Echo 1", "Echo 1", None)})
    panel.parameters.pdff = pdff
    wait_until(lambda: len(panel.numbers.live.rows) == rows, 10)
    assert panel.parameters.firstSequence is first


def segment_statistics(panel):
    slicer.util.selectModule("SegmentStatistics")
    from SegmentStatistics import SegmentStatisticsLogic

    statistics = SegmentStatisticsLogic()
    node = statistics.getParameterNode()
    node.SetParameter("Segmentation", panel.parameters.segmentation.GetID())
    node.SetParameter("ScalarVolume", panel.parameters.pdff.GetID())
    statistics.computeStatistics()
    keys = statistics.getNonEmptyKeys()
    assert any("AIDEAL" in key for key in keys), keys
    slicer.util.selectModule("AIDEAL")


def with_widget():
    """The panel: every step a user takes, through its buttons and by clicks into the views."""
    slicer.mrmlScene.Clear()
    slicer.util.selectModule("AIDEAL")
    widget = slicer.modules.aideal.widgetRepresentation().self()
    first_picture(widget)
    regions(widget)
    reading(widget)
    second_scan(widget)
    segment_statistics(widget.panel)
    saved_scene(widget.ui, widget.panel)
    slicer.mrmlScene.Clear()
    assert widget.ui.numbersTable.rowCount == 0
    assert widget.ui.statusLabel.text == widget.ui.probeLabel.text == ""


def saved_scene(ui, panel):
    """What the panel showed comes back with a saved scene, whose files have plain names."""
    import zipfile

    scene_file = str(Path(slicer.app.temporaryPath) / "aideal-panel.mrb")
    mean, count = panel.numbers.live.rows[0].pdff_mean, len(panel.numbers.live.rows)
    ui.bipolarComboBox.currentIndex = 1
    ui.ppmOffsetSpinBox.value = 0.02
    assert ui.advancedSection.text == "Advanced (changed)"
    assert slicer.util.saveScene(scene_file)
    with zipfile.ZipFile(scene_file) as stored:
        assert not [name for name in stored.namelist() if "%" in name or "*" in name], stored.namelist()
    slicer.mrmlScene.Clear()
    assert ui.numbersTable.rowCount == 0
    slicer.util.loadScene(scene_file)
    wait_until(lambda: len(panel.numbers.live.rows) == count, 30)
    assert abs(panel.numbers.live.rows[0].pdff_mean - mean) < 1e-6
    assert ui.limitSdSpinBox.value == 3.0
    assert ui.overlayComboBox.currentIndex == 2
    assert ui.bipolarComboBox.currentIndex == 1
    assert abs(panel.parameters.ppmOffset - 0.02) < 1e-9
    assert ui.applyButton.enabled, ui.applyButton.toolTip
    screenshot("6-loaded.png")


def main():
    module = Path(__file__).resolve().parents[2] / "AIDEAL"
    if str(module) not in sys.path:
        sys.path.insert(0, str(module))
    from AIDEALLib.mrml.torch_installation import torch_installed

    if not torch_installed():
        print("AIDEAL: skipped, PyTorch is not installed in this Slicer")
        return SKIPPED
    try:
        headless()
        if slicer.util.mainWindow() is not None:
            with_widget()
    except Exception:
        traceback.print_exc()
        return FAILED
    print("AIDEAL: passed")
    return PASSED


if __name__ == "__main__":
    slicer.util.exit(main())
