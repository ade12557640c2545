"""The whole workflow in the real application; exit code 0: all is well, 1: something is wrong, 77: PyTorch is missing.

    Slicer --no-splash --testing --additional-module-paths AIDEAL --python-script Testing/Slicer/run.py

With --no-main-window the views are left out and the rest is tested headless. AIDEAL_PICTURES names a folder for screenshots.
"""

import sys
import traceback
from pathlib import Path

import slicer

PASSED, FAILED, SKIPPED = 0, 1, 77
sys.path.insert(0, str(Path(__file__).resolve().parent))

import steps  # noqa: E402
from application import PICTURES, log_lines  # noqa: E402


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
    """The panel: every step a user takes, through its buttons and by clicks into the views."""
    slicer.mrmlScene.Clear()
    slicer.util.selectModule("AIDEAL")
    widget = slicer.modules.aideal.widgetRepresentation().self()
    steps.first_picture(widget)
    steps.regions(widget)
    steps.reading(widget)
    steps.second_scan(widget)
    first, rows = widget.panel.parameters.pdff, len(widget.panel.numbers.live.rows)
    steps.without_orientation(widget)
    steps.visits(widget, first, rows)
    steps.segment_statistics(widget.panel)
    steps.saved_scene(widget.ui, widget.panel)
    before = len(log_lines())
    slicer.mrmlScene.Clear()
    complaints = [line for line in log_lines()[before:] if "subject hierarchy" in line.lower()]
    assert not complaints, complaints
    assert widget.ui.numbersTable.rowCount == 0
    assert widget.ui.statusLabel.text == widget.ui.probeLabel.text == ""


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
