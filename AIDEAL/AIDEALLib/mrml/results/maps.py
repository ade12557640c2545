"""Maps in the scene: volumes with units, windows and provenance, in a folder of the subject hierarchy."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import slicer

from ...parameter_maps import ParameterMaps
from ...statistics import LowConfidence
from .. import nodes
from ..nodes import ALL_MAPS, FOREGROUND, LOW_CONFIDENCE, MapNodes
from ..views.anatomy import ECHO_1
from ..views.colors import create_display, set_up_volume_display
from ..volumes import array_of, fill_volume
from .folders import make_folder, remove_folder

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
    steps = add_maps_in_steps(scene, maps, name, sources)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            made: MapNodes = ended.value
            return made


def add_maps_in_steps(
    scene: Any, maps: ParameterMaps, name: str, sources: Sequence[Any] = ()
) -> Generator[None, None, MapNodes]:
    """Add the maps of a run one by one, so that the application can work in between; closed early, it leaves none.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    maps : ParameterMaps
        The maps.
    name : str
        Name of the scan.
    sources : sequence of vtkMRMLNode
        Nodes of the scan.

    Yields
    ------
    None
        After each map.

    Returns
    -------
    MapNodes
        The volumes.
    """
    made: dict[str, Any] = {}
    run = 1 + max((run_number(node) for node in pdff_nodes(scene) if node.GetAttribute(nodes.SOURCE_NAME) == name), default=0)
    arrays = dict(maps.items())
    arrays[FOREGROUND] = maps.mask.astype(np.float32)
    arrays[LOW_CONFIDENCE] = low_confidence_array(maps, LowConfidence())
    provenance = json.dumps(maps.provenance.as_dict(), ensure_ascii=False)
    try:
        for key, array in arrays.items():
            title = _TITLES.get(key, ALL_MAPS[key].title)
            node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", nodes.node_name(title, name, run))
            made[key] = node
            create_display(node)
            fill_volume(node, np.asarray(array, np.float32), maps.geometry)
            for attribute, value in (
                (nodes.MAP, key),
                (nodes.PROVENANCE, provenance),
                (nodes.SOURCE_NAME, name),
                (nodes.RUN, str(run)),
            ):
                node.SetAttribute(attribute, value)
            _set_unit(node, key)
            set_up_volume_display(node, key)
            yield
        _refer(made, sources)
        make_folder(MapNodes(made), nodes.node_name("AIDEAL", name.removeprefix("AIDEAL "), run), sources)
    except (Exception, GeneratorExit):
        for node in made.values():
            remove_node(node)
        raise
    return MapNodes(made)


def earlier_runs(maps: MapNodes) -> list[MapNodes]:
    """Other runs of the scan of a run; [] where the scan is not in the scene."""
    pdff, scan = maps.pdff, maps.scan
    if scan is pdff:
        return []
    others = [node for node in pdff_nodes(pdff.GetScene()) if node is not pdff and nodes.scan_node_of(node) is scan]
    return [found for found in map(nodes.maps_of, others) if found is not None]


def remove_run(maps: MapNodes) -> None:
    """Take a run out of the scene: maps, what was made from them for the views, its tables and its folder.

    Regions belong to the scan, and stay.
    """
    pdff = maps.pdff
    scene = pdff.GetScene()
    roles = [pdff.GetNthNodeReferenceRole(n) for n in range(pdff.GetNumberOfNodeReferenceRoles())]
    made = [pdff.GetNodeReference(role) for role in roles if role != nodes.SOURCE_ROLE]
    remove_folder(maps)
    for node in made:
        of_run = node is not None and (nodes.map_name(node) or node.GetAttribute(nodes.ROLE) not in (None, ECHO_1))
        if of_run and node.GetScene() is scene:
            remove_node(node)
    remove_node(pdff)


def remove_node(node: Any) -> None:
    """Remove a node with its display and storage nodes and its item in the subject hierarchy."""
    scene = node.GetScene()
    hierarchy = scene.GetFirstNodeByClass("vtkMRMLSubjectHierarchyNode")
    item = hierarchy.GetItemByDataNode(node) if hierarchy is not None else 0
    if item:
        hierarchy.RemoveItem(item, False, False)
    helpers = [node.GetStorageNode()] if node.IsA("vtkMRMLStorableNode") else []
    if node.IsA("vtkMRMLDisplayableNode"):
        helpers += [node.GetNthDisplayNode(n) for n in range(node.GetNumberOfDisplayNodes())]
    for helper in (*helpers, node):
        if helper is not None and helper.GetScene() is scene:
            scene.RemoveNode(helper)


def pdff_nodes(scene: Any) -> list[Any]:
    """PDFF of every run in the scene, in the order they were made."""
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    volumes = [scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode") for n in range(count)]
    return [node for node in volumes if nodes.map_name(node) == "pdff"]


def run_number(pdff: Any) -> int:
    """Number of a run among those of its scan, from 1; runs of older scenes have the one in their name, or are the first."""
    stored = re.search(r"(\d+)$", pdff.GetAttribute(nodes.RUN) or (re.search(r", run \d+$", pdff.GetName() or "") or [""])[0])
    return int(stored.group(1)) if stored else 1


def low_confidence_array(maps: Any, limits: LowConfidence) -> np.ndarray:
    """1 in voxels of low confidence, 0 elsewhere and outside the foreground; float32 (slice, row, column)."""
    return (limits.select(maps) & maps.mask).astype(np.float32)


def update_low_confidence(maps: MapNodes, limits: LowConfidence) -> None:
    """Update the low-confidence volume of a run for other limits."""
    from ..regions.map_arrays import map_arrays

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
