"""Overlay of the PDFF: voxels of a map above a threshold, in colours that the PDFF has not, for colour-blind readers too."""

from __future__ import annotations

from enum import Enum
from typing import Any

import vtk

from .. import nodes
from ..nodes import LOW_CONFIDENCE, MapNodes
from .colors import color_node

OVERLAY_ROLE = "overlay"


class Overlay(Enum):
    """Map laid over the PDFF; the value is its name."""

    NONE = ""
    TOTAL_SD = "pdff_total_sd"
    SWAP = "swap_probability"
    LOW_CONFIDENCE = LOW_CONFIDENCE

    def label(self) -> str:
        """Text of the combo box."""
        return {"": "None", "pdff_total_sd": "PDFF SD", "swap_probability": "Swap probability"}.get(
            self.value, "Low confidence"
        )


OVERLAY_RANGES: dict[Overlay, tuple[float, float]] = {
    Overlay.TOTAL_SD: (0.0, 10.0),
    Overlay.SWAP: (0.0, 1.0),
    Overlay.LOW_CONFIDENCE: (0.0, 1.0),
}
"""Lowest and highest threshold of each overlay, in its unit."""


def overlay_volume(maps: MapNodes, overlay: Overlay, threshold: float) -> Any:
    """Volume laid over the PDFF, which shows the voxels of a map above a threshold.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    overlay : Overlay
        The map.
    threshold : float
        Lowest value shown, in the unit of the map.

    Returns
    -------
    vtkMRMLScalarVolumeNode or None
        The volume, None for no overlay. It shares the voxels of the map but has its own display, so that the threshold does not
        change the view of the map.
    """
    pdff = maps.pdff
    scene = pdff.GetScene()
    node = nodes.helper_of(pdff, OVERLAY_ROLE)
    if overlay is Overlay.NONE or overlay.value not in maps:
        return None
    source = maps[overlay.value]
    if node is None:
        node = nodes.add_helper(pdff, "vtkMRMLScalarVolumeNode", OVERLAY_ROLE, "Overlay")
        matrix = vtk.vtkMatrix4x4()
        pdff.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveTransformNodeID(pdff.GetTransformNodeID())
    if node.GetImageData() is not source.GetImageData():
        node.SetAndObserveImageData(source.GetImageData())
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetAndObserveColorNodeID(color_node(scene, "Marked").GetID())
    highest = OVERLAY_RANGES[overlay][1]
    display.SetWindowLevelMinMax(min(threshold, 0.9 * highest), highest)
    display.SetInterpolate(False)
    display.AutoThresholdOff()
    display.SetThreshold(threshold, max(1e6, float(source.GetImageData().GetScalarRange()[1])))
    display.ApplyThresholdOn()
    return node
