"""Regions to measure: lobes with standard terminology, circles of a fixed diameter."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ...statistics import circle_roi
from .. import nodes
from ..volumes import array_of, geometry_of, ijk_to_ras, voxel_at, world_position
from . import owners
from .grid import voxels_on_grid

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
    name = name or nodes.node_name("Liver", volume.GetAttribute(nodes.SOURCE_NAME) or "")
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetOpacity2DFill(0.0)  # outlines, so that the map is seen
    if volume is not None:
        owners.claim(node, nodes.scan_node_of(volume))
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


def roi_points(scene: Any, place: str, scan: Any = None) -> Any:
    """Markups with the centres of the circles of a place, made where missing.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    place : str
        One of `PLACES`.
    scan : vtkMRMLNode, optional
        Scan that the circles belong to; None takes those of any.

    Returns
    -------
    vtkMRMLMarkupsFiducialNode
        The markups.
    """
    role = f"{ROI_POINTS_ROLE} {place}"
    node = owners.find(scene, owners.POINTS, role, scan)
    if node is None:
        node = scene.AddNewNodeByClass(owners.POINTS, nodes.node_name(f"ROI {place}", owners.name_of(scan)))
        node.SetAttribute(nodes.ROLE, role)
        owners.claim(node, scan)
        node.CreateDefaultDisplayNodes()
        node.SetControlPointLabelFormat(f"{place} ROI %d")
        display = node.GetDisplayNode()
        display.SetSelectedColor(*_CIRCLE_COLORS.get(place, (0.9, 0.9, 0.3)))
        display.SetPointLabelsVisibility(True)
        display.SetTextScale(2.0)
        display.SetGlyphScale(1.0)
    return node


def all_roi_points(scene: Any, scan: Any = None) -> list[Any]:
    """Markups of every place of a scan (of any scan for None), those without a point included."""
    found = [owners.find(scene, owners.POINTS, f"{ROI_POINTS_ROLE} {place}", scan) for place in PLACES]
    return [node for node in found if node is not None]


def add_circle(
    scene: Any,
    place: str,
    ras: tuple[float, float, float],
    diameter_mm: float | None = None,
    reason: str = "",
    scan: Any = None,
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
    scan : vtkMRMLNode, optional
        Scan that the circle belongs to; None takes the markups of any.

    Returns
    -------
    vtkMRMLMarkupsFiducialNode
        The markups it was added to.
    """
    points = roi_points(scene, place, scan)
    number = points.AddControlPoint(vtk.vtkVector3d(*ras))  # its label counts on: the name of a circle outlives others
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
    scan = nodes.scan_node_of(volume)
    node = owners.find(scene, owners.SEGMENTATION, ROI_CIRCLES_ROLE, scan)
    if node is None:
        if not wanted:
            return None
        node = scene.AddNewNodeByClass(owners.SEGMENTATION, nodes.node_name("ROI circles", owners.name_of(scan)))
        node.SetAttribute(nodes.ROLE, ROI_CIRCLES_ROLE)
        owners.claim(node, scan)
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
        elif _holds(node, stored.GetSegmentIdBySegmentName(name), voxels, volume):
            continue  # its outlines are made anew whenever it is set
        set_segment(node, name, voxels, volume)
    node.EndModify(modified)
    return node


def _circles(scene: Any, volume: Any, diameter_mm: float) -> dict[str, tuple[str, np.ndarray]]:
    """Place and voxels of every circle by its name."""
    found: dict[str, tuple[str, np.ndarray]] = {}
    geometry = geometry_of(volume)
    for points in all_roi_points(scene, nodes.scan_node_of(volume)):
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
                label = points.GetNthControlPointLabel(number) or f"{place} ROI {number + 1}"
                found[label if label not in found else f"{label} ({number + 1})"] = (place, voxels)
    return found


def _holds(segmentation: Any, segment_id: str, voxels: np.ndarray, volume: Any) -> bool:
    """Whether a segment has these voxels."""
    labelmap = slicer.vtkOrientedImageData()
    if not segmentation.GetBinaryLabelmapRepresentation(segment_id, labelmap) or labelmap.IsEmpty():
        return False
    placed = voxels_on_grid(labelmap, segmentation, volume)
    return placed is not None and placed[1].sum() == voxels.sum() and bool(voxels[placed[0]][placed[1]].all())


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
