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


def with_widget():
    """The panel: every step a user takes, through its buttons."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.scan.sample import sample_truth
    from AIDEALLib.mrml.volumes import world_position

    slicer.mrmlScene.Clear()
    slicer.util.selectModule("AIDEAL")
    widget = slicer.modules.aideal.widgetRepresentation().self()
    ui, panel = widget.ui, widget.panel
    assert not ui.applyButton.enabled and "Choose a scan" in ui.applyButton.toolTip
    ui.loadSampleButton.click()
    assert ui.applyButton.enabled, ui.applyButton.toolTip
    assert panel.parameters.firstSequence.GetAttribute("AIDEAL.Part") == "real"
    assert (ui.presetComboBox.currentText, ui.spectrumComboBox.currentText) == ("Liver", "Six peak")
    assert ui.ppmOffsetSpinBox.text == "of what was scanned"
    screenshot("1-scan.png")

    ui.applyButton.click()
    assert ui.applyButton.text == "Cancel"
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert panel.parameters.pdff is not None, ui.statusLabel.text
    screenshot("2-maps.png")

    ui.lobesButton.click()
    pdff = panel.parameters.pdff
    _, labels = sample_truth()
    for value, name in ((1, drawing.RIGHT_LOBE), (2, drawing.LEFT_LOBE)):
        drawing.set_segment(panel.parameters.segmentation, name, labels == value, pdff)
        slices, rows, columns = (int(axis.mean()) for axis in (labels == value).nonzero())
        drawing.add_circle(slicer.mrmlScene, name, world_position(pdff, slices, rows, columns))
    panel.numbers.live.points_added()
    wait_until(lambda: len(panel.numbers.live.rows) == 6, 10)  # two lobes, two circles, and both of each
    assert ui.numbersTable.rowCount == 6
    screenshot("3-numbers.png")

    ui.domeButton.click()
    assert "Uppermost" in ui.probeLabel.text, ui.probeLabel.text
    ui.overlayComboBox.currentIndex = 2
    ui.limitSdSpinBox.value = 3.0
    ui.anatomyComboBox.currentIndex = 1
    screenshot("4-dome.png")
    ui.numbersTable.setCurrentCell(3, 0)
    ui.referenceButton.click()
    wait_until(lambda: widget.logic.implementation.busy is False)
    assert "Right lobe ROI 1: bias" in ui.referenceLabel.text, ui.referenceLabel.text
    ui.showNumbersButton.click()
    slices, rows, columns = (int(axis.mean()) for axis in (labels == 1).nonzero())
    panel.views.plot_fit(world_position(pdff, slices, rows, columns))
    assert "residual" in ui.probeLabel.text, ui.probeLabel.text
    screenshot("5-fit.png")

    slicer.util.selectModule("SegmentStatistics")
    from SegmentStatistics import SegmentStatisticsLogic

    statistics = SegmentStatisticsLogic()
    node = statistics.getParameterNode()
    node.SetParameter("Segmentation", panel.parameters.segmentation.GetID())
    node.SetParameter("ScalarVolume", pdff.GetID())
    statistics.computeStatistics()
    keys = statistics.getNonEmptyKeys()
    assert any("AIDEAL" in key for key in keys), keys
    slicer.util.selectModule("AIDEAL")
    saved_scene(ui, panel)
    slicer.mrmlScene.Clear()
    assert ui.numbersTable.rowCount == 0


def saved_scene(ui, panel):
    """What the panel showed comes back with a saved scene."""
    scene_file = str(Path(slicer.app.temporaryPath) / "aideal-panel.mrb")
    mean = panel.numbers.live.rows[0].pdff_mean
    ui.bipolarComboBox.currentIndex = 1
    ui.ppmOffsetSpinBox.value = 0.02
    assert ui.advancedSection.text == "Advanced (changed)"
    assert slicer.util.saveScene(scene_file)
    slicer.mrmlScene.Clear()
    assert ui.numbersTable.rowCount == 0
    slicer.util.loadScene(scene_file)
    wait_until(lambda: len(panel.numbers.live.rows) == 6, 30)
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
