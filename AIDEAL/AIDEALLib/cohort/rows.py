"""Rows of the tidy table: one value of one region of one scan, with its unit and interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics import SegmentStatistics

SCAN = "scan"
"""Region of values that concern the scan as a whole."""
Row = tuple[str, str, float, str, float, float]
"""Region, statistic, value, unit, lower and upper end of the 95 % interval (NaN where there is none)."""


@dataclass(frozen=True)
class Statistic:
    """A column of the statistics of a region as rows of the tidy table.

    Attributes
    ----------
    name : str
        Statistic.
    field : str
        Field of `SegmentStatistics`.
    unit : str
        UCUM unit; percentage points are '%'.
    low : str
        Field of the lower end of its interval; '' for none.
    high : str
        Field of the upper end.
    """

    name: str
    field: str
    unit: str
    low: str = ""
    high: str = ""


NUMBER_WITHHELD = "number_withheld"
"""Statistic of a region whose number is withheld, 1; the reason is in the list of scans."""

STATISTICS: tuple[Statistic, ...] = (
    Statistic("pdff", "reported", "%", "reported_low", "reported_high"),
    Statistic("pdff_model_range", "reported", "%", "model_low", "model_high"),
    Statistic("pdff_mean", "pdff_mean", "%", "mean_low", "mean_high"),
    Statistic("pdff_median", "pdff_median", "%", "median_low", "median_high"),
    Statistic("pdff_joint", "joint_pdff", "%", "joint_low", "joint_high"),
    Statistic("pdff_mean_error", "mean_error", "%"),
    Statistic("pdff_sd", "pdff_sd", "%"),
    Statistic("pdff_iqr", "pdff_iqr", "%"),
    Statistic("pdff_stated_sd_mean", "stated_sd_mean", "%"),
    Statistic("r2star_mean", "r2star_mean", "1/s"),
    Statistic("r2star_joint", "joint_r2star", "1/s"),
    Statistic("volume", "volume_ml", "mL"),
    Statistic("voxels", "voxels", "1"),
    Statistic("used_voxels", "used_voxels", "1"),
    Statistic("outside_foreground", "outside_percent", "%"),
    Statistic("low_confidence", "low_confidence_percent", "%"),
    Statistic("swap_suspect", "swap_suspect_percent", "%"),
    *(Statistic(f"probability_s{grade}", f"chance_s{grade}", "1") for grade in range(4)),
)


def rows_of(regions: Sequence[SegmentStatistics]) -> list[Row]:
    """Rows of the regions of a scan; values that are not known have none."""
    rows: list[Row] = []
    for region in regions:
        if region.number_withheld:
            rows.append((region.name, NUMBER_WITHHELD, 1.0, "1", math.nan, math.nan))
        for statistic in STATISTICS:
            value = float(getattr(region, statistic.field))
            if math.isfinite(value):
                ends = [float(getattr(region, end)) if end else math.nan for end in (statistic.low, statistic.high)]
                rows.append((region.name, statistic.name, value, statistic.unit, ends[0], ends[1]))
    return rows


def row_of_scan(statistic: str, value: float, unit: str) -> Row:
    """Row of a value of the whole scan.

    Parameters
    ----------
    statistic : str
        What it is.
    value : float
        The value.
    unit : str
        UCUM unit.

    Returns
    -------
    Row
    """
    return SCAN, statistic, float(value), unit, math.nan, math.nan
