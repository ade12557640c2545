"""Compare two visits: change of each region, difference of the maps after registration, differences of the protocols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..io.segmentation import Segmentation
from ..parameter_maps import EXCITATION, ParameterMaps, Provenance
from ..regions.exclude import edge_distance
from ..regions.measure import circle_rows
from ..statistics import (
    NOT_THERE,
    OTHER_PROTOCOL,
    SAME_PROTOCOL,
    Change,
    MapArrays,
    Measuring,
    Repeatability,
    RunErrors,
    SegmentStatistics,
    changes,
    segment_statistics,
    with_groups,
)
from .registration import Registration, register, resampled

Floats = npt.NDArray[np.float32]
WHOLLY_INSIDE = 0.999
"""Share of a voxel that has to lie in the follow-up's foreground: what lies beyond is 0, not fat-free."""
CARRIED_EDGE_MM = 8.0
"""Left out along the edge of the liver, at both visits, of regions carried over: what the registration may be off by."""
EXCITATION_IN_WORDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "flip_angle_deg": ("Flip angle", lambda value: f"{value:.3g} degrees"),
    "repetition_time_s": ("Repetition time", lambda value: f"{1000 * value:.3g} ms"),
    "contrast_agent": ("Contrast agent", lambda value: "given" if value else "none"),
}
"""What T1 weighting depends on: name and writing of each value."""
CARRIED_OVER = (
    "Regions of the baseline were carried over to the follow-up by the registration (segments without "
    f"{CARRIED_EDGE_MM:g} mm along the edge of the liver, at both visits): {{}}."
)


@dataclass(frozen=True, eq=False)
class Visit:
    """Results of one visit.

    Attributes
    ----------
    name : str
        Name for people.
    maps : ParameterMaps
        Its maps.
    rows : list of SegmentStatistics
        Statistics of its regions, as the run gave them.
    segments : Segmentation or None
        Segments on the grid of the maps.
    circles : Segmentation or None
        Circles on the grid of the maps.
    """

    name: str
    maps: ParameterMaps
    rows: list[SegmentStatistics]
    segments: Segmentation | None = None
    circles: Segmentation | None = None

    @property
    def liver(self) -> npt.NDArray[np.bool_]:
        """Voxels of segments that are liver, and of circles; none where nothing was drawn."""
        found = np.zeros(self.maps.mask.shape, np.bool_)
        for part in filter(None, (self.segments, self.circles)):
            for segment in part.segments:
                if segment.part is not None:
                    found |= segment.mask
        return found


@dataclass(frozen=True, eq=False)
class MovedMaps:
    """Maps of the follow-up on the grid of the baseline, NaN where there is no estimate (see `statistics.MapArrays`).

    Attributes
    ----------
    pdff : np.ndarray, float32, percent
        PDFF.
    pdff_sd : np.ndarray, float32, percentage points
        Stated SD given the right mode.
    pdff_total_sd : np.ndarray, float32, percentage points
        Stated SD, the risk of a swap included.
    swap_probability : np.ndarray, float32
        Probability of a swap.
    r2star : np.ndarray, float32, 1/s
        R2*.
    water, fat : np.ndarray, float32
        Amplitudes.
    residual : np.ndarray, float32, percent
        Misfit.
    mask : np.ndarray, bool
        Voxels with an estimate.
    """

    pdff: Floats
    pdff_sd: Floats
    pdff_total_sd: Floats
    swap_probability: Floats
    r2star: Floats
    water: Floats
    fat: Floats
    residual: Floats
    mask: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two visits side by side.

    Attributes
    ----------
    visits : tuple of 2 Visit
        Baseline and follow-up.
    changes : list of Change
        Change of each region.
    repeatability : Repeatability
        What repeated scans differ by.
    protocols : tuple of str
        A sentence for each difference of the protocols.
    registration : Registration or None
        None where none was requested.
    follow_up_pdff : np.ndarray, shape of the baseline, float32, percent
        PDFF of the follow-up on the grid of the baseline; NaN where there is none.
    difference : np.ndarray, shape of the baseline, float32, percentage points
        Follow-up minus baseline; NaN where either has no estimate.
    notes : tuple of str
        What was done on the user's behalf.
    """

    visits: tuple[Visit, Visit]
    changes: list[Change]
    repeatability: Repeatability
    protocols: tuple[str, ...]
    registration: Registration | None
    follow_up_pdff: Floats
    difference: Floats
    notes: tuple[str, ...] = field(default=())

    @property
    def withheld(self) -> tuple[str, ...]:
        """A sentence for each region whose number is withheld at a visit."""
        rows = [(visit.name, row) for visit in self.visits for row in visit.rows if row.number_withheld]
        return tuple(f"{visit}, {row.name}: {row.without_number}." for visit, row in rows)


def compare(
    baseline: Visit, follow_up: Visit, repeatability: Repeatability | None = None, registration: bool = True
) -> Comparison:
    """Compare two visits.

    Parameters
    ----------
    baseline : Visit
        First visit.
    follow_up : Visit
        Second visit; segments that it lacks, and circles, are carried over from the first one.
    repeatability : Repeatability, optional
        What repeated scans differ by; by default the published figure for the same protocol, or for different ones.
    registration : bool
        Register the scans; without, there is no difference map, and nothing is carried over.

    Returns
    -------
    Comparison
    """
    protocols = protocol_differences(baseline.maps.provenance, follow_up.maps.provenance)
    repeatability = repeatability or (OTHER_PROTOCOL if protocols else SAME_PROTOCOL)
    shape = baseline.maps.mask.shape
    difference = moved = np.full(shape, np.nan, np.float32)
    found, earlier, later, notes = None, list(baseline.rows), list(follow_up.rows), list[str]()
    if registration:
        found = _registered(baseline, follow_up)
        maps = _moved(follow_up.maps, found, baseline.maps)
        moved = np.asarray(maps.pdff, np.float32)
        difference = np.where(baseline.maps.mask, moved - baseline.maps.pdff, np.nan).astype(np.float32)
        same, carried = _carried_over(baseline, follow_up, maps)
        measured_anew = {row.name: row for row in same}
        earlier = [measured_anew.get(row.name, row) for row in earlier]
        later = [row for row in later if row.name not in measured_anew] + carried
        if carried:
            notes.append(CARRIED_OVER.format(", ".join(row.name for row in carried)))
    listed = changes(earlier, later, repeatability)
    return Comparison((baseline, follow_up), listed, repeatability, protocols, found, moved, difference, tuple(notes))


def in_phase(maps: ParameterMaps) -> Floats:
    """Water + fat: the in-phase image without decay, in which the field plays no part."""
    return np.asarray(np.abs(maps.water + maps.fat), np.float32)


def protocol_differences(first: Provenance, second: Provenance) -> tuple[str, ...]:
    """A sentence for each difference of two runs that their fat fractions may depend on."""
    found = []

    def state(what: str, one: object, other: object) -> None:
        if one != other:
            found.append(f"{what}: {one} at baseline, {other} at follow-up.")

    state("Field strength", f"{first.field_strength_t:.3g} T", f"{second.field_strength_t:.3g} T")
    state("Echo times", *(", ".join(f"{1000 * t:.3g}" for t in p.te_s) + " ms" for p in (first, second)))
    state("Read-out", first.readout, second.readout)
    state("Method", first.method, second.method)
    state("Fat spectrum", first.spectrum.get("name"), second.spectrum.get("name"))
    state("Version", first.version, second.version)
    state("Correction of T1 weighting", *(p.options.get("run", {}).get("t1", "no") for p in (first, second)))
    excitations = [p.options.get(EXCITATION, {}) for p in (first, second)]
    for name, (what, in_words) in EXCITATION_IN_WORDS.items():
        one, other = (excitation.get(name) for excitation in excitations)
        if None not in (one, other):  # where one is not known there is nothing to compare
            state(what, in_words(one), in_words(other))
    return tuple(found)


def _registered(baseline: Visit, follow_up: Visit) -> Registration:
    body, liver = baseline.maps.mask, baseline.liver
    geometries = (baseline.maps.geometry, follow_up.maps.geometry)
    images = in_phase(baseline.maps), in_phase(follow_up.maps)
    try:
        return register(*images, geometries, body, liver if liver.any() else body)
    except RuntimeError as error:  # of SimpleITK: too few slices, no overlap, images without structure
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(
            f"The visits could not be registered ({reason}). Compare their regions alone, without registration."
        ) from error


def _moved(maps: ParameterMaps, found: Registration, target: ParameterMaps) -> MovedMaps:
    """Maps of the follow-up on the grid of the baseline."""

    def on_target(array: npt.NDArray[Any]) -> Floats:
        return resampled(array, maps.geometry, found.transform, target.mask.shape, target.geometry)

    inside = on_target(maps.mask) > WHOLLY_INSIDE
    names = [entry.name for entry in fields(MovedMaps) if entry.name != "mask"]
    arrays = {name: on_target(getattr(maps, name)) for name in names}
    return MovedMaps(**{name: np.where(inside, array, np.nan) for name, array in arrays.items()}, mask=inside)


def _carried_over(baseline: Visit, follow_up: Visit, moved: MovedMaps) -> tuple[list[SegmentStatistics], ...]:
    """Statistics of both visits in the baseline's circles, and in its segments that the follow-up has not, edges left out."""
    volume_ml = baseline.maps.geometry.voxel_volume_ml
    far = edge_distance(baseline.liver, baseline.maps.geometry.spacing_mm) > CARRIED_EDGE_MM
    known = {row.name for row in follow_up.rows}
    drawn = [replace(s, mask=s.mask & far) for s in baseline.segments.segments] if baseline.segments is not None else []

    def rows(maps: MapArrays, errors: RunErrors) -> list[SegmentStatistics]:
        how = Measuring(volume_ml, errors=errors)
        found = circle_rows(maps, baseline.circles.segments, how) if baseline.circles is not None else []
        return found + [row for row in segment_statistics(maps, with_groups(drawn, maps.mask), how) if row.name not in known]

    first, second = (RunErrors.of(visit.maps.provenance.as_dict()) for visit in (baseline, follow_up))
    carried = [row for row in rows(moved, second) if row.withheld not in NOT_THERE]
    names = {row.name for row in carried}
    return [row for row in rows(baseline.maps, first) if row.name in names], carried
