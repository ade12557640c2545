"""Helpers for drawing: a circle copied through the slices, and a range of the signal that the editor draws in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nodes
from ..nodes import MapNodes
from ..volumes import array_of, voxel_at, world_position
from . import drawing
from .map_arrays import map_arrays
from .region import Region

OF_NORMAL = 1.4826
"""Median of the absolute deviations to the SD of a normal distribution."""
WIDTH_SDS = 3.0
FATTY_PERCENT = 50.0


def find_circle(scene: Any, scan: Any, name: str) -> tuple[Any, int] | None:
    """Markups and number of a circle.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    scan : vtkMRMLNode
        Scan that the circle belongs to.
    name : str
        Name of the circle; the last one placed where there is none of that name.

    Returns
    -------
    tuple of vtkMRMLMarkupsFiducialNode and int, or None
        None where there are no circles.
    """
    found = [
        (points, number)
        for points in drawing.all_roi_points(scene, scan)
        for number in range(points.GetNumberOfControlPoints())
        if points.GetNthControlPointPositionStatus(number) == points.PositionDefined
    ]
    named = [circle for circle in found if circle[0].GetNthControlPointLabel(circle[1]) == name]
    return next(iter(named or found[-1:]), None)


def copy_to_slices(maps: MapNodes, points: Any, number: int, lobes: Sequence[Region]) -> int:
    """Copy a circle to every other slice in which its centre lies in the same lobe, or in the body where none is drawn.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    points : vtkMRMLMarkupsFiducialNode
        Markups of the circle.
    number : int
        Number of the circle among them.
    lobes : sequence of Region
        Lobes and segments drawn.

    Returns
    -------
    int
        Number of copies. Slices that have a circle of this place at the position already are left out.
    """
    ras = [0.0, 0.0, 0.0]
    points.GetNthControlPointPositionWorld(number, ras)
    at = voxel_at(maps.pdff, (ras[0], ras[1], ras[2]))
    if at is None:
        return 0
    mask = map_arrays(maps).mask
    lobe = next((region for region in lobes if region.holds(at)), None)
    there = {voxel_at(maps.pdff, _position(points, n)) for n in range(points.GetNumberOfControlPoints())}
    own = points.GetAttribute(f"{drawing.DIAMETER_ATTRIBUTE} {points.GetNthControlPointID(number)}")
    place = points.GetAttribute(nodes.ROLE).removeprefix(f"{drawing.ROI_POINTS_ROLE} ")
    step = np.subtract(world_position(maps.pdff, 1, 0, 0), world_position(maps.pdff, 0, 0, 0))
    copies = 0
    for slice_ in range(mask.shape[0]):
        voxel = (slice_, at[1], at[2])
        inside = lobe.holds(voxel) if lobe is not None else bool(mask[voxel])
        if voxel in there or not inside:
            continue
        x, y, z = (float(v) for v in np.asarray(ras) + (slice_ - at[0]) * step)
        drawing.add_circle(points.GetScene(), place, (x, y, z), float(own) if own else None, "", maps.scan)
        copies += 1
    return copies


def signal_range(maps: MapNodes, drawn: Sequence[Region]) -> tuple[float, float] | None:
    """Range of the water image that is liver.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    drawn : sequence of Region
        Regions drawn so far.

    Returns
    -------
    tuple of float, or None
        Median and three robust SD of what is drawn of the liver; without it half to one and a half times the median of the
        body outside fat. None where there is no water map.
    """
    if "water" not in maps:
        return None
    water, arrays = array_of(maps["water"]), map_arrays(maps)
    liver = np.zeros(water.shape, bool)
    for region in drawn:
        if region.liver:
            liver[region.box] |= region.voxels
    values = water[liver & arrays.mask]
    if values.size:
        middle = float(np.median(values))
        width = WIDTH_SDS * OF_NORMAL * float(np.median(np.abs(values - middle)))
        return middle - width, middle + width
    lean = water[arrays.mask & (arrays.pdff < FATTY_PERCENT)]
    return (0.5 * float(np.median(lean)), 1.5 * float(np.median(lean))) if lean.size else None


def _position(points: Any, number: int) -> tuple[float, float, float]:
    ras = [0.0, 0.0, 0.0]
    points.GetNthControlPointPositionWorld(number, ras)
    return ras[0], ras[1], ras[2]
