"""Statistics of PDFF and R2* in segments, with the stated uncertainty taken into account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .liver_parts import liver_groups, liver_part
from .low_confidence import LowConfidence
from .map_arrays import BoolArray, FloatArray, MapArrays
from .steatosis import TANG_2015, SteatosisCutoffs
from .weighted_mean import inverse_variance_mean

TWO_SIDED_95 = 1.96
"""Quantile of the normal distribution that leaves 2.5 % at each end."""


@dataclass(frozen=True)
class SegmentStatistics:
    """Statistics of one segment: a row of the table. NaN where no voxel contributes.

    Attributes
    ----------
    name : str
        Name of the segment.
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
    weighted_mean : float
        Mean PDFF in percent, weighted by 1 / stated SD^2.
    weighted_standard_error : float
        1 / sqrt(sum of weights), percentage points. It assumes independent errors; neighbours that share noise, field errors
        or smoothing make the true error larger.
    r2star_mean : float
        Mean R2* in 1/s.
    steatosis_grade : str
        Grade of the median PDFF; '' where none applies.
    """

    name: str
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
    weighted_mean: float
    weighted_standard_error: float
    r2star_mean: float
    steatosis_grade: str

    @property
    def mean_interval(self) -> tuple[float, float]:
        """95 % interval of the mean PDFF in percent, as if the errors of all voxels went in the same direction.

        Notes
        -----
        mean -+ 1.96 times the mean of the stated SDs: the widest interval that the stated SDs allow. Independent errors would
        make it narrower by the square root of the number of voxels; neighbours share noise and field errors, so the true
        interval lies between.
        """
        reach = TWO_SIDED_95 * self.stated_sd_mean
        return self.pdff_mean - reach, self.pdff_mean + reach


def segment_statistics(
    maps: MapArrays,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    *,
    voxel_volume_ml: float,
    low_confidence: LowConfidence | None = None,
    exclude_low_confidence: bool = False,
    cutoffs: SteatosisCutoffs | None = TANG_2015,
    terminology: Mapping[int, str] | None = None,
) -> list[SegmentStatistics]:
    """Statistics of each segment, in label order, then of lobes and liver that several segments make (`liver_groups`).

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    labels : np.ndarray, shape (slice, row, column), int
        Segment of each voxel; 0 is none.
    names : Mapping[int, str]
        Name of each label; labels without voxels give rows of NaN.
    voxel_volume_ml : float
        Volume of a voxel (`Geometry.voxel_volume_ml`).
    low_confidence : LowConfidence, optional
        Limits; None takes the defaults.
    exclude_low_confidence : bool
        Leave voxels of low confidence out of the values.
    cutoffs : SteatosisCutoffs, optional
        Cut-offs of the steatosis grades, which segments of the liver get (`liver_part`); None for no grades.
    terminology : Mapping[int, str], optional
        Terminology entry of each label, by which liver is recognised where the name leaves it open.

    Returns
    -------
    list of SegmentStatistics

    Raises
    ------
    ValueError
        Labels and maps differ in shape.
    """
    if labels.shape != maps.pdff.shape:
        raise ValueError(f"labels have shape {labels.shape}, the maps {maps.pdff.shape}")
    limits = low_confidence or LowConfidence()
    known = terminology or {}
    regions = [(name, labels == label, liver_part(name, known.get(label, ""))) for label, name in sorted(names.items())]
    groups = [(row, np.isin(labels, members), True) for row, members in liver_groups(names, known).items()]
    return [
        region_statistics(
            maps,
            region,
            name,
            voxel_volume_ml=voxel_volume_ml,
            low_confidence=limits,
            exclude_low_confidence=exclude_low_confidence,
            cutoffs=cutoffs if liver else None,
        )
        for name, region, liver in (*regions, *groups)
    ]


def region_statistics(
    maps: MapArrays,
    region: BoolArray,
    name: str,
    *,
    voxel_volume_ml: float,
    low_confidence: LowConfidence | None = None,
    exclude_low_confidence: bool = False,
    cutoffs: SteatosisCutoffs | None = TANG_2015,
) -> SegmentStatistics:
    """Statistics of one region.

    Parameters
    ----------
    maps : MapArrays
        A `ParameterMaps`, or anything with its arrays.
    region : np.ndarray, shape (slice, row, column), bool
        Voxels of the region.
    name : str
        Name of the region.
    voxel_volume_ml : float
        Volume of a voxel.
    low_confidence : LowConfidence, optional
        Limits; None takes the defaults.
    exclude_low_confidence : bool
        Leave voxels of low confidence out of the values.
    cutoffs : SteatosisCutoffs, optional
        Cut-offs of the steatosis grades; None where the region is not liver.

    Returns
    -------
    SegmentStatistics
    """
    limits = low_confidence or LowConfidence()
    voxels = int(np.count_nonzero(region))
    chosen = region & maps.mask & np.isfinite(maps.pdff)
    low = limits.select(maps)[chosen]
    suspect = maps.swap_probability[chosen] > limits.swap_probability
    estimated = int(np.count_nonzero(chosen))
    keep = ~low if exclude_low_confidence else np.ones(estimated, dtype=np.bool_)
    pdff = maps.pdff[chosen][keep].astype(np.float64)
    sd = maps.pdff_total_sd[chosen][keep].astype(np.float64)
    r2star = maps.r2star[chosen][keep].astype(np.float64)
    median, iqr = _median_iqr(pdff)
    weighted_mean, standard_error = inverse_variance_mean(pdff, sd)
    return SegmentStatistics(
        name=name,
        voxels=voxels,
        volume_ml=voxels * voxel_volume_ml,
        outside_percent=_percent(voxels - estimated, voxels),
        low_confidence_percent=_percent(int(np.count_nonzero(low)), estimated),
        swap_suspect_percent=_percent(int(np.count_nonzero(suspect)), estimated),
        used_voxels=pdff.size,
        pdff_mean=_mean(pdff),
        pdff_sd=float(np.std(pdff, ddof=1)) if pdff.size > 1 else float("nan"),
        pdff_median=median,
        pdff_iqr=iqr,
        stated_sd_mean=_mean(sd),
        weighted_mean=weighted_mean,
        weighted_standard_error=standard_error,
        r2star_mean=_mean(r2star),
        steatosis_grade=cutoffs.grade(median) if cutoffs else "",
    )


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if values.size else float("nan")


def _median_iqr(values: FloatArray) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    low, median, high = np.percentile(values, (25, 50, 75))
    return float(median), float(high - low)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else float("nan")
