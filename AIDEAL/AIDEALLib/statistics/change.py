"""Change of a region between two visits: its interval, and whether it exceeds what repeated scans differ by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .segment_row import SegmentStatistics

PER_95 = 1.959964
"""Half width of the central 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Repeatability:
    """By how much two scans of an unchanged liver differ.

    Attributes
    ----------
    points : float
        Difference that 95 % of pairs of scans stay below, percentage points of PDFF.
    source : str
        Where the figure comes from.
    """

    points: float
    source: str


SAME_PROTOCOL = Repeatability(
    2.99, "repeatability coefficient of a meta-analysis, Yokoo et al., Radiology 2018;286:486, doi 10.1148/radiol.2017170550"
)
OTHER_PROTOCOL = Repeatability(
    4.12, "reproducibility coefficient of a meta-analysis, Yokoo et al., Radiology 2018;286:486, doi 10.1148/radiol.2017170550"
)


@dataclass(frozen=True)
class Measurement:
    """A region's PDFF at one visit.

    Attributes
    ----------
    pdff : float
        PDFF in percent.
    standard_error : float
        Its standard error, percentage points.
    """

    pdff: float
    standard_error: float


@dataclass(frozen=True)
class Change:
    """Change of a region's PDFF from baseline to follow-up.

    Attributes
    ----------
    name : str
        Region.
    baseline : float
        Reported PDFF at baseline, percent.
    follow_up : float
        Reported PDFF at follow-up, percent.
    change : float
        Follow-up minus baseline, percentage points.
    standard_error : float
        Standard error of the change.
    lower : float
        Lower end of its 95 % interval.
    upper : float
        Upper end.
    repeatability : float
        Difference that 95 % of pairs of scans without a change stay below.
    """

    name: str
    baseline: float
    follow_up: float
    change: float
    standard_error: float
    lower: float
    upper: float
    repeatability: float

    @property
    def beyond_interval(self) -> bool:
        """The interval of the change does not hold 0: more than the stated errors of the two measurements explain."""
        return bool(self.lower > 0 or self.upper < 0)

    @property
    def beyond_repeatability(self) -> bool:
        """The change exceeds what repeated scans differ by."""
        return bool(abs(self.change) > self.repeatability)

    @property
    def verdict(self) -> str:
        """Reading of the change, in words."""
        if not np.isfinite(self.change):
            return "not measured at both visits"
        if self.beyond_repeatability:
            return "changed"
        if self.beyond_interval:
            return "within repeatability"
        return "no change shown"


def change_between(name: str, baseline: Measurement, follow_up: Measurement, repeatability: Repeatability) -> Change:
    """Change between two measurements of a region.

    Parameters
    ----------
    name : str
        Region.
    baseline : Measurement
        First visit.
    follow_up : Measurement
        Second visit.
    repeatability : Repeatability
        What repeated scans differ by.

    Returns
    -------
    Change
        NaN where a visit has no value.

    Notes
    -----
    Closed form: the visits err independently, so the variance of the difference is the sum of their variances; 95 % of a normal
    distribution.
    """
    change = follow_up.pdff - baseline.pdff
    error = float(np.hypot(baseline.standard_error, follow_up.standard_error))
    lower, upper = change - PER_95 * error, change + PER_95 * error
    return Change(name, baseline.pdff, follow_up.pdff, change, error, lower, upper, repeatability.points)


def measurement(row: SegmentStatistics) -> Measurement:
    """Reported PDFF of a region with its error, that of independent voxels where the run states no correlation of the noise."""
    error = row.reported_error
    if not np.isfinite(error) and row.used_voxels:
        error = row.stated_sd_mean / float(np.sqrt(row.used_voxels))
    return Measurement(row.reported, error)


def changes(
    baseline: Sequence[SegmentStatistics], follow_up: Sequence[SegmentStatistics], repeatability: Repeatability
) -> list[Change]:
    """Change of every region that both visits have, by name.

    Parameters
    ----------
    baseline : sequence of SegmentStatistics
        Rows of the first visit.
    follow_up : sequence of SegmentStatistics
        Rows of the second visit.
    repeatability : Repeatability
        What repeated scans differ by.

    Returns
    -------
    list of Change
        In the order of the first visit.
    """
    later = {row.name: row for row in follow_up}
    return [
        change_between(row.name, measurement(row), measurement(later[row.name]), repeatability)
        for row in baseline
        if row.name in later
    ]
