"""Folder of a run in the subject hierarchy: its maps, table, lobes and circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer

from ..nodes import MapNodes

_RUN_ITEM = "AIDEAL.RunFolder"
"""Attribute of the items that are folders of runs."""


def make_folder(maps: MapNodes, name: str, sources: Sequence[Any] = ()) -> None:
    """Make the folder of a run beside its scan, and put the maps into it.

    Parameters
    ----------
    maps : MapNodes
        The maps.
    name : str
        Name of the folder.
    sources : sequence of vtkMRMLNode
        Nodes of the scan.
    """
    hierarchy = _hierarchy(maps)
    if hierarchy is None:
        return
    items = [hierarchy.GetItemByDataNode(source) for source in sources]
    parent = next((hierarchy.GetItemParent(item) for item in items if item), hierarchy.GetSceneItemID())
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(name))
    hierarchy.SetItemAttribute(folder, _RUN_ITEM, "1")
    for _, node in maps:
        _move(hierarchy, node, folder)


def place_in_folder(maps: MapNodes, node: Any) -> None:
    """Put a table or regions into the folder of a run, unless the user has put them elsewhere."""
    hierarchy, folder = _hierarchy(maps), folder_of(maps)
    if hierarchy is None or not folder or node is None or node.GetHideFromEditors():
        return
    item = hierarchy.GetItemByDataNode(node)
    parent = hierarchy.GetItemParent(item) if item else 0
    if parent == folder:
        return
    if not item or parent in (hierarchy.GetSceneItemID(), hierarchy.GetItemParent(folder)) or _of_run(hierarchy, parent):
        _move(hierarchy, node, folder)


def folder_of(maps: MapNodes) -> int:
    """Item of the folder of a run, 0 where it has none."""
    hierarchy = _hierarchy(maps)
    item = hierarchy.GetItemByDataNode(maps.pdff) if hierarchy is not None else 0
    parent = hierarchy.GetItemParent(item) if item else 0
    return int(parent) if parent and _of_run(hierarchy, parent) else 0


def remove_folder(maps: MapNodes) -> None:
    """Remove the folder of a run; what is in it lies where the folder lay."""
    hierarchy, folder = _hierarchy(maps), folder_of(maps)
    if not folder:
        return
    parent = hierarchy.GetItemParent(folder)
    children: list[int] = []
    hierarchy.GetItemChildren(folder, children)
    for child in children:
        hierarchy.SetItemParent(child, parent)
    hierarchy.RemoveItem(folder, False, False)


def _hierarchy(maps: MapNodes) -> Any:
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(maps.pdff.GetScene())


def _of_run(hierarchy: Any, item: int) -> bool:
    return bool(hierarchy.GetItemAttribute(item, _RUN_ITEM))


def _move(hierarchy: Any, node: Any, folder: int) -> None:
    item = hierarchy.GetItemByDataNode(node)
    if item:
        hierarchy.SetItemParent(item, folder)
    else:
        hierarchy.CreateItem(folder, node)
