"""Real slice views without a window: Slicer's slice logic and displayable managers, rendered off screen into an array."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

_MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLRulerDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
    "vtkMRMLColorLegendDisplayableManager",
)


class SliceView:
    """One slice view of a layout name, as the layout manager would make it.

    Attributes
    ----------
    node, composite : its slice node and composite node.
    """

    def __init__(self, name: str, size: tuple[int, int] = (420, 420)) -> None:
        self.name = name
        scene, application = slicer.mrmlScene, slicer.app.applicationLogic()
        self.logic = slicer.vtkMRMLSliceLogic()
        self.logic.SetMRMLApplicationLogic(application)
        self.logic.SetMRMLScene(scene)
        self.logic.AddSliceNode(name)
        self.node, self.composite = self.logic.GetSliceNode(), self.logic.GetSliceCompositeNode()
        self.node.SetLayoutLabel(name[:1])
        self.node.SetMappedInLayout(1)
        self.node.SetOrientation("Axial")
        logics = application.GetSliceLogics()
        if logics is None:
            logics = vtk.vtkCollection()
            application.SetSliceLogics(logics)
        logics.AddItem(self.logic)
        self._renderer = vtk.vtkRenderer()
        self._window = vtk.vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetMultiSamples(0)
        self._window.SetSize(*size)
        self._window.AddRenderer(self._renderer)
        self._renderer.GetActiveCamera().ParallelProjectionOn()
        self._interactor = vtk.vtkGenericRenderWindowInteractor()
        self._interactor.SetRenderWindow(self._window)
        self._mapper = vtk.vtkImageMapper()
        self._mapper.SetColorWindow(255)
        self._mapper.SetColorLevel(127.5)
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        actor = vtk.vtkActor2D()
        actor.SetMapper(self._mapper)
        actor.GetProperty().SetDisplayLocationToBackground()
        self._renderer.AddViewProp(actor)
        self._group = slicer.vtkMRMLDisplayableManagerGroup()
        self._group.Initialize(_factory(), self._renderer)
        self._group.SetMRMLDisplayableNode(self.node)
        self.resize(size)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the view a size in pixels."""
        self._window.SetSize(*size)
        self.logic.ResizeSliceNode(*size)

    def render(self) -> np.ndarray:
        """Pixels (row from the top, column, RGB), uint8."""
        self.logic.UpdatePipeline()
        self._mapper.SetInputConnection(self.logic.GetImageDataConnection())
        self._window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self._window)
        grab.ReadFrontBufferOff()
        grab.Update()
        image = grab.GetOutput()
        columns, rows, _ = image.GetDimensions()
        pixels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3]
        return np.ascontiguousarray(pixels)

    def pixel_of(self, ras: tuple[float, float, float]) -> tuple[int, int]:
        """Row (from the top) and column of a position in the world."""
        to_xy = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(self.node.GetXYToRAS(), to_xy)
        x, y, _, _ = to_xy.MultiplyPoint((*ras, 1.0))
        return self._window.GetSize()[1] - 1 - round(y), round(x)

    def close(self) -> None:
        """Take the view out of the application."""
        self._group.SetMRMLDisplayableNode(None)
        logics = slicer.app.applicationLogic().GetSliceLogics()
        if logics is not None:
            logics.RemoveItem(self.logic)
        self.logic.SetMRMLScene(None)
        for node in (self.composite, self.node):
            slicer.mrmlScene.RemoveNode(node)  # singletons outlive a cleared scene
        self._window.Finalize()


class LayoutManager:
    """Makes the views of a layout as the application does: when events are processed, with sliders that report late.

    Attributes
    ----------
    views : dict of str to SliceView
        Slice views by layout name.
    shown : set of str
        Names of the views, of any class, in the layout that is shown.
    early_legends : list of str
        Titles of the legends that were in the scene before their views, which the application does not draw.
    """

    def __init__(self, size: tuple[int, int] = (420, 420)) -> None:
        self._scene, self._size = slicer.mrmlScene, size
        self.views: dict[str, SliceView] = {}
        self.shown: set[str] = set()
        self.early_legends: list[str] = []
        self._others: list[Any] = []
        self._arrangement = -1
        self.node = self._scene.AddNode(slicer.vtkMRMLLayoutNode())
        self._tag = self.node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_modified)

    def _on_modified(self, *_: Any) -> None:
        if self.node.GetViewArrangement() != self._arrangement:
            self._arrangement = self.node.GetViewArrangement()
            slicer.app.queued.append(self._arrange)

    def _arrange(self) -> None:
        if not self.node.IsLayoutDescription(self._arrangement):
            return
        found = ElementTree.fromstring(self.node.GetLayoutDescription(self._arrangement)).iter("view")
        wanted = {view.get("singletontag", ""): view.get("class", "") for view in found}
        self.shown = set(wanted)
        legends = self._scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode")
        for name, kind in wanted.items():
            if kind == "vtkMRMLSliceNode" and name not in self.views:
                for n in range(legends):
                    self.early_legends.append(self._scene.GetNthNodeByClass(n, "vtkMRMLColorLegendDisplayNode").GetTitleText())
                self.views[name] = SliceView(name, self._size)
            elif kind != "vtkMRMLSliceNode" and not any(node.GetLayoutName() == name for node in self._others):
                node = getattr(slicer, kind)()
                node.SetLayoutName(name)
                node.SetSingletonTag(name)
                self._others.append(self._scene.AddNode(node))
        for view in self.views.values():
            slicer.app.queued.append(partial(view.node.SetSliceOffset, view.node.GetSliceOffset()))

    def other(self, name: str) -> Any:
        """Node of a plot or table view."""
        return next(node for node in self._others if node.GetLayoutName() == name)

    def close(self) -> None:
        """Take the views out of the application."""
        self.node.RemoveObserver(self._tag)
        for view in self.views.values():
            view.close()
        for node in (*self._others, self.node):
            self._scene.RemoveNode(node)


def _factory() -> Any:
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    for name in _MANAGERS:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    return factory


def save_png(pixels: np.ndarray, path: Path) -> None:
    """Write an image (row, column, RGB)."""
    from matplotlib.image import imsave

    path.parent.mkdir(parents=True, exist_ok=True)
    imsave(path, pixels)


def side_by_side(images: list[np.ndarray], columns: int = 2, gap: int = 4) -> np.ndarray:
    """Images of one size in a grid."""
    rows = [images[n : n + columns] for n in range(0, len(images), columns)]
    height, width, _ = images[0].shape
    sheet = np.full((len(rows) * (height + gap) - gap, columns * (width + gap) - gap, 3), 40, np.uint8)
    for r, row in enumerate(rows):
        for c, image in enumerate(row):
            sheet[r * (height + gap) : r * (height + gap) + height, c * (width + gap) : c * (width + gap) + width] = image
    return sheet


def can_render() -> bool:
    """Whether OpenGL works here without a window; asked in a child process, since a missing library ends the process."""
    import os
    import subprocess
    import sys

    code = "import vtk; w = vtk.vtkRenderWindow(); w.SetOffScreenRendering(1); w.AddRenderer(vtk.vtkRenderer()); w.Render()"
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), capture_output=True, check=False)
    return done.returncode == 0
