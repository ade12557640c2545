"""Statistics of regions of the maps: PDFF and R2*, steatosis grades, low confidence and agreement (numpy only)."""

from .agreement import Agreement, bland_altman
from .change import OTHER_PROTOCOL, SAME_PROTOCOL, Change, Measurement, Repeatability, change_between, changes
from .heterogeneity import Sample
from .interval import Interval, interval_text
from .joint_fit import JointFit
from .liver_parts import WHOLE_LIVER, LiverPart, liver_groups, liver_part
from .low_confidence import LowConfidence
from .map_arrays import MapArrays
from .noise_correlation import NoiseCorrelation
from .regions import UNKNOWN_ERRORS, RegionFit, region_statistics, segment_statistics, withheld_with_members
from .rois import circle_roi, square_roi
from .run_errors import ModelSpread, RunErrors
from .segment_row import NOT_THERE, SegmentStatistics
from .steatosis import CUTOFFS, TANG_2013, TANG_2015, SteatosisCutoffs
from .usability import Usability

__all__ = [
    "CUTOFFS",
    "NOT_THERE",
    "OTHER_PROTOCOL",
    "SAME_PROTOCOL",
    "TANG_2013",
    "TANG_2015",
    "UNKNOWN_ERRORS",
    "WHOLE_LIVER",
    "Agreement",
    "Change",
    "Interval",
    "JointFit",
    "LiverPart",
    "LowConfidence",
    "MapArrays",
    "Measurement",
    "ModelSpread",
    "NoiseCorrelation",
    "RegionFit",
    "Repeatability",
    "RunErrors",
    "Sample",
    "SegmentStatistics",
    "SteatosisCutoffs",
    "Usability",
    "bland_altman",
    "change_between",
    "changes",
    "circle_roi",
    "interval_text",
    "liver_groups",
    "liver_part",
    "region_statistics",
    "segment_statistics",
    "square_roi",
    "withheld_with_members",
]
