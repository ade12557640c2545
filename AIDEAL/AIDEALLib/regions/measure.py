"""Statistics of segments as a run requests them: edges and vessels left out, circles suggested and measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from ..parameter_maps import ParameterMaps
from ..statistics import (
    TANG_2015,
    UNKNOWN_ERRORS,
    LowConfidence,
    MapArrays,
    RegionFit,
    RunErrors,
    Sample,
    SegmentStatistics,
    SteatosisCutoffs,
    liver_part,
    region_statistics,
    segment_statistics,
)
from .exclude import LeaveOut, leave_out, vessel_like
from .suggest import CircleRules, Suggestion, nine_segments, suggest_circles

Labels = npt.NDArray[np.int32]
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
    circle_labels : np.ndarray, shape (slice, row, column), int32
        Circle of each voxel, numbered from 1; 0 is none.
    circle_names : dict of int to str
        Name of each circle.
    notes : tuple of str
        How much was left of each segment, why each circle lies where it does, and where none fits.
    """

    rows: list[SegmentStatistics]
    circle_labels: Labels
    circle_names: dict[int, str]
    notes: tuple[str, ...]


def measure_segments(
    maps: ParameterMaps,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    options: RegionOptions,
    terminology: Mapping[int, str] | None = None,
    joint: RegionFit | None = None,
) -> Measured:
    """Measure the segments of a scan.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the scan.
    labels : np.ndarray, shape (slice, row, column), int
        Segment of each voxel; 0 is none.
    names : Mapping[int, str]
        Name of each label.
    options : RegionOptions
        What is left out and which circles are suggested.
    terminology : Mapping[int, str], optional
        Terminology entry of each label.
    joint : callable, optional
        Joint estimate of a region.

    Returns
    -------
    Measured
    """
    errors = RunErrors.of(maps.provenance.as_dict())
    kept, notes = _kept_labels(maps, labels, names, options.leave_out, terminology or {})

    def statistics(of: npt.NDArray[np.integer], named: Mapping[int, str]) -> list[SegmentStatistics]:
        volume_ml = maps.geometry.voxel_volume_ml
        return segment_statistics(
            maps,
            of,
            named,
            voxel_volume_ml=volume_ml,
            cutoffs=options.cutoffs,
            terminology=terminology,
            errors=errors,
            joint=joint,
        )

    rows = statistics(kept, names)
    if options.leave_out:
        volume_ml = maps.geometry.voxel_volume_ml
        whole = segment_statistics(maps, np.asarray(labels), names, voxel_volume_ml=volume_ml, terminology=terminology)
        rows = [replace(row, voxels=w.voxels, volume_ml=w.volume_ml) for row, w in zip(rows, whole, strict=True)]
    circle_labels, circle_names = np.zeros(labels.shape, np.int32), dict[int, str]()
    if options.circles is not None:
        suggestion = circles_in_liver(maps, labels, names, options.circles, terminology)
        circle_labels, circle_names = drawn(suggestion, circle_labels, maps.geometry.spacing_mm)
        known = terminology or {}
        lobes = [labels == label for label, name in names.items() if liver_part(name, known.get(label, ""))]
        volume_ml = maps.geometry.voxel_volume_ml
        rows += circle_rows(maps, circle_labels, circle_names, volume_ml, options.cutoffs, errors=errors, lobes=lobes)
        notes += [circle.reason for circle in suggestion.circles] + list(suggestion.without)
    return Measured(rows, circle_labels, circle_names, (*withheld_notes(rows), *notes))


def withheld_notes(rows: Sequence[SegmentStatistics]) -> list[str]:
    """A sentence for each region that has no number."""
    return [f"{row.name}: {row.without_number}." for row in rows if row.withheld]


def circles_in_liver(
    maps: ParameterMaps,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    rules: CircleRules,
    terminology: Mapping[int, str] | None = None,
) -> Suggestion:
    """Circles in each segment that is liver (`liver_part`), in the order of Couinaud where there are such segments.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the scan.
    labels : np.ndarray, shape (slice, row, column), int
        Segment of each voxel; 0 is none.
    names : Mapping[int, str]
        Name of each label.
    rules : CircleRules
        Rules of the circles.
    terminology : Mapping[int, str], optional
        Terminology entry of each label.

    Returns
    -------
    Suggestion
        Without circles, and a sentence, where no segment is recognised as liver.
    """
    known = terminology or {}
    regions = {n: labels == label for label, n in sorted(names.items()) if liver_part(n, known.get(label, ""))}
    by_name = {n: known.get(label, "") for label, n in names.items()}
    segments = nine_segments(regions, by_name)
    if len(segments) > 1:
        regions = segments
    if not regions:
        return Suggestion((), (f"No circles: none of the segments {', '.join(names.values())} is recognised as liver.",))
    liver = np.any(list(regions.values()), axis=0)
    spacing = maps.geometry.spacing_mm
    usable = maps.mask & ~LowConfidence().select(maps) & ~vessel_like(liver & maps.mask, _contrasts(maps), spacing)
    return suggest_circles(regions, usable, spacing, maps.geometry.direction, rules)


def drawn(suggestion: Suggestion, labels: Labels, spacing_mm: tuple[float, float, float]) -> tuple[Labels, dict[int, str]]:
    """Draw circles as labels.

    Parameters
    ----------
    suggestion : Suggestion
        The circles.
    labels : np.ndarray, shape (slice, row, column), int32
        Zeros on the grid of the scan.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).

    Returns
    -------
    labels : np.ndarray, shape (slice, row, column), int32
        Circle of each voxel, numbered from 1.
    names : dict of int to str
        Name of each circle: that of its region, 'ROI' and a number within it.
    """
    drawn_labels, names, counts = labels.copy(), {}, dict[str, int]()
    slices, rows, columns = labels.shape
    for number, circle in enumerate(suggestion.circles, start=1):
        counts[circle.place] = counts.get(circle.place, 0) + 1
        drawn_labels[circle.voxels((slices, rows, columns), spacing_mm)] = number
        names[number] = f"{circle.place} ROI {counts[circle.place]}"
    return drawn_labels, names


def _kept_labels(
    maps: ParameterMaps,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    options: LeaveOut,
    terminology: Mapping[int, str],
) -> tuple[npt.NDArray[np.integer], list[str]]:
    if not options:
        return labels, []
    liver = [label for label, name in names.items() if liver_part(name, terminology.get(label, ""))]
    organ = np.isin(labels, liver)
    kept, notes = np.zeros_like(labels), []
    for label, name in sorted(names.items()):
        region = labels == label
        around = organ if label in liver else region
        left = leave_out(region & maps.mask, around, _contrasts(maps), maps.geometry.spacing_mm, options)
        kept[left.voxels] = label
        notes.append(left.sentence(name))
    return kept, notes


def circle_rows(
    maps: MapArrays,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    volume_ml: float,
    cutoffs: SteatosisCutoffs | None = TANG_2015,
    *,
    errors: RunErrors = UNKNOWN_ERRORS,
    lobes: Sequence[npt.NDArray[np.bool_]] = (),
) -> list[SegmentStatistics]:
    """Statistics of circles in the liver.

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    labels : np.ndarray, shape (slice, row, column), int
        Circle of each voxel; 0 is none.
    names : Mapping[int, str]
        Name of each circle.
    volume_ml : float
        Volume of a voxel.
    cutoffs : SteatosisCutoffs, optional
        Cut-offs of the steatosis grades; None for no grades.
    errors : RunErrors
        What the provenance of the maps states about shared errors.
    lobes : sequence of np.ndarray, shape (slice, row, column), bool
        Lobes or segments that the circles are samples of.

    Returns
    -------
    list of SegmentStatistics
        A row for each circle, and one for all voxels of several circles.
    """
    regions = [(name, labels == number) for number, name in sorted(names.items())]
    if len(regions) > 1:
        regions.append((ALL_CIRCLES, labels > 0))
    rows = []
    for name, region in regions:
        lobe = next((lobe for lobe in lobes if np.any(lobe & region) and not np.any(region & ~lobe)), None)
        sample = Sample(lobe)
        rows.append(
            region_statistics(maps, region, name, voxel_volume_ml=volume_ml, cutoffs=cutoffs, errors=errors, sample=sample)
        )
    return rows


def _contrasts(maps: ParameterMaps) -> tuple[npt.NDArray[np.float32], ...]:
    return maps.water, maps.r2star, maps.pdff
