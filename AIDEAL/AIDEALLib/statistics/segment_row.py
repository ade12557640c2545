"""Statistics of one segment: a row of the table."""

from __future__ import annotations

from dataclasses import dataclass

NO_SIGNAL, NO_VOXEL = NOT_THERE = ("no signal", "no voxel")
"""Reasons of regions without a voxel that was estimated, and without any."""


@dataclass(frozen=True)
class SegmentStatistics:
    """Statistics of one segment: a row of the table. NaN where no voxel contributes.

    Attributes
    ----------
    name : str
        Name of the segment.
    withheld : str
        Why no number is given, in a few words; '' where numbers are given.
    voxels : int
        Voxels of the whole segment.
    volume_ml : float
        Volume of the whole segment.
    outside_percent : float
        Share of the segment's voxels without an estimate (outside the foreground); they are left out of all that follows.
    low_confidence_percent : float
        Share of the voxels with an estimate that are of low confidence.
    swap_suspect_percent : float
        Share of the voxels with an estimate whose swap probability exceeds its limit.
    used_voxels : int
        Voxels behind the values below; fewer when low confidence is excluded.
    pdff_mean : float
        Mean signed PDFF in percent.
    pdff_sd : float
        Standard deviation (n - 1) of the PDFF over the voxels, percentage points.
    pdff_median : float
        Median PDFF in percent.
    pdff_iqr : float
        Interquartile range of the PDFF, percentage points.
    stated_sd_mean : float
        Mean of the voxels' stated SD, percentage points, the risk of a swap included.
    mean_error : float
        Standard error of the mean (`region_errors`), percentage points; NaN where the run states no correlation of the noise.
    mean_low : float
        Lower end of the 95 % interval of the mean, percent.
    mean_high : float
        Upper end of it.
    median_error : float
        Standard error of the median, percentage points.
    median_low : float
        Lower end of the 95 % interval of the median, percent.
    median_high : float
        Upper end of it.
    joint_pdff : float
        PDFF of the joint estimate of all voxels (`JointFit`), percent.
    joint_error : float
        Its standard error, percentage points.
    joint_low : float
        Lower end of its 95 % interval, percent.
    joint_high : float
        Upper end of it.
    joint_r2star : float
        R2* of the joint estimate, 1/s.
    reported : float
        The median; where voxels are so noisy that their errors are skewed the joint estimate, or the mean without one; percent.
    reported_low : float
        Lower end of its 95 % interval, percent.
    reported_high : float
        Upper end of it.
    reported_from : str
        'median', 'joint' or 'mean'; '' without a value.
    model_low : float
        Lower end of the range over published variants of the signal model, percent.
    model_high : float
        Upper end of it.
    r2star_mean : float
        Mean R2* in 1/s.
    steatosis_grade : str
        Grade of the reported PDFF; '' where none applies.
    chance_s0 : float
        Probability of grade S0 from the interval of the reported PDFF; NaN where none applies.
    chance_s1 : float
        Probability of grade S1.
    chance_s2 : float
        Probability of grade S2.
    chance_s3 : float
        Probability of grade S3.
    """

    name: str
    withheld: str
    voxels: int
    volume_ml: float
    outside_percent: float
    low_confidence_percent: float
    swap_suspect_percent: float
    used_voxels: int
    pdff_mean: float
    pdff_sd: float
    pdff_median: float
    pdff_iqr: float
    stated_sd_mean: float
    mean_error: float
    mean_low: float
    mean_high: float
    median_error: float
    median_low: float
    median_high: float
    joint_pdff: float
    joint_error: float
    joint_low: float
    joint_high: float
    joint_r2star: float
    reported: float
    reported_low: float
    reported_high: float
    reported_from: str
    model_low: float
    model_high: float
    r2star_mean: float
    steatosis_grade: str
    chance_s0: float
    chance_s1: float
    chance_s2: float
    chance_s3: float

    @property
    def reported_error(self) -> float:
        """Standard error of the reported PDFF, percentage points."""
        errors = {"median": self.median_error, "joint": self.joint_error, "mean": self.mean_error}
        return errors.get(self.reported_from, float("nan"))

    @property
    def number_withheld(self) -> bool:
        """Whether the region has signal, and its number is withheld all the same."""
        return self.withheld not in ("", *NOT_THERE)

    @property
    def without_number(self) -> str:
        """Why the region has no number, in words; '' where it has."""
        if self.withheld in NOT_THERE:
            return f"not measured: {self.withheld}"
        return f"number withheld: {self.withheld}" if self.withheld else ""
