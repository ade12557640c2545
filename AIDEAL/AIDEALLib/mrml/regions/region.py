"""Regions of a scene on the grid of the maps, from its segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ...statistics import liver_part, unique_names
from ..volumes import array_of
from .grid import voxels_on_grid
from .map_arrays import BoolArray, Box


@dataclass(frozen=True, eq=False)
class Region:
    """A region on the grid of the maps.

    Attributes
    ----------
    name : str
        Name of the region.
    box : tuple of slice
        Bounding box (slice, row, column).
    voxels : array of bool
        Voxels of the region inside the box.
    liver : bool
        True for liver, which alone is graded.
    segment_id : str
        Identifier of its segment.
    color : tuple of float
        Colour of its segment, RGB from 0 to 1.
    terminology : str
        Terminology entry of its segment, '' where it has none.
    """

    name: str
    box: Box
    voxels: BoolArray
    liver: bool = True
    segment_id: str = ""
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)
    terminology: str = ""

    def holds(self, voxel: tuple[int, int, int] | None) -> bool:
        """Whether a voxel (slice, row, column) of the maps is in the region."""
        if voxel is None or not all(part.start <= n < part.stop for n, part in zip(voxel, self.box, strict=True)):
            return False
        return bool(self.voxels[tuple(n - part.start for n, part in zip(voxel, self.box, strict=True))])


def segment_region(segmentation: Any, segment_id: str, volume: Any) -> Region:
    """Voxels of a segment on the grid of a volume.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
        The segmentation.
    segment_id : str
        Identifier of the segment.
    volume : vtkMRMLScalarVolumeNode
        Volume with the grid.

    Returns
    -------
    Region
        The region; empty where the segment has no voxels.
    """
    segment = segmentation.GetSegmentation().GetSegment(segment_id)
    name = segment.GetName() or segment_id
    terminology, whole = _terminology(segment), array_of(volume).shape
    liver = liver_part(name, terminology) is not None
    nothing = np.zeros((0, 0, 0), bool)
    empty = Region(name, (slice(0, 0),) * 3, nothing, liver, segment_id, tuple(segment.GetColor()), terminology)
    labelmap = slicer.vtkOrientedImageData()
    binary = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    if not segment.GetRepresentation(binary):
        if not segmentation.GetSegmentation().GetNumberOfSegments() or not segmentation.CreateBinaryLabelmapRepresentation():
            return empty
        if not segment.GetRepresentation(binary):
            return empty
    if not segmentation.GetBinaryLabelmapRepresentation(segment_id, labelmap) or labelmap.IsEmpty():
        return empty
    placed = voxels_on_grid(labelmap, segmentation, volume)
    if placed is not None:
        box, voxels = placed
        return replace(empty, box=box, voxels=voxels)
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    reference = logic.CreateOrientedImageDataFromVolumeNode(volume, segmentation.GetParentTransformNode())
    resampled = slicer.vtkOrientedImageData()
    resample = slicer.vtkOrientedImageDataResample
    if not resample.ResampleOrientedImageToReferenceOrientedImage(labelmap, reference, resampled, False, False):
        return empty
    values = _oriented_array(resampled, whole)
    filled = bounding_box(values > 0)
    return empty if filled is None else replace(empty, box=filled, voxels=values[filled] > 0)


def regions_of(segmentation: Any, volume: Any) -> list[Region]:
    """All segments of a segmentation node on the grid of a volume, no two of one name; [] for no segmentation."""
    if segmentation is None or segmentation.GetSegmentation() is None:
        return []
    stored = segmentation.GetSegmentation()
    found = [segment_region(segmentation, stored.GetNthSegmentID(n), volume) for n in range(stored.GetNumberOfSegments())]
    return [replace(region, name=name) for region, name in zip(found, unique_names(r.name for r in found), strict=True)]


def whole_voxels(region: Region, shape: tuple[int, ...]) -> BoolArray:
    """Voxels of a region on the whole grid of the maps."""
    voxels = np.zeros(shape, bool)
    voxels[region.box] = region.voxels
    return voxels


def _terminology(segment: Any) -> str:
    """Terminology entry of a segment, '' where it has none."""
    entry = vtk.reference("")
    return str(entry) if segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry) else ""


def _oriented_array(image: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    from vtk.util.numpy_support import vtk_to_numpy

    extent = image.GetExtent()
    size = (extent[5] - extent[4] + 1, extent[3] - extent[2] + 1, extent[1] - extent[0] + 1)
    scalars = image.GetPointData().GetScalars()
    if scalars is None or min(size) <= 0:
        return np.zeros(shape, np.uint8)
    values = vtk_to_numpy(scalars).reshape(size)
    if size == tuple(shape):
        return values
    whole = np.zeros(shape, values.dtype)
    whole[extent[4] : extent[5] + 1, extent[2] : extent[3] + 1, extent[0] : extent[1] + 1] = values
    return whole


def bounding_box(voxels: BoolArray) -> Box | None:
    """Smallest box that holds all voxels, None without any."""
    ends = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(voxels.any(axis=others))
        if not where.size:
            return None
        ends.append(slice(int(where[0]), int(where[-1]) + 1))
    return ends[0], ends[1], ends[2]
