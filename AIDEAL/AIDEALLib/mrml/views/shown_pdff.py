"""The PDFF as its view shows it: clipped where noise makes it run far out of range, and windowed only when chosen."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nodes
from ..nodes import MapNodes
from ..volumes import array_of, fill_volume, geometry_of
from .colors import set_up_volume_display

SHOWN_ROLE = "shown_pdff"
LOWEST, HIGHEST = -20.0, 120.0
"""Range of the shown values, percent. A drag of the mouse changes a window in proportion to the range of the values."""
_WINDOW = "AIDEAL.Window"
"""On the volume: upper end of the window that the panel set last, percent."""


def shown_pdff(maps: MapNodes) -> Any:
    """The PDFF, or a copy of it clipped for display where it has values out of range; statistics take the PDFF itself."""
    pdff = maps.pdff
    low, high = pdff.GetImageData().GetScalarRange()
    if low >= LOWEST and high <= HIGHEST:
        return pdff
    node = nodes.helper_of(pdff, SHOWN_ROLE)
    if node is None:
        node = nodes.add_helper(pdff, "vtkMRMLScalarVolumeNode", SHOWN_ROLE, "PDFF as shown")
        set_up_volume_display(node, "pdff")
    if node.GetImageData() is None or node.GetImageData().GetMTime() < pdff.GetImageData().GetMTime():
        fill_volume(node, np.clip(array_of(pdff), LOWEST, HIGHEST), geometry_of(pdff))
        node.SetAndObserveTransformNodeID(pdff.GetTransformNodeID())
    return node


def window_pdff(maps: MapNodes, maximum: float, reset: bool = False) -> None:
    """Window the PDFF from 0 to a maximum, unless it was set to that before and changed by hand since.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    maximum : float, percent
        Upper end of the window.
    reset : bool
        Set it in any case.
    """
    wanted = f"{maximum:g}"
    for volume in {maps.pdff, shown_pdff(maps)}:
        if reset or volume.GetAttribute(_WINDOW) != wanted:
            volume.GetDisplayNode().SetWindowLevelMinMax(0.0, float(maximum))
            volume.SetAttribute(_WINDOW, wanted)
