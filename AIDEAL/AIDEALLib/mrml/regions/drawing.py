"""Regions to measure: lobes with standard terminology, circles of a fixed diameter, a liver split by a plane."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ...statistics import circle_roi
from .. import nodes
from ..volumes import array_of, geometry_of, ijk_to_ras, voxel_at, world_position

RIGHT_LOBE, LEFT_LOBE = "Right lobe", "Left lobe"
COUINAUD = tuple(f"Segment {number}" for number in ("I", "II", "III", "IV", "IVa", "IVb", "V", "VI", "VII", "VIII"))
PLACES = (RIGHT_LOBE, LEFT_LOBE, *COUINAUD)
"""Where an ROI circle may lie."""
DIAMETER_ATTRIBUTE = "AIDEAL circle diameter mm"
ROI_POINTS_ROLE, ROI_CIRCLES_ROLE = "roi points", "roi circles"

_COLORS = {RIGHT_LOBE: (0.87, 0.51, 0.40), LEFT_LOBE: (0.40, 0.70, 0.87)}
_CIRCLE_COLORS = {RIGHT_LOBE: (1.0, 0.75, 0.2), LEFT_LOBE: (0.3, 0.95, 0.95)}
_SIDE = {RIGHT_LOBE: "SCT^24028007^Right", LEFT_LOBE: "SCT^7771000^Left"}


def terminology(place: str) -> str:
    """Terminology entry of a lobe, or of the liver, as Slicer stores it with a segment."""
    side = _SIDE.get(place, "^^")
    return (
        "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure~"
        f"SCT^10200004^Liver~{side}~Anatomic codes - DICOM master list~^^~^^"
    )


def create_lobes(scene: Any, volume: Any, name: str = "") -> Any:
    """A segmentation with two empty segments, the right and the left lobe.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    volume : vtkMRMLScalarVolumeNode or None
        Volume whose grid the segments take.
    name : str
        Name of the node; from the name of the scan where empty.

    Returns
    -------
    vtkMRMLSegmentationNode
        The segmentation.
    """
    name = name or f"{volume.GetAttribute(nodes.SOURCE_NAME) or ''} Liver".strip()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(0.0)  # outlines, so that the map is seen
    if volume is not None:
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    for lobe in (RIGHT_LOBE, LEFT_LOBE):
        _add_segment(node, lobe, terminology(lobe), _COLORS[lobe])
    return node


def set_segment(segmentation: Any, name: str, voxels: np.ndarray, volume: Any) -> str:
    """Set the voxels of a segment, which is made when there is none of that name.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
        The segmentation.
    name : str
        Name of the segment.
    voxels : array of bool, shape (slice, row, column)
        Its voxels.
    volume : vtkMRMLScalarVolumeNode
        Volume whose grid the voxels are on.

    Returns
    -------
    str
        Identifier of the segment.
    """
    stored = segmentation.GetSegmentation()
    segment_id = stored.GetSegmentIdBySegmentName(name)
    if not segment_id:
        segment_id = _add_segment(segmentation, name, terminology(name), _COLORS.get(name, (0.8, 0.7, 0.4)))
    replace = slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE
    image = _oriented_image(voxels, volume)
    slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, segmentation, segment_id, replace)
    return segment_id


def roi_points(scene: Any, place: str) -> Any:
    """Markups with the centres of the circles of a place (one of `PLACES`), made where missing."""
    role = f"{ROI_POINTS_ROLE} {place}"
    node = nodes.find_by_role(scene, "vtkMRMLMarkupsFiducialNode", role)
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"ROI {place}")
        node.SetAttribute(nodes.ROLE, role)
        node.CreateDefaultDisplayNodes()
        node.SetControlPointLabelFormat(f"{place} ROI %d")
        display = node.GetDisplayNode()
        display.SetSelectedColor(*_CIRCLE_COLORS.get(place, (0.9, 0.9, 0.3)))
        display.SetPointLabelsVisibility(False)
        display.SetGlyphScale(1.0)
    return node


def all_roi_points(scene: Any) -> list[Any]:
    """Markups of every place that has circles."""
    found = [nodes.find_by_role(scene, "vtkMRMLMarkupsFiducialNode", f"{ROI_POINTS_ROLE} {place}") for place in PLACES]
    return [node for node in found if node is not None and node.GetNumberOfControlPoints()]


def add_circle(
    scene: Any, place: str, ras: tuple[float, float, float], diameter_mm: float | None = None, reason: str = ""
) -> Any:
    """Add the centre of a circle.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    place : str
        One of `PLACES`.
    ras : tuple of float, mm
        Position in the world.
    diameter_mm : float, mm, optional
        Diameter of this circle; None for that of all circles.
    reason : str
        Why it lies there, for the description of the point.

    Returns
    -------
    vtkMRMLMarkupsFiducialNode
        The markups it was added to.
    """
    points = roi_points(scene, place)
    number = points.AddControlPoint(vtk.vtkVector3d(*ras))
    points.SetNthControlPointLabel(number, f"{place} ROI {number + 1}")
    points.SetNthControlPointDescription(number, reason)
    if diameter_mm is not None:
        points.SetAttribute(f"{DIAMETER_ATTRIBUTE} {points.GetNthControlPointID(number)}", f"{diameter_mm:.6f}")
    return points


def update_circles(scene: Any, volume: Any, diameter_mm: float) -> Any:
    """Draw the voxels of all circles as segments of one segmentation, which lies in the plane of the scan's slices.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    volume : vtkMRMLScalarVolumeNode
        Volume whose grid the circles are drawn on.
    diameter_mm : float, mm
        Diameter of the circles that have none of their own.

    Returns
    -------
    vtkMRMLSegmentationNode or None
        The segmentation, None where there are no circles.

    Notes
    -----
    A circle holds the voxels of the slice nearest to its centre whose middle lies within half the diameter.
    """
    wanted = _circles(scene, volume, diameter_mm)
    node = nodes.find_by_role(scene, "vtkMRMLSegmentationNode", ROI_CIRCLES_ROLE)
    if node is None:
        if not wanted:
            return None
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "ROI circles")
        node.SetAttribute(nodes.ROLE, ROI_CIRCLES_ROLE)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetOpacity2DFill(0.0)
    modified = node.StartModify()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    node.SetAndObserveTransformNodeID(volume.GetTransformNodeID())
    stored = node.GetSegmentation()
    for segment_id in [stored.GetNthSegmentID(n) for n in range(stored.GetNumberOfSegments())]:
        if stored.GetSegment(segment_id).GetName() not in wanted:
            stored.RemoveSegment(segment_id)
    for name, (place, voxels) in wanted.items():
        if not stored.GetSegmentIdBySegmentName(name):
            _add_segment(node, name, terminology(place), _CIRCLE_COLORS.get(place, (0.9, 0.9, 0.3)))
        set_segment(node, name, voxels, volume)
    node.EndModify(modified)
    return node


def _circles(scene: Any, volume: Any, diameter_mm: float) -> dict[str, tuple[str, np.ndarray]]:
    """Place and voxels of every circle by its name."""
    found: dict[str, tuple[str, np.ndarray]] = {}
    geometry = geometry_of(volume)
    for points in all_roi_points(scene):
        place = points.GetAttribute(nodes.ROLE).removeprefix(f"{ROI_POINTS_ROLE} ")
        for number in range(points.GetNumberOfControlPoints()):
            if points.GetNthControlPointPositionStatus(number) != points.PositionDefined:
                continue
            ras = [0.0, 0.0, 0.0]
            points.GetNthControlPointPositionWorld(number, ras)
            center = _continuous_center(volume, (ras[0], ras[1], ras[2]))
            if center is not None:
                own = points.GetAttribute(f"{DIAMETER_ATTRIBUTE} {points.GetNthControlPointID(number)}")
                radius_mm = float(own or diameter_mm) / 2
                voxels = circle_roi(array_of(volume).shape, center, radius_mm, geometry.spacing_mm)
                found[f"{place} ROI {number + 1}"] = (place, voxels)
    return found


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


def split_by_plane(segmentation: Any, segment_id: str, plane: Any, volume: Any) -> None:
    """Split a liver segment into right and left lobe; the left lobe is on the side of the plane towards the patient's left.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
        The segmentation.
    segment_id : str
        Identifier of the segment.
    plane : vtkMRMLMarkupsPlaneNode
        The plane.
    volume : vtkMRMLScalarVolumeNode
        Volume whose grid is split.

    Raises
    ------
    ValueError
        The segment has no voxels on the volume.
    """
    from .measure import segment_region

    region = segment_region(segmentation, segment_id, volume)
    if not region.voxels.any():
        raise ValueError(f"Segment '{region.name}' is empty; draw the liver first, then split it.")
    origin, normal = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    plane.GetOriginWorld(origin)
    plane.GetNormalWorld(normal)
    direction = np.asarray(normal) * (1.0 if normal[0] <= 0 else -1.0)  # R is +x: the side of falling x is the left
    starts = [part.start for part in region.box]
    slices, rows, columns = (axis + start for axis, start in zip(np.nonzero(region.voxels), starts, strict=True))
    first = np.asarray(world_position(volume, 0, 0, 0))
    steps = [np.asarray(world_position(volume, *np.eye(3)[axis])) - first for axis in range(3)]
    world = first + slices[:, None] * steps[0] + rows[:, None] * steps[1] + columns[:, None] * steps[2]
    is_left = (world - np.asarray(origin)) @ direction > 0
    for name, chosen in ((RIGHT_LOBE, ~is_left), (LEFT_LOBE, is_left)):
        voxels = np.zeros(array_of(volume).shape, bool)
        voxels[slices[chosen], rows[chosen], columns[chosen]] = True
        set_segment(segmentation, name, voxels, volume)
    if region.name not in (RIGHT_LOBE, LEFT_LOBE):
        segmentation.GetSegmentation().RemoveSegment(segment_id)


def import_labelmap(scene: Any, labelmap: Any) -> Any:
    """A segmentation from a label map volume in the scene; names come from the label map's colours."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", labelmap.GetName())
    node.CreateDefaultDisplayNodes()
    slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(labelmap, node)
    return node


def _add_segment(segmentation: Any, name: str, entry: str, color: tuple[float, float, float]) -> str:
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(*color)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)
    stored = segmentation.GetSegmentation()
    segment_id = stored.GenerateUniqueSegmentID(name.replace(" ", ""))
    stored.AddSegment(segment, segment_id)
    return str(segment_id)


def _oriented_image(voxels: np.ndarray, volume: Any) -> Any:
    from vtk.util.numpy_support import numpy_to_vtk

    slices, rows, columns = voxels.shape
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(columns, rows, slices)
    scalars = numpy_to_vtk(np.ascontiguousarray(voxels, np.uint8).ravel(), deep=True)
    image.GetPointData().SetScalars(scalars)
    image.SetImageToWorldMatrix(ijk_to_ras(geometry_of(volume)))
    return image


def _continuous_center(volume: Any, ras: tuple[float, float, float]) -> tuple[int, float, float] | None:
    """Slice, and continuous row and column, of a position in a volume; None outside it."""
    if voxel_at(volume, ras) is None:
        return None
    first = np.asarray(world_position(volume, 0, 0, 0))
    steps = np.stack([np.asarray(world_position(volume, *np.eye(3)[axis])) - first for axis in range(3)], axis=1)
    slice_, row, column = np.linalg.solve(steps, np.asarray(ras) - first)
    return round(float(slice_)), float(row), float(column)
