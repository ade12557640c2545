"""Lobes and circles in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from .layout import LIVER_VIEW

LOBE_OPACITY = 0.35
"""Of segments that are not circles, so that circles are seen inside them."""


def show_solid(segmentations: Sequence[Any], scene: Any) -> bool:
    """Show the surfaces of segmentations in the 3-D view of the module's layout.

    Parameters
    ----------
    segmentations : sequence of vtkMRMLSegmentationNode or None
        Lobes first, then circles.
    scene : vtkMRMLScene
        The scene.

    Returns
    -------
    bool
        Whether any surface is shown.
    """
    views = [scene.GetNthNodeByClass(n, "vtkMRMLViewNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLViewNode"))]
    own = [view.GetID() for view in views if view.GetLayoutName() == LIVER_VIEW]
    shown = False
    for number, node in enumerate(segmentations):
        if node is None or not node.GetSegmentation().GetNumberOfSegments():
            continue
        shown = bool(node.CreateClosedSurfaceRepresentation()) or shown
        display = node.GetDisplayNode()
        display.SetVisibility3D(True)
        display.SetOpacity3D(LOBE_OPACITY if number == 0 else 1.0)
    manager = slicer.app.layoutManager()
    for index in range(manager.threeDViewCount if manager is not None and own else 0):
        view = manager.threeDWidget(index).threeDView()
        if view.mrmlViewNode().GetID() in own:
            view.resetFocalPoint()
    return shown


def hide_solid(segmentations: Sequence[Any]) -> None:
    """Hide surfaces, and remove them where they are no source: drawing would have to keep them up to date."""
    surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    for node in segmentations:
        if node is None or not node.GetSegmentation().ContainsRepresentation(surface):
            continue
        if node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetVisibility3D(False)
        if node.GetSegmentation().GetSourceRepresentationName() != surface:
            node.RemoveClosedSurfaceRepresentation()
