"""Image of the first view: the magnitude of the first echo, or the water map."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...io.naming import Part
from .. import nodes
from ..nodes import MapNodes
from ..scan.scene_scan import SceneScan
from ..volumes import array_of, fill_volume, geometry_of
from .colors import window_of

ECHO_1 = "echo_1"


def anatomy_of(maps: MapNodes, name: str) -> Any:
    """Image of the first view: the first echo where it was requested and exists, else water."""
    echo = nodes.helper_of(maps.pdff, ECHO_1) if name == ECHO_1 else None
    return echo or maps.get("water", maps.pdff)


def add_first_echo(maps: MapNodes, scan: SceneScan) -> Any:
    """Volume with the magnitude of the first echo on the grid of the maps, made once.

    None where the scan is no longer in the scene.
    """
    pdff = maps.pdff
    found = nodes.helper_of(pdff, ECHO_1)
    if found is not None or not scan.first or array_of(scan.first[0]).shape != array_of(pdff).shape:
        return found
    node = first_echo(scan)
    if node is not None:
        pdff.SetNodeReferenceID(nodes.map_role(ECHO_1), node.GetID())
    return node


def first_echo(scan: SceneScan) -> Any:
    """Volume with the magnitude of a scan's first echo, made once; None for a scan without images."""
    if not scan.first or scan.sources[0].GetScene() is None or any(problem.where == "volumes" for problem in scan.problems()):
        return None
    source, first = scan.sources[0], scan.first[0]
    node = nodes.helper_of(source, ECHO_1)
    if node is not None:
        return node
    values = array_of(first).astype(np.float32)
    if scan.parts[1] is Part.IMAGINARY and scan.second:
        values = np.hypot(values, array_of(scan.second[0]).astype(np.float32))
    node = nodes.add_helper(source, "vtkMRMLScalarVolumeNode", ECHO_1, "Echo 1")
    fill_volume(node, values, geometry_of(first))
    if source.IsA("vtkMRMLTransformableNode"):
        node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*window_of(ECHO_1, node))
    return node
