"""Errors of an estimate with known truth, by segment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..parameter_maps import ParameterMaps
from ..simulation.tissue import TissueMaps
from .voxels import PER_68, PER_95, Voxels, percent


@dataclass(frozen=True)
class TruthError:
    """Error of PDFF over the voxels of one segment that have an estimate.

    Attributes
    ----------
    method : str
        Name of the method.
    segment : str
        Name of the segment.
    voxels : int
        Number of voxels.
    truth_median : float
        Median of the true PDFF, percent.
    truth_mean : float
        Mean of the true PDFF, percent.
    median_bias : float
        Estimated minus true median, points.
    median_bias_se : float
        Standard error of `median_bias` for independent voxels, from the order statistics of the errors, points.
    mean_bias : float
        Estimated minus true mean, points.
    error_sd : float
        Standard deviation of the errors, points.
    stated_sd : float
        Mean of the stated SD within the mode, points.
    coverage_68_percent : float
        Share of voxels whose error lies within the stated 68 % interval.
    coverage_95_percent : float
        Share of voxels whose error lies within the stated 95 % interval.
    swap_percent : float
        Share of voxels whose field is more than half a fat shift off.
    wrong_mode_percent : float
        Share of voxels that are swapped by more than noise explains; NaN where the noise is unknown.
    confidently_wrong_percent : float
        Share of voxels off by more than 20 points and more than 4 stated SDs of the mixture.
    r2star_bias_percent : float
        Estimated relative to true median R2*.
    """

    method: str
    segment: str
    voxels: int
    truth_median: float
    truth_mean: float
    median_bias: float
    median_bias_se: float
    mean_bias: float
    error_sd: float
    stated_sd: float
    coverage_68_percent: float
    coverage_95_percent: float
    swap_percent: float
    wrong_mode_percent: float
    confidently_wrong_percent: float
    r2star_bias_percent: float


@dataclass(frozen=True)
class ProtocolError(TruthError):
    """Errors under a protocol."""

    protocol: str


@dataclass(frozen=True)
class SceneError(ProtocolError):
    """Errors of a region under a protocol in a scene; `patient` is a number or 'all'."""

    scene: str
    patient: str


def errors_by_segment(maps: ParameterMaps, truth: TissueMaps, fat_shift_hz: float) -> list[TruthError]:
    """Errors in every segment.

    Parameters
    ----------
    maps : ParameterMaps
        Estimate.
    truth : TissueMaps
        True maps.
    fat_shift_hz : float
        Mean fat shift at the field strength, Hz.

    Returns
    -------
    list of TruthError
        One row per segment.
    """
    return [
        error_in(maps, truth, truth.labels == label, name, fat_shift_hz) for label, name in sorted(truth.label_names.items())
    ]


def error_in(maps: ParameterMaps, truth: TissueMaps, region: np.ndarray, name: str, fat_shift_hz: float) -> TruthError:
    """Errors in a region.

    Parameters
    ----------
    maps : ParameterMaps
        Estimate.
    truth : TissueMaps
        True maps.
    region : numpy.ndarray, shape (slice, row, column), bool
        The region.
    name : str
        Its name.
    fat_shift_hz : float
        Mean fat shift at the field strength, Hz.

    Returns
    -------
    TruthError
        Errors over the voxels that have an estimate.
    """
    return summary(Voxels.of(maps, truth, fat_shift_hz, region), name)


def within_chance(row: TruthError, aim_points: float) -> bool:
    """Whether the bias of the median exceeds the aim by less than two of its standard errors."""
    return abs(row.median_bias) < aim_points + 2 * row.median_bias_se


def _median_se(values: np.ndarray) -> float:
    """Standard error of the median of independent values: half the distance between the ranks n/2 -+ sqrt(n)/2."""
    if values.size < 2:
        return math.nan
    reach = 0.5 / math.sqrt(values.size)
    low, high = np.quantile(values, [max(0.5 - reach, 0.0), min(0.5 + reach, 1.0)])
    return float(high - low) / 2


def summary(voxels: Voxels, segment: str) -> TruthError:
    """Errors of a set of voxels, under the name `segment`."""
    if not len(voxels):
        return TruthError(voxels.method, segment, 0, *[math.nan] * 13)
    found, true = voxels.pdff.astype(float), voxels.true_pdff.astype(float)
    error = found - true
    true_r2star = float(np.median(voxels.true_r2star))
    r2star_bias = 100 * (float(np.median(voxels.r2star)) / true_r2star - 1) if true_r2star > 0 else math.nan
    return TruthError(
        method=voxels.method,
        segment=segment,
        voxels=len(voxels),
        truth_median=float(np.median(true)),
        truth_mean=float(true.mean()),
        median_bias=float(np.median(found) - np.median(true)),
        median_bias_se=_median_se(error),
        mean_bias=float(error.mean()),
        error_sd=float(np.std(error, ddof=1)) if found.size > 1 else math.nan,
        stated_sd=float(voxels.pdff_sd.mean()),
        coverage_68_percent=voxels.covered_percent(PER_68),
        coverage_95_percent=voxels.covered_percent(PER_95),
        swap_percent=percent(voxels.swapped),
        wrong_mode_percent=percent(voxels.wrong_mode) if np.isfinite(voxels.field_bound).any() else math.nan,
        confidently_wrong_percent=percent(voxels.confidently_wrong),
        r2star_bias_percent=r2star_bias,
    )
