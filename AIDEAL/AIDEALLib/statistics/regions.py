"""Statistics of PDFF and R2* in segments, with the stated uncertainty taken into account."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .heterogeneity import Sample
from .interval import Interval
from .joint_fit import JointFit
from .map_arrays import BoolArray, FloatArray, MapArrays
from .measuring import Measuring
from .region_errors import region_errors
from .run_errors import RunErrors
from .segment import Segment
from .segment_row import NO_VOXEL, SegmentStatistics
from .two_solutions import weighed_as_liver
from .usability import liver_reason, noise_reason, without_numbers

SKEWED_SD_POINTS = 4.0
"""Median SD of the voxels above which errors are so skewed that the median of a region is off by tenths of a point.

Not the mean, which voxels at edges raise.
"""
OPPOSITE_POINTS = 50.0
"""Maps and joint estimate that differ by more are of opposite modes: water and fat of the region are undecided."""
AGREE_ERRORS, OTHER_MODE_POINTS = 3.0, 20.0
"""Standard errors up to which mean and joint estimate agree, and the difference from which they are of different modes."""
_UNKNOWN = Interval(math.nan, math.nan)


def segment_statistics(maps: MapArrays, segments: Sequence[Segment], how: Measuring) -> list[SegmentStatistics]:
    """Statistics of each segment; those of the liver alone have steatosis grades.

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    segments : sequence of Segment
        Segments, and what they make together (`with_groups`). One without voxels gives a row of NaN.
    how : Measuring
        How they are measured.

    Returns
    -------
    list of SegmentStatistics
        In the order of the segments.

    Raises
    ------
    ValueError
        Segments and maps differ in shape.
    """
    rows: dict[str, SegmentStatistics] = {}
    for segment in segments:
        if segment.mask.shape != maps.pdff.shape:
            raise ValueError(f"{segment.name} has shape {segment.mask.shape}, the maps {maps.pdff.shape}")
        graded = replace(how, cutoffs=how.cutoffs if segment.part is not None else None)
        row = region_statistics(maps, segment.mask, segment.name, graded)
        rows[segment.name] = withheld_with_members(row, [rows[name] for name in segment.members])
    return list(rows.values())


def withheld_with_members(row: SegmentStatistics, members: Sequence[SegmentStatistics]) -> SegmentStatistics:
    """Row of regions together, without numbers where a region that has signal has none.

    Parameters
    ----------
    row : SegmentStatistics
        Statistics of the regions together.
    members : sequence of SegmentStatistics
        Statistics of each.

    Returns
    -------
    SegmentStatistics
    """
    withheld = next((member for member in members if member.number_withheld), None)
    return (
        row
        if withheld is None or row.withheld == withheld.withheld
        else without_numbers(row, f"{withheld.name}: {withheld.withheld}")
    )


def region_statistics(
    maps: MapArrays, region: BoolArray, name: str, how: Measuring, sample: Sample | None = None
) -> SegmentStatistics:
    """Statistics of one region.

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    region : np.ndarray, shape (slice, row, column), bool
        Voxels of the region.
    name : str
        Name of the region.
    how : Measuring
        How it is measured; with cut-offs it is liver, of which both solutions are weighed where it was estimated from
        magnitudes.
    sample : Sample, optional
        For a circle or another sample: the lobe it stands for; None for a region that stands for itself.

    Returns
    -------
    SegmentStatistics
    """
    cutoffs, errors, joint, limits = how.cutoffs, how.errors, how.joint, how.low_confidence
    if cutoffs is not None and errors.from_magnitudes:
        maps = weighed_as_liver(maps)
    voxels = int(np.count_nonzero(region))
    chosen = region & maps.mask & np.isfinite(maps.pdff)
    low_confident = chosen & limits.select(maps)
    suspect = chosen & (maps.swap_probability > limits.swap_probability)
    estimated = int(np.count_nonzero(chosen))
    used = chosen & ~low_confident if how.exclude_low_confidence else chosen
    withheld = errors.usability.reason(maps, chosen) if voxels else NO_VOXEL
    pdff = maps.pdff[used].astype(np.float64)
    stated_sd, r2star = maps.pdff_total_sd[used].astype(np.float64), _mean(maps.r2star[used].astype(np.float64))
    median, iqr = _median_iqr(pdff)
    found = region_errors(maps, used, errors.noise_correlation, sample)
    of_mean, of_median = Interval(_mean(pdff), found.mean), Interval(median, found.median)
    fit = joint(used) if joint is not None and pdff.size and not withheld else None
    if fit is None and pdff.size:
        withheld = withheld or noise_reason(maps, used)
    of_joint = _joint_interval(fit, errors, found.beyond_noise, of_mean) if fit else _UNKNOWN
    if fit and abs(fit.pdff - median) > OPPOSITE_POINTS:
        withheld = f"water and fat undecided, {median:.0f} % in the maps, {fit.pdff:.0f} % in the joint estimate"
    typical_sd = _median_iqr(stated_sd)[0]
    reported_from = "" if not pdff.size else "median" if typical_sd <= SKEWED_SD_POINTS else "joint" if fit else "mean"
    reported = {"median": of_median, "mean": of_mean, "joint": of_joint, "": _UNKNOWN}[reported_from]
    if cutoffs is not None:
        withheld = withheld or liver_reason(reported)
    model_low, model_high = errors.model.range_of(reported.value, r2star) if errors.model else (math.nan, math.nan)
    chances = cutoffs.chances(reported) if cutoffs else (math.nan,) * 4
    row = SegmentStatistics(
        name=name,
        withheld=withheld,
        voxels=voxels,
        volume_ml=voxels * how.voxel_volume_ml,
        outside_percent=_percent(voxels - estimated, voxels),
        low_confidence_percent=_percent(int(np.count_nonzero(low_confident)), estimated),
        swap_suspect_percent=_percent(int(np.count_nonzero(suspect)), estimated),
        used_voxels=pdff.size,
        pdff_mean=of_mean.value,
        pdff_sd=float(np.std(pdff, ddof=1)) if pdff.size > 1 else math.nan,
        pdff_median=median,
        pdff_iqr=iqr,
        stated_sd_mean=_mean(stated_sd),
        **_spread_out("mean", of_mean),
        **_spread_out("median", of_median),
        joint_pdff=of_joint.value,
        **_spread_out("joint", of_joint),
        joint_r2star=fit.r2star_per_s if fit else math.nan,
        reported=reported.value,
        reported_low=reported.low,
        reported_high=reported.high,
        reported_from=reported_from,
        model_low=model_low,
        model_high=model_high,
        r2star_mean=r2star,
        steatosis_grade=cutoffs.grade(reported.value) if cutoffs else "",
        **{f"chance_s{grade}": chance for grade, chance in enumerate(chances)},
    )
    return without_numbers(row, withheld) if withheld else row


def _joint_interval(fit: JointFit, errors: RunErrors, beyond_noise: float, mean: Interval) -> Interval:
    """Interval of a joint estimate, widened where it and the mean differ by more than their errors.

    Then the region is not of one PDFF and R2*, or its echoes ring. Differences above `OTHER_MODE_POINTS` are swaps of the maps,
    which the joint estimate resolves.
    """
    correlation = errors.noise_correlation
    inflation = correlation.inflation(fit.weights) if correlation else math.nan
    error = math.hypot(fit.pdff_error * math.sqrt(inflation), beyond_noise)
    apart = abs(fit.pdff - mean.value)
    excess = max(apart - AGREE_ERRORS * math.hypot(error, mean.error), 0.0) if apart < OTHER_MODE_POINTS else 0.0
    return Interval(fit.pdff, math.hypot(error, excess))


def _spread_out(name: str, interval: Interval) -> dict[str, float]:
    return {f"{name}_error": interval.error, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if values.size else float("nan")


def _median_iqr(values: FloatArray) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    low, median, high = np.percentile(values, (25, 50, 75))
    return float(median), float(high - low)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else float("nan")
