"""Statistics of regions of the maps: PDFF and R2*, steatosis grades, low confidence and agreement (numpy only)."""

from .agreement import Agreement, bland_altman
from .change import OTHER_PROTOCOL, SAME_PROTOCOL, Change, Measurement, Repeatability, change_between, changes
from .liver_parts import WHOLE_LIVER, LiverPart, liver_groups, liver_part
from .low_confidence import LowConfidence
from .map_arrays import MapArrays
from .regions import SegmentStatistics, region_statistics, segment_statistics
from .rois import circle_roi, square_roi
from .steatosis import CUTOFFS, TANG_2013, TANG_2015, SteatosisCutoffs
from .weighted_mean import inverse_variance_mean

__all__ = [
    "CUTOFFS",
    "OTHER_PROTOCOL",
    "SAME_PROTOCOL",
    "TANG_2013",
    "TANG_2015",
    "WHOLE_LIVER",
    "Agreement",
    "Change",
    "LiverPart",
    "LowConfidence",
    "MapArrays",
    "Measurement",
    "Repeatability",
    "SegmentStatistics",
    "SteatosisCutoffs",
    "bland_altman",
    "change_between",
    "changes",
    "circle_roi",
    "inverse_variance_mean",
    "liver_groups",
    "liver_part",
    "region_statistics",
    "segment_statistics",
    "square_roi",
]
