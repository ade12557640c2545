"""Circles suggested in the lobes and segments of a scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...regions.exclude import vessel_like
from ...regions.suggest import CircleRules, Suggestion, suggest_circles
from ...statistics import LowConfidence, liver_part
from ..nodes import MapNodes
from ..volumes import geometry_of, world_position
from . import drawing
from .map_arrays import contrasts, map_arrays
from .region import Region, whole_voxels

NO_LIVER = "Suggestions need lobes or Couinaud segments with voxels; draw, import or split the liver first."


def suggest(maps: MapNodes, regions: list[Region], limits: LowConfidence, rules: CircleRules | None = None) -> Suggestion:
    """Suggest circles in each region that is a lobe or a segment of the liver.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    regions : list of Region
        Regions drawn.
    limits : LowConfidence
        Limits of low confidence.
    rules : CircleRules, optional
        Rules of the circles.

    Returns
    -------
    Suggestion
        Places are names of `drawing.PLACES`.
    """
    arrays = map_arrays(maps)
    shape, geometry = arrays.pdff.shape, geometry_of(maps.pdff)
    places = {place: region for region in regions if region.voxels.any() and (place := place_of(region.name))}
    if not places:
        return Suggestion((), (NO_LIVER,))
    voxels = {place: whole_voxels(region, shape) for place, region in places.items()}
    liver = arrays.mask & np.any(list(voxels.values()), axis=0)
    vessels = vessel_like(liver, contrasts(maps, arrays), geometry.spacing_mm)
    usable = arrays.mask & ~limits.select(arrays) & ~vessels
    return suggest_circles(voxels, usable, geometry.spacing_mm, geometry.direction, rules)


def add_circles(scene: Any, maps: MapNodes, found: Suggestion) -> list[Any]:
    """Add suggested circles to the scene, each with its diameter and reason.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    maps : MapNodes
        Maps of the run.
    found : Suggestion
        The circles.

    Returns
    -------
    list of vtkMRMLMarkupsFiducialNode
        Markups of the places that have one.
    """
    for circle in found.circles:
        slice_, row, column = circle.center
        ras = world_position(maps.pdff, float(slice_), float(row), float(column))
        drawing.add_circle(scene, circle.place, ras, 2 * circle.radius_mm, circle.reason, maps.scan)
    return [drawing.roi_points(scene, place, maps.scan) for place in dict.fromkeys(circle.place for circle in found.circles)]


def place_of(name: str) -> str:
    """Place of circles in a region of this name, '' where it is no lobe or segment."""
    part = liver_part(name)
    if part is None:
        return ""
    return next((place for place in drawing.PLACES if liver_part(place) is part), "")
