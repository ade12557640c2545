"""Statistics of regions of the maps: PDFF and R2*, steatosis grades, low confidence and agreement (numpy only)."""

from .agreement import Agreement, bland_altman
from .change import OTHER_PROTOCOL, SAME_PROTOCOL, Change, Measurement, Repeatability, change_between, changes
from .heterogeneity import Sample
from .interval import Interval, interval_text
from .joint_fit import JointFit
from .liver_parts import WHOLE_LIVER, LiverPart, liver_groups, liver_part
from .low_confidence import LowConfidence
from .map_arrays import MapArrays
from .measuring import Measuring, RegionFit
from .noise_correlation import NoiseCorrelation
from .regions import region_statistics, segment_statistics, withheld_with_members
from .rois import circle_roi, square_roi
from .run_errors import ModelSpread, RunErrors
from .segment import Segment, segments_of, unique_names, with_groups
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
    "WHOLE_LIVER",
    "Agreement",
    "Change",
    "Interval",
    "JointFit",
    "LiverPart",
    "LowConfidence",
    "MapArrays",
    "Measurement",
    "Measuring",
    "ModelSpread",
    "NoiseCorrelation",
    "RegionFit",
    "Repeatability",
    "RunErrors",
    "Sample",
    "Segment",
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
    "segments_of",
    "square_roi",
    "unique_names",
    "with_groups",
    "withheld_with_members",
]
