"""Two runs of a scene as two visits: what is compared, and its maps on the grid of the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...comparison.compare import Visit
from ...comparison.exchange import Compared
from ...io.segmentation import Segmentation
from ...statistics import Segment
from .. import nodes
from ..nodes import MapNodes
from ..regions import drawing, owners
from ..regions.measure import ALL_CIRCLES, MeasureOptions, measure
from ..regions.region import Region, regions_of, whole_voxels
from ..views.colors import create_display, set_up_volume_display
from ..volumes import array_of, fill_volume, geometry_of
from .documents import parameter_maps
from .folders import place_in_folder

CHANGE, FOLLOW_UP = "change", "follow_up"
WINDOW_POINTS = 15.0


def visit_of(maps: MapNodes, segmentation: Any, options: MeasureOptions, diameter_mm: float) -> Visit:
    """A run with its regions as a visit.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    segmentation : vtkMRMLSegmentationNode or None
        Lobes or segments of its scan.
    options : MeasureOptions
        How regions are measured.
    diameter_mm : float, mm
        Diameter of the circles that have none of their own.

    Returns
    -------
    Visit

    Raises
    ------
    InputError
        A map or the provenance of the run is not in the scene any more.
    """
    circles = drawing.update_circles(maps.pdff.GetScene(), maps.pdff, diameter_mm)
    drawn = regions_of(segmentation, maps.pdff) if segmentation is not circles else []
    found = regions_of(circles, maps.pdff)
    rows = measure(maps, drawn, options) + measure(maps, found, options, ALL_CIRCLES, drawn)
    name = owners.name_of(maps.scan) or maps.pdff.GetName()
    shape = array_of(maps.pdff).shape
    return Visit(name, parameter_maps(maps), rows, _segmentation(drawn, shape), _segmentation(found, shape))


def regions_of_scan(maps: MapNodes) -> Any:
    """Segmentation that was made last on the scan of a run, None where there is none."""
    return owners.segmentation_of(maps.pdff.GetScene(), maps.scan)


def add_change(baseline: MapNodes, follow_up: MapNodes, found: Compared) -> None:
    """Put difference and moved follow-up beside the maps of the baseline, instead of those of an earlier comparison.

    Parameters
    ----------
    baseline, follow_up : MapNodes
        Maps of both visits.
    found : Compared
        The comparison.
    """
    scan = baseline.pdff.GetAttribute(nodes.SOURCE_NAME) or ""
    other = owners.name_of(follow_up.scan)
    for key, title, values in (
        (CHANGE, "PDFF change", found.difference),
        (FOLLOW_UP, "PDFF at follow-up", found.follow_up_pdff),
    ):
        role = nodes.map_role(key)
        node = baseline.pdff.GetNodeReference(role)
        if node is None:
            node = baseline.pdff.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", "")
            node.SetAttribute(nodes.ROLE, key)
            node.SetNodeReferenceID(nodes.PDFF_ROLE, baseline.pdff.GetID())
            baseline.pdff.SetNodeReferenceID(role, node.GetID())
            create_display(node)
        node.SetName(nodes.node_name(f"{title} ({other})" if other != scan else title, scan))
        fill_volume(node, np.nan_to_num(values).astype(np.float32), geometry_of(baseline.pdff))
        node.SetAndObserveTransformNodeID(baseline.pdff.GetTransformNodeID())
        set_up_volume_display(node, key)
        place_in_folder(baseline, node)
    baseline.pdff.GetNodeReference(nodes.map_role(CHANGE)).GetDisplayNode().SetWindowLevelMinMax(-WINDOW_POINTS, WINDOW_POINTS)


def _segmentation(regions: Sequence[Region], shape: tuple[int, ...]) -> Segmentation | None:
    filled = [Segment(r.name, whole_voxels(r, shape), r.terminology) for r in regions if r.voxels.any()]
    return Segmentation.of(filled) if filled else None
