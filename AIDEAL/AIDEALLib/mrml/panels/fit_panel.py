"""Plot of measured and fitted echoes at a click."""

from __future__ import annotations

from typing import Any

import slicer

from ...errors import AidealError
from .. import nodes
from ..results import probe
from ..scan.sources import scan_of_maps
from ..text import tr
from ..wording import worded
from .context import Context

FIT_POINT_ROLE = "fit point"


class FitPanel:
    """Plots the fit of the voxel that is clicked.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._watched: tuple[Any, int] | None = None
        context.ui.fitButton.connect("toggled(bool)", self.onFitToggled)

    def update(self) -> None:
        """Enable the button where there are maps."""
        self._context.ui.fitButton.enabled = self._context.maps() is not None

    def onFitToggled(self, on: bool) -> None:
        """Start or stop plotting the fit at every click."""
        scene = self._context.logic.scene
        interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
        if not on:
            if interaction is not None and not self._context.ui.circleButton.checked:
                interaction.SwitchToViewTransformMode()
            return
        self._context.ui.circleButton.checked = False
        points = nodes.find_by_role(scene, "vtkMRMLMarkupsFiducialNode", FIT_POINT_ROLE)
        if points is None:
            points = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Fit at")
            points.SetAttribute(nodes.ROLE, FIT_POINT_ROLE)
            points.CreateDefaultDisplayNodes()
            points.GetDisplayNode().SetPointLabelsVisibility(False)
            nodes.hide(points)
            points.SetSaveWithScene(False)
        if self._watched is None or self._watched[0] is not points:
            self.stop_watching()
            self._watched = (points, points.AddObserver(points.PointPositionDefinedEvent, self.onFitPoint))
        logic = slicer.modules.markups.logic()
        logic.SetActiveList(points)
        logic.StartPlaceMode(True)

    def onFitPoint(self, points: Any, *_: Any) -> None:
        """A point was placed: plot its fit, and keep only the last point."""
        ras = [0.0, 0.0, 0.0]
        last = -1
        for number in range(points.GetNumberOfControlPoints()):
            if points.GetNthControlPointPositionStatus(number) == points.PositionDefined:
                last = number
        if last < 0:
            return
        points.GetNthControlPointPositionWorld(last, ras)
        for number in reversed(range(last)):
            points.RemoveNthControlPoint(number)
        self.plot_fit((ras[0], ras[1], ras[2]))

    def plot_fit(self, ras: tuple[float, float, float]) -> None:
        """Plot measured and fitted signal at a position."""
        maps, scene = self._context.maps(), self._context.logic.scene
        if maps is None:
            return
        try:
            fit = probe.fit_at(maps, scan_of_maps(maps), ras)
        except AidealError as error:
            self._show_text(worded(error))
            return
        text = probe.describe(maps, ras)
        chart = probe.show_fit(scene, fit, text.split("   field")[0])
        probe.show_chart(scene, chart, nodes.helper_of(maps.pdff, "shown_numbers"))
        self._show_text(tr("{values}   residual {residual:.1f} %").format(values=text, residual=fit.residual_percent))

    def stop_watching(self) -> None:
        """Drop the observer of the point."""
        if self._watched is not None:
            self._watched[0].RemoveObserver(self._watched[1])
        self._watched = None

    def _show_text(self, text: str) -> None:
        self._context.ui.probeLabel.text = text
