"""Maps in the scene: volumes with units, windows and provenance, in a folder of the subject hierarchy."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer

from ...parameter_maps import ParameterMaps
from ...statistics import LowConfidence
from .. import nodes
from ..nodes import ALL_MAPS, FOREGROUND, LOW_CONFIDENCE, MapNodes
from ..views.colors import set_up_volume_display
from ..volumes import array_of, fill_volume

_QUANTITIES = {
    "pdff": ("129100", "DCM", "Fat fraction"),
    "pdff_sd": ("129100", "DCM", "Fat fraction"),
    "pdff_total_sd": ("129100", "DCM", "Fat fraction"),
    "r2star": ("126395", "DCM", "R2*"),
    "r2star_sd": ("126395", "DCM", "R2*"),
}
_TITLES = {"pdff_sd": "PDFF SD in the mode", "pdff_total_sd": "PDFF SD", "residual": "Fit residual", "field": "Field map"}
"""Shorter titles where those of the maps are long."""
_UNITS = {
    "%": ("%", "UCUM", "percent"),
    "1/s": ("1/s", "UCUM", "per second"),
    "Hz": ("Hz", "UCUM", "hertz"),
    "1": ("1", "UCUM", "no units"),
}


def add_maps(scene: Any, maps: ParameterMaps, name: str, sources: Sequence[Any] = ()) -> MapNodes:
    """Add the maps of a run to the scene, all of them or none.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    maps : ParameterMaps
        The maps.
    name : str
        Name of the scan; the folder and the volumes are called after it.
    sources : sequence of vtkMRMLNode
        Nodes of the scan; the maps take their transform and their place in the subject hierarchy.

    Returns
    -------
    MapNodes
        The volumes.
    """
    made: dict[str, Any] = {}
    run = 1 + sum(node.GetAttribute(nodes.SOURCE_NAME) == name for node in pdff_nodes(scene))
    arrays = dict(maps.items())
    arrays[FOREGROUND] = maps.mask.astype(np.float32)
    arrays[LOW_CONFIDENCE] = low_confidence_array(maps, LowConfidence())
    provenance = json.dumps(maps.provenance.as_dict(), ensure_ascii=False)
    try:
        for key, array in arrays.items():
            title = _TITLES.get(key, ALL_MAPS[key].title)
            node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", nodes.node_name(title, name, run))
            made[key] = node
            fill_volume(node, np.asarray(array, np.float32), maps.geometry)
            node.SetAttribute(nodes.MAP, key)
            node.SetAttribute(nodes.PROVENANCE, provenance)
            node.SetAttribute(nodes.SOURCE_NAME, name)
            _set_unit(node, key)
            set_up_volume_display(node, key)
        _refer(made, sources)
        _place_in_hierarchy(scene, made, nodes.node_name("AIDEAL", name.removeprefix("AIDEAL "), run), sources)
    except Exception:
        for node in made.values():
            if node.GetDisplayNode() is not None:
                scene.RemoveNode(node.GetDisplayNode())
            scene.RemoveNode(node)
        raise
    return MapNodes(made)


def pdff_nodes(scene: Any) -> list[Any]:
    """PDFF of every run in the scene, in the order they were made."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    volumes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    return [node for node in volumes if nodes.map_name(node) == "pdff"]


def low_confidence_array(maps: Any, limits: LowConfidence) -> np.ndarray:
    """1 in voxels of low confidence, 0 elsewhere and outside the foreground; float32 (slice, row, column)."""
    return (limits.select(maps) & maps.mask).astype(np.float32)


def update_low_confidence(maps: MapNodes, limits: LowConfidence) -> None:
    """Update the low-confidence volume of a run for other limits."""
    from ..regions.measure import map_arrays

    if LOW_CONFIDENCE in maps:
        array_of(maps[LOW_CONFIDENCE])[:] = low_confidence_array(map_arrays(maps), limits)
        slicer.util.arrayFromVolumeModified(maps[LOW_CONFIDENCE])


def _set_unit(node: Any, key: str) -> None:
    if key in _QUANTITIES:
        quantity = slicer.vtkCodedEntry()
        quantity.SetValueSchemeMeaning(*_QUANTITIES[key])
        node.SetVoxelValueQuantity(quantity)
    unit = ALL_MAPS[key].unit
    if unit in _UNITS:
        units = slicer.vtkCodedEntry()
        units.SetValueSchemeMeaning(*_UNITS[unit])
        node.SetVoxelValueUnits(units)


def _refer(made: dict[str, Any], sources: Sequence[Any]) -> None:
    pdff = made["pdff"]
    for key, node in made.items():
        if key != "pdff":
            pdff.SetNodeReferenceID(nodes.map_role(key), node.GetID())
            node.SetNodeReferenceID(nodes.PDFF_ROLE, pdff.GetID())
    for source in sources:
        pdff.AddNodeReferenceID(nodes.SOURCE_ROLE, source.GetID())
    transforms = [s.GetTransformNodeID() for s in sources if s.IsA("vtkMRMLTransformableNode") and s.GetTransformNodeID()]
    for node in made.values():
        if transforms:
            node.SetAndObserveTransformNodeID(transforms[0])


def _place_in_hierarchy(scene: Any, made: dict[str, Any], name: str, sources: Sequence[Any]) -> None:
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is None:
        return
    parent = hierarchy.GetSceneItemID()
    for source in sources:
        item = hierarchy.GetItemByDataNode(source)
        if item:
            parent = hierarchy.GetItemParent(item)
            break
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(name))
    for node in made.values():
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, folder)
        else:
            hierarchy.CreateItem(folder, node)
