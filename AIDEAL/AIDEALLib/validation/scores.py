"""How far an estimate lies from a known truth, segment by segment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..parameter_maps import ParameterMaps
from ..simulation.tissue import TissueMaps
from .voxels import PER_68, PER_95, Voxels, percent


@dataclass(frozen=True)
class TruthError:
    """Error of PDFF in one segment, over its voxels with an estimate; percent and points.

    Attributes
    ----------
    method, segment, voxels : what and how many.
    truth_median, truth_mean : true PDFF.
    median_bias, mean_bias : estimate minus truth.
    median_bias_se : standard error of `median_bias`, from the order statistics of the errors, as if voxels were independent: a
        bias below it may be chance.
    error_sd : standard deviation of the voxels' errors.
    stated_sd : mean of the stated SD within the mode.
    coverage_68_percent, coverage_95_percent : share of voxels whose error lies within the stated interval of that level.
    swap_percent : share of voxels whose field lies more than half a fat shift off the true one.
    wrong_mode_percent : those of them that noise alone does not explain; NaN where the noise is not known.
    confidently_wrong_percent : share more than 20 points off, and by more than 4 times the stated SD of the mixture.
    r2star_bias_percent : median R2* against the true median, in percent of it.
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
    """The same under a named protocol."""

    protocol: str


@dataclass(frozen=True)
class SceneError(ProtocolError):
    """Errors of a region under a protocol in a scene; `patient` by number, or 'all'."""

    scene: str
    patient: str


def errors_by_segment(maps: ParameterMaps, truth: TissueMaps, fat_shift_hz: float) -> list[TruthError]:
    """Compare with the truth in every segment; `fat_shift_hz` is the mean shift of fat at the field strength."""
    return [
        error_in(maps, truth, truth.labels == label, name, fat_shift_hz) for label, name in sorted(truth.label_names.items())
    ]


def error_in(maps: ParameterMaps, truth: TissueMaps, region: np.ndarray, name: str, fat_shift_hz: float) -> TruthError:
    """Compare with the truth on the voxels of a region (bool, of the shape of the maps) that have an estimate."""
    return summary(Voxels.of(maps, truth, fat_shift_hz, region), name)


def within_chance(row: TruthError, aim_points: float) -> bool:
    """Whether the bias of the median is below the aim, or above it by less than two of its standard errors."""
    return abs(row.median_bias) < aim_points + 2 * row.median_bias_se


def _median_se(values: np.ndarray) -> float:
    """Standard error of the median of independent values: half the way between the ranks n/2 -+ sqrt(n)/2."""
    if values.size < 2:
        return math.nan
    reach = 0.5 / math.sqrt(values.size)
    low, high = np.quantile(values, [max(0.5 - reach, 0.0), min(0.5 + reach, 1.0)])
    return float(high - low) / 2


def summary(voxels: Voxels, segment: str) -> TruthError:
    """The error of a set of voxels in one row, under the name `segment`."""
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
