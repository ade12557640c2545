"""Outline of the place of a finding in the views."""

from __future__ import annotations

import vtk

from .. import nodes
from ..nodes import MapNodes
from ..volumes import world_position

OUTLINE_ROLE = "finding"


def outline(maps: MapNodes, slice_: int, box: tuple[int, ...]) -> None:
    """Draw a rectangle around a place, instead of the one drawn before.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    slice_ : int
        Number of the slice, from 0.
    box : tuple of int
        First and last row, first and last column.
    """
    node = nodes.helper_of(maps.pdff, OUTLINE_ROLE)
    if node is None:
        node = nodes.add_helper(maps.pdff, "vtkMRMLMarkupsClosedCurveNode", OUTLINE_ROLE, "Finding")
        node.SetLocked(True)
        node.SetCurveTypeToLinear()
        display = node.GetDisplayNode()
        display.SetPointLabelsVisibility(False)
        display.SetPropertiesLabelVisibility(False)
        display.SetGlyphScale(0.1)
        display.SetSelectedColor(1.0, 0.2, 0.8)
    low_row, high_row, low_column, high_column = box[0] - 1, box[1] + 1, box[2] - 1, box[3] + 1
    corners = ((low_row, low_column), (low_row, high_column), (high_row, high_column), (high_row, low_column))
    points = vtk.vtkPoints()
    for row, column in corners:
        points.InsertNextPoint(world_position(maps.pdff, slice_, row, column))
    node.SetControlPointPositionsWorld(points)
