"""Splitting a liver by a plane into right and left lobe, and copying regions to another scan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer

from .. import nodes
from ..volumes import array_of, geometry_of, world_position
from . import owners
from .drawing import DIAMETER_ATTRIBUTE, LEFT_LOBE, RIGHT_LOBE, add_circle, all_roi_points, create_lobes, set_segment
from .region import Region, regions_of, segment_region


def split_plane(scene: Any, volume: Any) -> Any:
    """Plane to split the liver by, through the middle of a volume and facing left, to be moved by hand."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsPlaneNode", "Lobe split")
    node.CreateDefaultDisplayNodes()
    slices, rows, columns = array_of(volume).shape
    node.SetOrigin(*world_position(volume, slices / 2, rows / 2, columns / 2))
    node.SetNormal(-1.0, 0.0, 0.0)
    spacing = geometry_of(volume).spacing_mm
    node.SetSize(0.8 * rows * spacing[1], 0.8 * max(slices * spacing[2], 0.3 * rows * spacing[1]))
    return node


def to_split(regions: Sequence[Region], selected: str) -> list[Region]:
    """Regions that a split acts on: the one selected in the editor where it has voxels, else all of the liver together.

    Parameters
    ----------
    regions : sequence of Region
        Regions of the segmentation.
    selected : str
        Identifier of the selected segment, '' for none.

    Returns
    -------
    list of Region
        The regions, [] where none has voxels.
    """
    filled = [region for region in regions if region.voxels.any()]
    lobes = [region for region in filled if region.name in (RIGHT_LOBE, LEFT_LOBE)]
    chosen = [region for region in filled if region.segment_id == selected and region not in lobes]
    return chosen or [region for region in filled if region.liver] or filled[:1]


def split_by_plane(segmentation: Any, segment_ids: Sequence[str], plane: Any, volume: Any) -> None:
    """Split liver segments together into right and left lobe; the left one is on the side of the plane towards the left.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
        The segmentation.
    segment_ids : sequence of str
        Identifiers of the segments; those other than the lobes are removed.
    plane : vtkMRMLMarkupsPlaneNode
        The plane.
    volume : vtkMRMLScalarVolumeNode
        Volume whose grid is split.

    Raises
    ------
    ValueError
        The segments have no voxels on the volume.
    """
    whole = np.zeros(array_of(volume).shape, bool)
    for segment_id in segment_ids:
        region = segment_region(segmentation, segment_id, volume)
        whole[region.box] |= region.voxels
    if not whole.any():
        raise ValueError("There are no voxels to split; draw the liver first, then split it.")
    left = whole & _left_of(plane, volume, whole)
    stored = segmentation.GetSegmentation()
    names = {segment_id: stored.GetSegment(segment_id).GetName() for segment_id in segment_ids}
    for name, voxels in ((RIGHT_LOBE, whole & ~left), (LEFT_LOBE, left)):
        set_segment(segmentation, name, voxels, volume)
    for segment_id, name in names.items():
        if name not in (RIGHT_LOBE, LEFT_LOBE):
            stored.RemoveSegment(segment_id)


def snapshot(segmentation: Any) -> Any:
    """Copy of all segments, for `restore`."""
    kept = slicer.vtkSegmentation()
    kept.DeepCopy(segmentation.GetSegmentation())
    return kept


def restore(segmentation: Any, kept: Any) -> None:
    """Put the segments back as they were at a snapshot."""
    segmentation.GetSegmentation().DeepCopy(kept)


def copy_regions(source: Any, scan: Any, volume: Any) -> Any:
    """Copy a segmentation and the circles of its scan to another scan, resampled to its grid.

    Parameters
    ----------
    source : vtkMRMLSegmentationNode or None
        Segmentation to copy.
    scan : vtkMRMLNode
        Scan whose circles are copied.
    volume : vtkMRMLScalarVolumeNode
        PDFF of the other scan.

    Returns
    -------
    vtkMRMLSegmentationNode
        The copy.
    """
    scene = volume.GetScene()
    made = create_lobes(scene, volume)
    if source is not None:
        made.GetSegmentation().RemoveAllSegments()
        whole = array_of(volume).shape
        for region in regions_of(source, volume):
            voxels = np.zeros(whole, bool)
            voxels[region.box] = region.voxels
            copied = made.GetSegmentation().GetSegment(set_segment(made, region.name, voxels, volume))
            original = source.GetSegmentation().GetSegment(region.segment_id)
            copied.SetColor(original.GetColor())
            _copy_terminology(original, copied)
    for points in all_roi_points(scene, scan):
        place = points.GetAttribute(nodes.ROLE).removeprefix("roi points ")
        for n in range(points.GetNumberOfControlPoints()):
            ras = [0.0, 0.0, 0.0]
            points.GetNthControlPointPositionWorld(n, ras)
            own = points.GetAttribute(f"{DIAMETER_ATTRIBUTE} {points.GetNthControlPointID(n)}")
            reason = points.GetNthControlPointDescription(n) or ""
            place_ras = (ras[0], ras[1], ras[2])
            add_circle(scene, place, place_ras, float(own) if own else None, reason, owners.owner_of(made))
    return made


def _copy_terminology(original: Any, copied: Any) -> None:
    import vtk

    tag, entry = slicer.vtkSegment.GetTerminologyEntryTagName(), vtk.reference("")
    if original.GetTag(tag, entry):
        copied.SetTag(tag, str(entry))


def _left_of(plane: Any, volume: Any, voxels: np.ndarray) -> np.ndarray:
    """Voxels on the side of a plane towards the patient's left, among those chosen."""
    origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    plane.GetOriginWorld(origin)
    plane.GetNormalWorld(normal)
    direction = np.asarray(normal) * (1.0 if normal[0] <= 0 else -1.0)  # R is +x: the side of falling x is the left
    slices, rows, columns = np.nonzero(voxels)
    first = np.asarray(world_position(volume, 0, 0, 0))
    steps = [np.asarray(world_position(volume, *np.eye(3)[axis])) - first for axis in range(3)]
    world = first + slices[:, None] * steps[0] + rows[:, None] * steps[1] + columns[:, None] * steps[2]
    left = np.zeros(voxels.shape, bool)
    left[slices, rows, columns] = (world - np.asarray(origin)) @ direction > 0
    return left
