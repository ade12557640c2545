"""What the test of the real application needs: waiting, clicks as the mouse makes them, contents of views, pictures."""

import os
import time
from pathlib import Path

import slicer

PICTURES = os.environ.get("AIDEAL_PICTURES", "")
STANDSTILLS = []
"""Seconds that the application took for its events, one by one."""
MAPS = {
    "AIDEALAnatomy": ("Water", "Water", None),
    "AIDEALPDFF": ("PDFF", "PDFF", "PDFF %"),
    "AIDEALSD": ("PDFF SD", "PDFF SD", "SD %"),
    "AIDEALFourth": ("R2 star", "R2*", "R2* 1/s"),
}


def wait_until(condition, seconds=600):
    """Let the application work until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        before = time.monotonic()
        slicer.app.processEvents()
        STANDSTILLS.append(time.monotonic() - before)
        if time.monotonic() > deadline:
            raise AssertionError(f"not after {seconds} s")
        time.sleep(0.02)


def log_lines():
    """Lines of the error log so far."""
    model = slicer.app.errorLogModel()
    if not hasattr(model, "logEntryDescription"):
        return []
    return [model.logEntryDescription(n) for n in range(model.logEntryCount())]


def screenshot(name):
    window = slicer.util.mainWindow()
    if PICTURES and window is not None:
        slicer.util.forceRenderAllViews()
        slicer.app.processEvents()
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        window.grab().save(str(Path(PICTURES) / name))


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


def resize(width, height):
    window = slicer.util.mainWindow()
    window.resize(width, height)
    slicer.app.processEvents()
    return f"{width}x{height}"
