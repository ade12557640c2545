"""Statistics of regions in the scene, by `AIDEALLib.statistics`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from ...choices import Preset
from ...regions.exclude import LeaveOut, leave_out
from ...statistics import (
    TANG_2015,
    WHOLE_LIVER,
    JointFit,
    LowConfidence,
    Measuring,
    RunErrors,
    Sample,
    SegmentStatistics,
    SteatosisCutoffs,
    liver_groups,
    region_statistics,
    withheld_with_members,
)
from ..nodes import MapNodes
from ..volumes import geometry_of
from .map_arrays import BoolArray, Box, MapArrays, contrasts, map_arrays
from .region import Region, bounding_box, whole_voxels

JointOfBox = Callable[[BoolArray, Box], JointFit | None]
"""Joint estimate of voxels inside a box of the grid, None where it is not known."""


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
    entries = {n: region.terminology for n, region in enumerate(regions)}
    for name, members in liver_groups({n: region.name for n, region in enumerate(regions)}, entries).items():
        if name == WHOLE_LIVER or together == WHOLE_LIVER:
            row = together if name == WHOLE_LIVER else name
            with_signal = [n for n in members if np.any(regions[n].voxels & arrays.mask[regions[n].box])]
            measured, whole = ([*of, _union(row, [of[n] for n in with_signal], arrays.pdff.shape)] for of in (measured, whole))
            groups[row] = members
    how = Measuring(volume_ml, options.low_confidence, options.exclude_low_confidence, cutoffs, errors)
    rows = []
    for region in measured:
        lobe = _lobe_around(region, lobes_of_samples or (), arrays.pdff.shape)
        slices, height, width = arrays.pdff.shape
        box = region.box if lobe is None else (slice(0, slices), slice(0, height), slice(0, width))
        rows.append(
            region_statistics(
                arrays if lobe is not None else arrays.cropped(region.box),
                whole_voxels(region, arrays.pdff.shape) if lobe is not None else region.voxels,
                region.name,
                replace(
                    how,
                    cutoffs=cutoffs if region.liver else None,
                    errors=errors.within(box, arrays.pdff.shape),
                    joint=partial(_joint_in, options.joint, box) if options.joint is not None else None,
                ),
                None if lobes_of_samples is None else Sample(lobe),
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
    inside = whole_voxels(circle, shape)
    for lobe in lobes:
        voxels = whole_voxels(lobe, shape)
        if np.count_nonzero(voxels & inside) > np.count_nonzero(inside) / 2:
            return voxels
    return None


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
        box = bounding_box(left) or (slice(0, 0),) * 3
        kept.append(replace(region, box=box, voxels=left[box]))
    return kept


def _union(name: str, regions: list[Region], shape: tuple[int, ...]) -> Region:
    voxels = np.zeros(shape, bool)
    for region in regions:
        voxels[region.box] |= region.voxels
    box = bounding_box(voxels) or (slice(0, 0),) * 3
    return Region(name, box, voxels[box])
