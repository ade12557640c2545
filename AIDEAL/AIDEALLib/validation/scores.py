"""How far an estimate lies from a known truth, segment by segment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..parameter_maps import ParameterMaps
from ..simulation.tissue import TissueMaps


@dataclass(frozen=True)
class TruthError:
    """Error of PDFF in one segment, over its voxels with an estimate; percent and points.

    Attributes
    ----------
    method, segment, voxels : what and how many.
    truth_median, truth_mean : true PDFF.
    median_bias, mean_bias : estimate minus truth.
    error_sd : standard deviation of the voxels' errors.
    stated_sd : mean of the stated SD within the mode.
    coverage_68_percent, coverage_95_percent : share of voxels whose error lies within the stated interval of that level.
    swap_percent : share of voxels whose field lies more than half a fat shift off the true one.
    """

    method: str
    segment: str
    voxels: int
    truth_median: float
    truth_mean: float
    median_bias: float
    mean_bias: float
    error_sd: float
    stated_sd: float
    coverage_68_percent: float
    coverage_95_percent: float
    swap_percent: float


@dataclass(frozen=True)
class ProtocolError(TruthError):
    """The same under a named protocol."""

    protocol: str


def errors_by_segment(maps: ParameterMaps, truth: TissueMaps, fat_shift_hz: float) -> list[TruthError]:
    """Compare with the truth in every segment; `fat_shift_hz` is the mean shift of fat at the field strength."""
    return [
        error_in(maps, truth, truth.labels == label, name, fat_shift_hz) for label, name in sorted(truth.label_names.items())
    ]


def error_in(maps: ParameterMaps, truth: TissueMaps, region: np.ndarray, name: str, fat_shift_hz: float) -> TruthError:
    """Compare with the truth on the voxels of a region (bool, of the shape of the maps) that have an estimate."""
    inside = region & maps.mask
    if not inside.any():
        return TruthError(maps.provenance.method, name, 0, *[math.nan] * 9)
    found, true = maps.pdff[inside].astype(float), truth.pdff_percent[inside].astype(float)
    period = 1.0 / float(np.diff(maps.provenance.te_s).min())
    limit = abs(_wrapped(np.asarray(fat_shift_hz), period)) / 2
    off = np.abs(_wrapped(maps.field[inside].astype(float) - truth.field_hz[inside], period))
    error, stated = found - true, maps.pdff_sd[inside]
    return TruthError(
        method=maps.provenance.method,
        segment=name,
        voxels=int(inside.sum()),
        truth_median=float(np.median(true)),
        truth_mean=float(true.mean()),
        median_bias=float(np.median(found) - np.median(true)),
        mean_bias=float(error.mean()),
        error_sd=float(np.std(error, ddof=1)) if found.size > 1 else math.nan,
        stated_sd=float(stated.mean()),
        coverage_68_percent=float(100 * np.mean(np.abs(error) <= 0.9945 * stated)),
        coverage_95_percent=float(100 * np.mean(np.abs(error) <= 1.9600 * stated)),
        swap_percent=float(100 * np.mean(off > limit)),
    )


def _wrapped(hz: np.ndarray, period_hz: float) -> np.ndarray:
    return np.asarray(hz - period_hz * np.round(hz / period_hz))
