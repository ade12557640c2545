"""Region statistics of PDFF and R2* with the stated uncertainty taken into account (numpy only)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


class MapArrays(Protocol):
    """What statistics need of a `ParameterMaps`, or of arrays taken out of volumes; all (slice, row, column)."""

    @property
    def pdff(self) -> FloatArray:
        """PDFF in percent, signed."""

    @property
    def pdff_total_sd(self) -> FloatArray:
        """Stated standard deviation of the PDFF in points, the chance of a swap included."""

    @property
    def swap_probability(self) -> FloatArray:
        """Probability that water and fat are swapped."""

    @property
    def r2star(self) -> FloatArray:
        """R2* in 1/s."""

    @property
    def mask(self) -> BoolArray:
        """Voxels with an estimate."""


@dataclass(frozen=True)
class LowConfidence:
    """When a voxel's PDFF is not to be relied on: either limit exceeded.

    The limit of the swap probability flags 3 % of the body in the scenes of `aideal validate` (section limits).
    """

    swap_probability: float = 0.02
    total_sd_points: float = 5.0

    def select(self, maps: MapArrays) -> BoolArray:
        """Voxels of low confidence (slice, row, column); a value that is not a number counts as low confidence."""
        sure = (maps.swap_probability <= self.swap_probability) & (maps.pdff_total_sd <= self.total_sd_points)
        return np.asarray(~sure, dtype=np.bool_)


@dataclass(frozen=True)
class SteatosisCutoffs:
    """PDFF in percent from which grades 1, 2 and 3 begin. Research use only: cut-offs differ between studies."""

    name: str
    grade_1: float
    grade_2: float
    grade_3: float

    def grade(self, pdff_percent: float) -> str:
        """Grade S0 to S3 of a liver with this PDFF, '' when it is not a number."""
        if not np.isfinite(pdff_percent):
            return ""
        return f"S{sum(pdff_percent >= limit for limit in (self.grade_1, self.grade_2, self.grade_3))}"


TANG_2015 = SteatosisCutoffs("Tang 2015", 5.2, 11.3, 17.1)
TANG_2013 = SteatosisCutoffs("Tang 2013", 6.4, 17.4, 22.1)
CUTOFFS: dict[str, SteatosisCutoffs] = {cutoffs.name: cutoffs for cutoffs in (TANG_2015, TANG_2013)}


@dataclass(frozen=True)
class SegmentStatistics:
    """One row of the table. PDFF and its spreads in percent (points), R2* in 1/s; not-a-number where there is nothing to tell.

    Attributes
    ----------
    voxels, volume_ml : the whole segment.
    outside_percent : share of its voxels that have no estimate (outside the foreground); left out of all that follows.
    low_confidence_percent, swap_suspect_percent : shares of the voxels with an estimate.
    used_voxels : voxels behind the numbers below (fewer when low confidence is excluded).
    pdff_mean, pdff_sd, pdff_median, pdff_iqr : of the voxels' signed PDFF; `pdff_sd` is their spread (n - 1).
    stated_sd_mean : mean of the voxels' stated SD, swap included.
    weighted_mean : mean with weights 1 / stated SD^2.
    weighted_standard_error : 1 / sqrt(sum of weights). It assumes voxels with independent errors; neighbours that share
        noise, field errors or smoothing make the true error larger.
    steatosis_grade : by the median PDFF; for liver only, '' when empty.
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


def segment_statistics(
    maps: MapArrays,
    labels: npt.NDArray[np.integer],
    names: Mapping[int, str],
    *,
    voxel_volume_ml: float,
    low_confidence: LowConfidence | None = None,
    exclude_low_confidence: bool = False,
    cutoffs: SteatosisCutoffs | None = TANG_2015,
) -> list[SegmentStatistics]:
    """Statistics of each segment, in label order, and of the whole liver when both lobes are there and it is not.

    Parameters
    ----------
    maps : a `ParameterMaps`, or anything with its arrays.
    labels : integers (slice, row, column); 0 is no segment.
    names : name of each label; labels without voxels give rows of not-a-number.
    voxel_volume_ml : volume of a voxel in ml (`Geometry.voxel_volume_ml`).
    low_confidence : limits; None takes the defaults.
    exclude_low_confidence : leave those voxels out of the numbers.
    cutoffs : limits of the steatosis grades; None for no grades.

    Raises
    ------
    ValueError
        Labels and maps differ in shape.
    """
    if labels.shape != maps.pdff.shape:
        raise ValueError(f"labels have shape {labels.shape}, the maps {maps.pdff.shape}")
    limits = low_confidence or LowConfidence()
    regions = [(name, labels == label) for label, name in sorted(names.items())]
    lobes = liver_lobes(names)
    if lobes:
        regions.append(("whole liver", np.isin(labels, lobes)))
    return [
        region_statistics(
            maps,
            region,
            name,
            voxel_volume_ml=voxel_volume_ml,
            low_confidence=limits,
            exclude_low_confidence=exclude_low_confidence,
            cutoffs=cutoffs,
        )
        for name, region in regions
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
    """Statistics of one region (slice, row, column); `cutoffs` None leaves the grade empty (the region is not liver)."""
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


def inverse_variance_mean(values: FloatArray, sd: FloatArray) -> tuple[float, float]:
    """Mean weighted by 1 / sd^2, and its standard error 1 / sqrt(sum 1 / sd^2).

    The standard error assumes independent errors. Values whose SD is not a positive number are left out.
    """
    good = np.isfinite(values) & np.isfinite(sd) & (sd > 0)
    if not np.any(good):
        return float("nan"), float("nan")
    smallest = float(sd[good].min())
    weights = (smallest / sd[good]) ** 2  # relative to the best voxel, so that no square overflows
    total = float(weights.sum())
    return float(np.sum(weights * values[good]) / total), smallest / float(np.sqrt(total))


@dataclass(frozen=True)
class Agreement:
    """How two measurements of the same voxels agree: mean and SD (n - 1) of their difference, and its 95 % limits."""

    voxels: int
    bias: float
    sd: float
    lower_limit: float
    upper_limit: float


def bland_altman(values: FloatArray, reference: FloatArray) -> Agreement:
    """Bias and limits of agreement, mean difference -+ 1.96 SD, of values minus reference; not-a-number without voxels.

    Bland and Altman, Lancet 1986;327:307. The limits take differences for normally distributed.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if values.shape != reference.shape:
        raise ValueError(f"values have shape {values.shape}, the reference {reference.shape}")
    difference = (values.astype(np.float64) - reference).ravel()
    bias = _mean(difference)
    sd = float(np.std(difference, ddof=1)) if difference.size > 1 else float("nan")
    return Agreement(difference.size, bias, sd, bias - 1.96 * sd, bias + 1.96 * sd)


def liver_lobes(names: Mapping[int, str]) -> list[int]:
    """Labels of the right and the left lobe of the liver; [] when either is missing or the whole liver is a segment itself."""
    words = {label: set(re.findall(r"[a-z]+", name.lower())) for label, name in names.items()}
    liver = {label: said for label, said in words.items() if said & {"lobe", "liver", "hepatic"}}
    right = [label for label, said in liver.items() if "right" in said]
    left = [label for label, said in liver.items() if "left" in said]
    whole = any("liver" in said and not said & {"left", "right", "lobe"} for said in liver.values())
    return [] if whole or not (right and left) else sorted({*right, *left})


def circle_roi(
    shape: tuple[int, int, int],
    center: tuple[int, float, float],
    radius_mm: float,
    spacing_mm: tuple[float, float, float],
) -> BoolArray:
    """Voxels of one slice within `radius_mm` of a centre (slice, row, column); spacing along (column, row, slice)."""
    slice_, row, column = center
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    region = np.zeros(shape, dtype=np.bool_)
    region[slice_] = np.hypot((rows - row) * spacing_mm[1], (columns - column) * spacing_mm[0]) <= radius_mm
    return region


def square_roi(shape: tuple[int, int, int], center: tuple[int, int, int], side_px: int = 17) -> BoolArray:
    """Voxels of a square around a centre (slice, row, column), cut at the border; 17 px suit a 384x384 matrix."""
    slice_, row, column = center
    before = side_px // 2
    first_row, first_column = row - before, column - before
    region = np.zeros(shape, dtype=np.bool_)
    region[
        slice_,
        max(first_row, 0) : max(first_row + side_px, 0),
        max(first_column, 0) : max(first_column + side_px, 0),
    ] = True
    return region


def _mean(values: FloatArray) -> float:
    return float(np.mean(values)) if values.size else float("nan")


def _median_iqr(values: FloatArray) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    low, median, high = np.percentile(values, (25, 50, 75))
    return float(median), float(high - low)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else float("nan")
