"""Whether a stated uncertainty finds the errors: sparsification, ROC, coverage, regression of variance on error and spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats

from ...validation.detection import roc_area
from .scans import LOBES, TrueScan
from .system import Estimated

Floats = npt.NDArray[np.floating[Any]]

LARGE_POINTS = 5.0
LARGEST_POINTS = 100.0
"""Larger errors, which exist in noise only, count as this."""
FEWEST_VOXELS = 50
"""Voxels of a region."""
KEPT = np.linspace(1.0, 0.05, 39)
"""Shares of the area that are kept."""


@dataclass(frozen=True, eq=False)
class VoxelErrors:
    """Voxels of the tissue of scans under one system.

    Attributes
    ----------
    error : numpy.ndarray, shape (voxel,), points
        |estimated - true| PDFF.
    score : numpy.ndarray, shape (voxel,), optional
        Measure of doubt.
    sd : numpy.ndarray, shape (voxel,), points, optional
        Stated SD.
    """

    error: Floats
    score: Floats | None
    sd: Floats | None

    @classmethod
    def of(cls, found: Estimated, scan: TrueScan) -> VoxelErrors:
        """Compare an estimate with the truth; NaN counts as the largest error and doubt."""
        inside = scan.tissue
        error = np.nan_to_num(np.abs(found.pdff - scan.pdff)[inside], nan=LARGEST_POINTS)
        parts = [None if x is None else np.nan_to_num(x[inside], nan=1e6, posinf=1e6) for x in (found.score, found.sd)]
        return cls(np.minimum(error, LARGEST_POINTS), parts[0], parts[1])

    @classmethod
    def joined(cls, parts: Sequence[VoxelErrors]) -> VoxelErrors:
        """All voxels of several scans."""
        return cls(np.concatenate([p.error for p in parts]), _joined([p.score for p in parts]), _joined([p.sd for p in parts]))


def _joined(parts: Sequence[Floats | None]) -> Floats | None:
    present = [p for p in parts if p is not None]
    return np.concatenate(present) if present else None


def error_left(error: Floats, doubt: Floats) -> Floats:
    """Mean error of what is left when the voxels of highest doubt go.

    Parameters
    ----------
    error : numpy.ndarray, shape (voxel,)
        Errors.
    doubt : numpy.ndarray, shape (voxel,)
        Measure of doubt; voxels of equal doubt go in random order of a fixed seed.

    Returns
    -------
    numpy.ndarray, shape (len(KEPT),)
        Mean error at each share of `KEPT`.

    References
    ----------
    Ilg et al., ECCV 2018 (sparsification plots).
    """
    order = np.lexsort((np.random.default_rng(0).random(error.size), doubt))
    running = np.cumsum(error[order]) / np.arange(1, error.size + 1)
    return np.asarray(running[np.maximum(np.round(KEPT * error.size).astype(int), 1) - 1])


def area_above_oracle(error: Floats, doubt: Floats) -> float:
    """Mean over the kept shares of error left minus error left by the oracle, which knows the errors; points."""
    return float(np.mean(error_left(error, doubt) - error_left(error, error)))


@dataclass(frozen=True)
class UncertaintyScore:
    """A system on the scans of one domain.

    Attributes
    ----------
    system : str
        Name of the system.
    domain : str
        Name of the domain.
    uncertainty : str
        What is stated; empty for nothing.
    mean_error : float
        Mean absolute error over the tissue, points.
    large_percent : float
        Share of the tissue with an error above 5 points.
    half_left : float
        Mean absolute error of the surer half, points.
    area : float
        Area between the sparsification curve and that of the oracle, points.
    relative_area : float
        The same relative to that of a random order: 0 finds every error, 1 none.
    roc : float
        Area under the ROC curve for errors above 5 points.
    coverage_68_percent : float
        Share of the tissue within one stated SD.
    coverage_95_percent : float
        Share within 1.96 stated SD.
    reason : str
        Why there are no figures; empty where there are.
    """

    system: str
    domain: str
    uncertainty: str = ""
    mean_error: float = math.nan
    large_percent: float = math.nan
    half_left: float = math.nan
    area: float = math.nan
    relative_area: float = math.nan
    roc: float = math.nan
    coverage_68_percent: float = math.nan
    coverage_95_percent: float = math.nan
    reason: str = ""


def uncertainty_score(system: str, domain: str, uncertainty: str, voxels: VoxelErrors) -> UncertaintyScore:
    """Score the stated uncertainty.

    Parameters
    ----------
    system : str
        Name of the system.
    domain : str
        Name of the domain.
    uncertainty : str
        What is stated.
    voxels : VoxelErrors
        Voxels of the domain.

    Returns
    -------
    UncertaintyScore
    """
    error, score, sd = voxels.error, voxels.score, voxels.sd
    mean, large = float(error.mean()), error > LARGE_POINTS
    row = UncertaintyScore(system, domain, uncertainty, mean, float(100 * large.mean()))
    if score is None:
        return row
    area = area_above_oracle(error, score)
    useless = float(np.mean(mean - error_left(error, error)))
    inside = [math.nan if sd is None else float(100 * (error <= factor * sd).mean()) for factor in (1.0, 1.96)]
    half = float(np.interp(0.5, KEPT[::-1], error_left(error, score)[::-1]))
    return replace(
        row,
        half_left=half,
        area=area,
        relative_area=area / useless,
        roc=roc_area(score, large),
        coverage_68_percent=inside[0],
        coverage_95_percent=inside[1],
    )


@dataclass(frozen=True)
class RegionPoint:
    """A square region of a lobe under one system.

    Attributes
    ----------
    system : str
        Name of the system.
    domain : str
        Name of the domain.
    error : float
        |estimated - true median|, points.
    iqr : float
        Interquartile range of the estimate, points.
    variance : float
        Mean stated variance, points squared.
    """

    system: str
    domain: str
    error: float
    iqr: float
    variance: float


def region_points(system: str, domain: str, found: Estimated, scan: TrueScan) -> list[RegionPoint]:
    """One point for each lobe and slice in which the lobe is large enough.

    Parameters
    ----------
    system : str
        Name of the system.
    domain : str
        Name of the domain.
    found : Estimated
        Estimate with SD.
    scan : TrueScan
        The scan.

    Returns
    -------
    list of RegionPoint
        None for a system without SD.
    """
    points = []
    for name in (*LOBES, "Liver dome"):
        if found.sd is None or name not in scan.segments:
            continue
        for index, inside in enumerate(scan.segments[name]):
            if inside.sum() < FEWEST_VOXELS:
                continue
            pdff, truth, sd = found.pdff[index][inside], scan.pdff[index][inside], found.sd[index][inside]
            low, median, high = np.percentile(pdff, (25, 50, 75))
            error = abs(float(median - np.median(truth)))
            points.append(RegionPoint(system, domain, error, float(high - low), float(np.mean(np.minimum(sd, 100.0) ** 2))))
    return points


@dataclass(frozen=True)
class Regression:
    """Linear regression of stated variance on error and interquartile range, as figure 6 of Meneses et al. 2026.

    Attributes
    ----------
    system : str
        Name of the system.
    regions : int
        Number of regions.
    r_squared : float
        Share of the variance explained.
    p_value : float
        Of the F test against no relation.
    rank_correlation : float
        Spearman correlation of stated variance and error.
    """

    system: str
    regions: int
    r_squared: float
    p_value: float
    rank_correlation: float


def regression(points: Sequence[RegionPoint]) -> Regression:
    """Regress the variances of one system's regions; NaN below five regions."""
    if len(points) < 5:
        return Regression(points[0].system, len(points), math.nan, math.nan, math.nan)
    error, iqr, variance = (np.array([getattr(p, name) for p in points]) for name in ("error", "iqr", "variance"))
    design = np.stack([np.ones_like(error), error, iqr], 1)
    solution, *_ = np.linalg.lstsq(design, variance, rcond=None)
    total = float(((variance - variance.mean()) ** 2).sum())
    rest = float(((variance - design @ solution) ** 2).sum())
    r_squared, freedom = 1 - rest / total, len(points) - 3
    ratio = (r_squared / 2) / (max(1 - r_squared, 1e-300) / freedom)
    rank = float(scipy.stats.spearmanr(variance, error).statistic)
    return Regression(points[0].system, len(points), r_squared, float(scipy.stats.f.sf(ratio, 2, freedom)), rank)
