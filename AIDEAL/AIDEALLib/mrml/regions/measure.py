"""Statistics of regions in the scene: voxels of segments, statistics by `AIDEALLib.statistics`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer
import vtk

from ...choices import Preset
from ...regions.exclude import LeaveOut, leave_out
from ...statistics import (
    TANG_2015,
    WHOLE_LIVER,
    JointFit,
    LowConfidence,
    RunErrors,
    Sample,
    SegmentStatistics,
    SteatosisCutoffs,
    liver_groups,
    liver_part,
    region_statistics,
    withheld_with_members,
)
from ..nodes import FOREGROUND, MapNodes
from ..volumes import array_of, geometry_of
from .grid import voxels_on_grid

BoolArray = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]
JointOfBox = Callable[[BoolArray, Box], JointFit | None]
"""Joint estimate of voxels inside a box of the grid, None where it is not known."""


@dataclass(frozen=True, eq=False)
class MapArrays:
    """Arrays that statistics need of the maps in a scene; views on the volumes, shape (slice, row, column).

    Attributes
    ----------
    pdff : array, percent
        PDFF.
    pdff_sd : array, percentage points
        SD of the PDFF given the right mode.
    pdff_total_sd : array, percentage points
        SD of the PDFF, swap included.
    swap_probability : array
        Probability of a swap.
    r2star : array, 1/s
        R2*.
    water, fat : array
        Amplitudes.
    residual : array, percent
        Misfit.
    mask : array of bool
        Voxels with an estimate.
    """

    pdff: npt.NDArray[np.floating]
    pdff_sd: npt.NDArray[np.floating]
    pdff_total_sd: npt.NDArray[np.floating]
    swap_probability: npt.NDArray[np.floating]
    r2star: npt.NDArray[np.floating]
    water: npt.NDArray[np.floating]
    fat: npt.NDArray[np.floating]
    residual: npt.NDArray[np.floating]
    mask: BoolArray

    def cropped(self, box: Box) -> MapArrays:
        """The part of the maps inside a box."""
        return MapArrays(*(getattr(self, entry.name)[box] for entry in fields(self)))


@dataclass(frozen=True)
class MeasureOptions:
    """How regions are measured.

    Attributes
    ----------
    low_confidence : LowConfidence
        Limits of low confidence.
    exclude_low_confidence : bool
        Leave out voxels of low confidence.
    cutoffs : SteatosisCutoffs
        Cut-offs of the steatosis grades.
    leave_out : LeaveOut
        Edges and vessels to leave out of drawn regions.
    joint : callable, optional
        Joint estimate of a region.
    """

    low_confidence: LowConfidence = field(default_factory=LowConfidence)
    exclude_low_confidence: bool = False
    cutoffs: SteatosisCutoffs = TANG_2015
    leave_out: LeaveOut = field(default_factory=LeaveOut)
    joint: JointOfBox | None = field(default=None, compare=False)


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
    """

    name: str
    box: Box
    voxels: BoolArray
    liver: bool = True
    segment_id: str = ""
    color: tuple[float, float, float] = (0.5, 0.5, 0.5)

    def holds(self, voxel: tuple[int, int, int] | None) -> bool:
        """Whether a voxel (slice, row, column) of the maps is in the region."""
        if voxel is None or not all(part.start <= n < part.stop for n, part in zip(voxel, self.box, strict=True)):
            return False
        return bool(self.voxels[tuple(n - part.start for n, part in zip(voxel, self.box, strict=True))])


def map_arrays(maps: MapNodes) -> MapArrays:
    """Arrays of the maps of a run. A map that was deleted counts as 0; the foreground then is where the SD is above 0."""
    pdff = array_of(maps.pdff)

    def array(name: str) -> npt.NDArray[np.floating]:
        return array_of(maps[name]) if name in maps and array_of(maps[name]).shape == pdff.shape else np.zeros_like(pdff)

    sd = array("pdff_total_sd")
    mask = array(FOREGROUND) > 0 if FOREGROUND in maps else sd > 0
    names = [entry.name for entry in fields(MapArrays) if entry.name not in ("pdff", "pdff_total_sd", "mask")]
    return MapArrays(pdff=pdff, pdff_total_sd=sd, mask=mask, **{name: array(name) for name in names})


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
    liver = liver_part(name, _terminology(segment)) is not None
    whole = array_of(volume).shape
    empty = Region(name, (slice(0, 0),) * 3, np.zeros((0, 0, 0), bool), liver, segment_id, tuple(segment.GetColor()))
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
        return Region(name, *placed, liver, segment_id, tuple(segment.GetColor()))
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    reference = logic.CreateOrientedImageDataFromVolumeNode(volume, segmentation.GetParentTransformNode())
    resampled = slicer.vtkOrientedImageData()
    resample = slicer.vtkOrientedImageDataResample
    if not resample.ResampleOrientedImageToReferenceOrientedImage(labelmap, reference, resampled, False, False):
        return empty
    values = _oriented_array(resampled, whole)
    box = _bounding_box(values > 0)
    if box is None:
        return empty
    voxels = values[box] > 0
    return Region(name, box, voxels, liver, segment_id, tuple(segment.GetColor()))


def regions_of(segmentation: Any, volume: Any) -> list[Region]:
    """All segments of a segmentation node on the grid of a volume; [] for no segmentation."""
    if segmentation is None or segmentation.GetSegmentation() is None:
        return []
    stored = segmentation.GetSegmentation()
    return [segment_region(segmentation, stored.GetNthSegmentID(n), volume) for n in range(stored.GetNumberOfSegments())]


def of_tissue(maps: MapNodes) -> bool:
    """False for maps of a phantom, which have no steatosis grades."""
    preset = maps.provenance().get("options", {}).get("run", {}).get("preset")
    return next((known.tissue for known in Preset if known.value == preset), True)


ALL_CIRCLES = "circles, both lobes"


def measure(
    maps: MapNodes,
    regions: list[Region],
    options: MeasureOptions,
    together: str = WHOLE_LIVER,
    lobes_of_samples: Sequence[Region] | None = None,
) -> list[SegmentStatistics]:
    """Statistics of each region, then of the lobes and the liver that several regions make.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    regions : list of Region
        The regions.
    options : MeasureOptions
        How to measure.
    together : str
        Name of the row of the whole liver; circles have their own, from which edges and vessels are not left out.
    lobes_of_samples : sequence of Region, optional
        For circles, which are samples of a lobe: the lobes drawn, where there are any.

    Returns
    -------
    list of SegmentStatistics
        One row a region; regions of a phantom have no steatosis grade.
    """
    arrays = map_arrays(maps)
    errors = RunErrors.of(maps.provenance())
    cutoffs = options.cutoffs if of_tissue(maps) else None
    volume_ml = geometry_of(maps.pdff).voxel_volume_ml
    measured = list(regions)
    if options.leave_out and together == WHOLE_LIVER:
        measured = _left(maps, arrays, regions, options.leave_out)
    whole, groups = list(regions), {}
    for name, members in liver_groups(dict(enumerate(region.name for region in regions))).items():
        if name == WHOLE_LIVER or together == WHOLE_LIVER:
            row = together if name == WHOLE_LIVER else name
            with_signal = [n for n in members if np.any(regions[n].voxels & arrays.mask[regions[n].box])]
            measured, whole = ([*of, _union(row, [of[n] for n in with_signal], arrays.pdff.shape)] for of in (measured, whole))
            groups[row] = members
    rows = []
    for region in measured:
        lobe = _lobe_around(region, lobes_of_samples or (), arrays.pdff.shape)
        slices, height, width = arrays.pdff.shape
        box = region.box if lobe is None else (slice(0, slices), slice(0, height), slice(0, width))
        rows.append(
            region_statistics(
                arrays if lobe is not None else arrays.cropped(region.box),
                _on_grid(region, arrays.pdff.shape) if lobe is not None else region.voxels,
                region.name,
                voxel_volume_ml=volume_ml,
                low_confidence=options.low_confidence,
                exclude_low_confidence=options.exclude_low_confidence,
                cutoffs=cutoffs if region.liver else None,
                errors=errors,
                sample=None if lobes_of_samples is None else Sample(lobe),
                joint=partial(_joint_in, options.joint, box) if options.joint is not None else None,
            )
        )
    rows = [withheld_with_members(row, [rows[n] for n in groups.get(row.name, ())]) for row in rows]
    counts = [int(np.count_nonzero(region.voxels)) for region in whole]
    return [replace(row, voxels=count, volume_ml=count * volume_ml) for row, count in zip(rows, counts, strict=True)]


def _joint_in(joint: JointOfBox, box: Box, used: BoolArray) -> JointFit | None:
    return joint(used, box)


def _lobe_around(circle: Region, lobes: Sequence[Region], shape: tuple[int, ...]) -> BoolArray | None:
    """Voxels of the lobe that holds most of a circle, on the grid of the maps."""
    if not lobes or not circle.voxels.any():
        return None
    inside = _on_grid(circle, shape)
    for lobe in lobes:
        voxels = _on_grid(lobe, shape)
        if np.count_nonzero(voxels & inside) > np.count_nonzero(inside) / 2:
            return voxels
    return None


def _on_grid(region: Region, shape: tuple[int, ...]) -> BoolArray:
    voxels = np.zeros(shape, np.bool_)
    voxels[region.box] = region.voxels
    return voxels


def histogram(maps: MapNodes, region: Region, low: float = -5.0, high: float = 55.0, bins: int = 60) -> tuple[Any, Any]:
    """Histogram of the PDFF of a region.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    region : Region
        The region.
    low, high : float, percent
        Range; values outside it count in the first or last bin.
    bins : int
        Number of bins.

    Returns
    -------
    centers : array, percent
        Centres of the bins.
    share : array, percent
        Share of the region's estimated voxels in each bin.
    """
    arrays = map_arrays(maps).cropped(region.box)
    values = arrays.pdff[region.voxels & arrays.mask]
    counts, edges = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))
    share = 100.0 * counts / max(values.size, 1)
    return (edges[:-1] + edges[1:]) / 2, share


def whole_voxels(region: Region, shape: tuple[int, ...]) -> BoolArray:
    """Voxels of a region on the whole grid of the maps."""
    voxels = np.zeros(shape, bool)
    voxels[region.box] = region.voxels
    return voxels


def contrasts(maps: MapNodes, arrays: MapArrays) -> list[npt.NDArray[np.floating]]:
    """Maps in which vessels differ; water is left out where its map was deleted."""
    water = [array_of(maps["water"])] if "water" in maps else []
    return [*water, arrays.r2star, arrays.pdff]


def _left(maps: MapNodes, arrays: MapArrays, regions: list[Region], options: LeaveOut) -> list[Region]:
    """Regions without edges and vessels."""
    shape, spacing_mm = arrays.pdff.shape, geometry_of(maps.pdff).spacing_mm
    organ = np.zeros(shape, bool)
    for region in regions:
        if region.liver:
            organ[region.box] |= region.voxels
    kept = []
    for region in regions:
        voxels = whole_voxels(region, shape) & arrays.mask
        around = organ if region.liver else voxels
        left = leave_out(voxels, around, contrasts(maps, arrays), spacing_mm, options).voxels
        box = _bounding_box(left) or (slice(0, 0),) * 3
        kept.append(replace(region, box=box, voxels=left[box]))
    return kept


def terminology_of(segmentation: Any, segment_id: str) -> str:
    """Terminology entry of a segment of a node, '' where it has none."""
    return _terminology(segmentation.GetSegmentation().GetSegment(segment_id))


def _terminology(segment: Any) -> str:
    """Terminology entry of a segment, '' where it has none."""
    entry = vtk.reference("")
    return str(entry) if segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry) else ""


def _union(name: str, regions: list[Region], shape: tuple[int, ...]) -> Region:
    voxels = np.zeros(shape, bool)
    for region in regions:
        voxels[region.box] |= region.voxels
    box = _bounding_box(voxels) or (slice(0, 0),) * 3
    return Region(name, box, voxels[box])


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


def _bounding_box(voxels: BoolArray) -> Box | None:
    ends = []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        where = np.flatnonzero(voxels.any(axis=others))
        if not where.size:
            return None
        ends.append(slice(int(where[0]), int(where[-1]) + 1))
    return ends[0], ends[1], ends[2]
