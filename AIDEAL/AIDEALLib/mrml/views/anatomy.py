"""Image of the first view: the magnitude of the first echo, or the water map."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import nodes
from ..nodes import MapNodes
from ..scan.scene_scan import SceneScan
from ..volumes import array_of, fill_volume, geometry_of

ECHO_1 = "echo_1"


def anatomy_of(maps: MapNodes, name: str) -> Any:
    """Image of the first view: the first echo where it was requested and exists, else water."""
    echo = maps.pdff.GetNodeReference(nodes.map_role(ECHO_1)) if name == ECHO_1 else None
    return echo or maps.get("water", maps.pdff)


def add_first_echo(maps: MapNodes, scan: SceneScan) -> Any:
    """Volume with the magnitude of the first echo on the grid of the maps, made once.

    None where the scan is no longer in the scene.
    """
    pdff = maps.pdff
    found = pdff.GetNodeReference(nodes.map_role(ECHO_1))
    if found is not None or scan.problems() or array_of(scan.first[0]).shape != array_of(pdff).shape:
        return found
    values = array_of(scan.first[0]).astype(np.float32)
    if scan.unit() is None:  # real and imaginary
        values = np.hypot(values, array_of(scan.second[0]).astype(np.float32))
    node = pdff.GetScene().AddNewNodeByClass(
        "vtkMRMLScalarVolumeNode", f"{pdff.GetAttribute(nodes.SOURCE_NAME) or ''} Echo 1".strip()
    )
    fill_volume(node, values, geometry_of(pdff))
    node.SetAttribute(nodes.ROLE, ECHO_1)
    node.SetAndObserveTransformNodeID(pdff.GetTransformNodeID())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, max(float(np.percentile(values, 99.5)), 1e-6))
    pdff.SetNodeReferenceID(nodes.map_role(ECHO_1), node.GetID())
    return node
