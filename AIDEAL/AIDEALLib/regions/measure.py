"""Statistics of segments as a run requests them: edges and vessels left out, circles suggested and measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..parameter_maps import ParameterMaps
from ..statistics import (
    TANG_2015,
    LiverPart,
    LowConfidence,
    MapArrays,
    Measuring,
    RegionFit,
    RunErrors,
    Sample,
    Segment,
    SegmentStatistics,
    SteatosisCutoffs,
    region_statistics,
    segment_statistics,
    with_groups,
)
from .exclude import LeaveOut, leave_out, vessel_like
from .suggest import CircleRules, Suggestion, nine_segments, suggest_circles

ALL_CIRCLES = "all circles"


@dataclass(frozen=True)
class RegionOptions:
    """How segments are measured.

    Attributes
    ----------
    leave_out : LeaveOut
        What is left out of each segment.
    circles : CircleRules or None
        Rules of the circles suggested in the segments of the liver; None for no circles.
    cutoffs : SteatosisCutoffs or None
        Cut-offs of the steatosis grades.
    """

    leave_out: LeaveOut = field(default_factory=LeaveOut)
    circles: CircleRules | None = None
    cutoffs: SteatosisCutoffs | None = TANG_2015


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured.

    Attributes
    ----------
    rows : list of SegmentStatistics
        Segments, the lobes and the liver that they make, circles, all circles together. Voxels and volume are those of the
        whole segment, `used_voxels` those left.
    segments : list of Segment
        What each row is about, with its voxels, edges and vessels included.
    circles : list of Segment
        Circles suggested.
    notes : tuple of str
        How much was left of each segment, why each circle lies where it does, and where none fits.
    """

    rows: list[SegmentStatistics]
    segments: list[Segment]
    circles: list[Segment]
    notes: tuple[str, ...]


def measure_segments(
    maps: ParameterMaps, segments: Sequence[Segment], options: RegionOptions, joint: RegionFit | None = None
) -> Measured:
    """Measure the segments of a scan.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the scan.
    segments : sequence of Segment
        Segments; they may overlap, and each is measured whole.
    options : RegionOptions
        What is left out and which circles are suggested.
    joint : callable, optional
        Joint estimate of a region.

    Returns
    -------
    Measured
    """
    volume_ml, errors = maps.geometry.voxel_volume_ml, RunErrors.of(maps.provenance.as_dict())
    how = Measuring(volume_ml, cutoffs=options.cutoffs, errors=errors, joint=joint)
    whole = with_groups(segments, maps.mask)
    rows, notes = [], list[str]()
    if options.leave_out:
        kept, notes = _kept(maps, segments, options.leave_out)
        for row, segment in zip(segment_statistics(maps, with_groups(kept, maps.mask), how), whole, strict=True):
            voxels = int(np.count_nonzero(segment.mask))
            rows.append(replace(row, voxels=voxels, volume_ml=voxels * volume_ml))
    else:
        rows = segment_statistics(maps, whole, how)
    circles: list[Segment] = []
    if options.circles is not None:
        suggestion = circles_in_liver(maps, segments, options.circles)
        circles = drawn(suggestion, maps.mask.shape, maps.geometry.spacing_mm)
        lobes = [segment.mask for segment in segments if segment.part is not None]
        rows += circle_rows(maps, circles, replace(how, joint=None), lobes)
        whole += with_all(circles)
        notes += [circle.reason for circle in suggestion.circles] + list(suggestion.without)
    return Measured(rows, whole, circles, (*withheld_notes(rows), *notes))


def withheld_notes(rows: Sequence[SegmentStatistics]) -> list[str]:
    """A sentence for each region that has no number."""
    return [f"{row.name}: {row.without_number}." for row in rows if row.withheld]


def circles_in_liver(maps: ParameterMaps, segments: Sequence[Segment], rules: CircleRules) -> Suggestion:
    """Circles in each segment that is liver, in the order of Couinaud where there are such segments.

    Where segments overlap, a voxel belongs to the first; a segment of the whole liver is left out where its parts are drawn.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the scan.
    segments : sequence of Segment
        Segments.
    rules : CircleRules
        Rules of the circles.

    Returns
    -------
    Suggestion
        Without circles, and a sentence, where no segment is recognised as liver.
    """
    parts = [segment for segment in segments if segment.part is not None]
    smaller = [segment for segment in parts if segment.part is not LiverPart.LIVER]
    couinaud = nine_segments(smaller)
    chosen = couinaud if len(couinaud) > 1 else smaller or parts
    if not chosen:
        listed = ", ".join(segment.name for segment in segments)
        return Suggestion((), (f"No circles: none of the segments {listed} is recognised as liver.",))
    liver = np.zeros(maps.mask.shape, np.bool_)
    regions = {}
    for segment in chosen:
        regions[segment.name] = segment.mask & ~liver
        liver |= segment.mask
    spacing = maps.geometry.spacing_mm
    usable = maps.mask & ~LowConfidence().select(maps) & ~vessel_like(liver & maps.mask, _contrasts(maps), spacing)
    return suggest_circles(regions, usable, spacing, maps.geometry.direction, rules)


def drawn(suggestion: Suggestion, shape: tuple[int, ...], spacing_mm: tuple[float, float, float]) -> list[Segment]:
    """Circles as segments, named after their region, with 'ROI' and a number within it.

    Parameters
    ----------
    suggestion : Suggestion
        The circles.
    shape : tuple of int
        Voxels of the scan along (slice, row, column).
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).

    Returns
    -------
    list of Segment
    """
    circles, counts = [], dict[str, int]()
    slices, rows, columns = shape
    for circle in suggestion.circles:
        counts[circle.place] = counts.get(circle.place, 0) + 1
        name = f"{circle.place} ROI {counts[circle.place]}"
        circles.append(Segment(name, circle.voxels((slices, rows, columns), spacing_mm)))
    return circles


def _kept(maps: ParameterMaps, segments: Sequence[Segment], options: LeaveOut) -> tuple[list[Segment], list[str]]:
    """Segments without edges and vessels, and a sentence on what is left of each."""
    organ = np.any([s.mask for s in segments if s.part is not None] or [np.zeros_like(maps.mask)], axis=0)
    kept, notes = [], []
    for segment in segments:
        around = organ if segment.part is not None else segment.mask
        left = leave_out(segment.mask & maps.mask, around, _contrasts(maps), maps.geometry.spacing_mm, options)
        kept.append(replace(segment, mask=left.voxels))
        notes.append(left.sentence(segment.name))
    return kept, notes


def with_all(circles: Sequence[Segment]) -> list[Segment]:
    """Circles, and all voxels of several circles."""
    if len(circles) < 2:
        return list(circles)
    return [*circles, Segment(ALL_CIRCLES, np.any([circle.mask for circle in circles], axis=0))]


def circle_rows(
    maps: MapArrays, circles: Sequence[Segment], how: Measuring, lobes: Sequence[npt.NDArray[np.bool_]] = ()
) -> list[SegmentStatistics]:
    """Statistics of circles in the liver.

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    circles : sequence of Segment
        The circles.
    how : Measuring
        How they are measured.
    lobes : sequence of np.ndarray, shape (slice, row, column), bool
        Lobes or segments that the circles are samples of.

    Returns
    -------
    list of SegmentStatistics
        A row for each circle, and one for all voxels of several circles.
    """
    rows = []
    for circle in with_all(circles):
        lobe = next((lobe for lobe in lobes if np.any(lobe & circle.mask) and not np.any(circle.mask & ~lobe)), None)
        rows.append(region_statistics(maps, circle.mask, circle.name, how, Sample(lobe)))
    return rows


def _contrasts(maps: ParameterMaps) -> tuple[npt.NDArray[np.float32], ...]:
    return maps.water, maps.r2star, maps.pdff
