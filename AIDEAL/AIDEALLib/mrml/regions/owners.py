"""Regions belong to the scan that they were drawn on, and are measured, shown and offered with it alone."""

from __future__ import annotations

from typing import Any

from .. import nodes
from ..nodes import REGIONS_OF_ROLE, ROLE

SEGMENTATION, POINTS = "vtkMRMLSegmentationNode", "vtkMRMLMarkupsFiducialNode"


def owner_of(regions: Any) -> Any:
    """Scan that regions belong to, None where they belong to none yet."""
    return regions.GetNodeReference(REGIONS_OF_ROLE) if regions is not None else None


def claim(regions: Any, scan: Any) -> None:
    """Give regions that belong to no scan yet (imported, or saved by version 0.1) to one."""
    if regions is not None and scan is not None and owner_of(regions) is None:
        regions.SetNodeReferenceID(REGIONS_OF_ROLE, scan.GetID())


def belongs(regions: Any, scan: Any) -> bool:
    """Whether regions may be measured on a scan: its own ones, and those of no scan."""
    return owner_of(regions) in (None, scan)


def find(scene: Any, class_name: str, role: str, scan: Any) -> Any:
    """Regions of a scan by their role.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    class_name : str
        `SEGMENTATION` or `POINTS`.
    role : str
        Value of the attribute `nodes.ROLE`.
    scan : vtkMRMLNode or None
        The scan; None takes those of any.

    Returns
    -------
    vtkMRMLNode or None
        The scan's own, else those of no scan, which the scan then owns.
    """
    found = [node for node in _all(scene, class_name) if node.GetAttribute(ROLE) == role]
    if scan is None:
        return found[0] if found else None
    own = next((node for node in found if owner_of(node) is scan), None)
    if own is None:
        own = next((node for node in found if owner_of(node) is None), None)
        claim(own, scan)
    return own


def segmentation_of(scene: Any, scan: Any) -> Any:
    """Segmentation that was made last on a scan, circles apart; None where there is none."""
    own = [node for node in _all(scene, SEGMENTATION) if owner_of(node) is scan and not node.GetAttribute(ROLE)]
    return own[-1] if own and scan is not None else None


def scans_with_regions(scene: Any) -> list[Any]:
    """Scans that segments or circles were drawn on."""
    drawn = [node for node in _all(scene, SEGMENTATION) if node.GetSegmentation().GetNumberOfSegments()]
    drawn += [node for node in _all(scene, POINTS) if node.GetNumberOfControlPoints()]
    found = {owner.GetID(): owner for owner in map(owner_of, drawn) if owner is not None}
    return list(found.values())


def show_only_those_of(scene: Any, scan: Any) -> None:
    """Hide the regions of all other scans in the views."""
    for class_name in (SEGMENTATION, POINTS):
        for node in _all(scene, class_name):
            if owner_of(node) is not None and node.GetDisplayNode() is not None:
                node.GetDisplayNode().SetVisibility(owner_of(node) is scan)


def name_of(scan: Any) -> str:
    """Name of a scan for a sentence."""
    return str(scan.GetAttribute(nodes.SOURCE_NAME) or scan.GetName()) if scan is not None else ""


def _all(scene: Any, class_name: str) -> list[Any]:
    return [scene.GetNthNodeByClass(n, class_name) for n in range(scene.GetNumberOfNodesByClass(class_name))]
