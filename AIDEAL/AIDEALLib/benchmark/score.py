"""One method on one scan: how far from the truth, how long, how much memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK
from ..physics.variable_projection import EchoBasis, fit
from ..validation.cases import Case, Scan, compared
from ..validation.rois import square_rois
from ..validation.scores import summary
from ..validation.voxels import Voxels

LIVER = ("Right lobe", "Left lobe", "Liver dome")
LARGEST_ERROR = 100.0
"""Points; a voxel of noise may be off by millions, and would alone make the mean."""


@dataclass(frozen=True)
class Cost:
    """Median seconds a slice of `repeats` runs, largest memory of the process in MiB (with Python and all libraries)."""

    seconds_per_slice: float
    repeats: int
    peak_mib: float


@dataclass(frozen=True)
class ProtocolScore:
    """One method on one patient under one protocol; PDFF in points, NaN for what does not exist.

    Attributes
    ----------
    right_bias, left_bias : median found minus median true PDFF of each lobe.
    absolute_error : mean of the liver's voxels, each limited to `LARGEST_ERROR`.
    r2star_bias_percent : median R2* of the liver against the true one.
    liver_swap_percent, body_swap_percent : voxels whose field lies more than half a fat shift off.
    coverage_68_percent, coverage_95_percent : of the liver's voxels within the stated interval.
    rois : true and found median PDFF of each square region in a lobe.
    """

    method: str
    protocol: str
    patient: int
    right_bias: float
    left_bias: float
    absolute_error: float
    r2star_bias_percent: float
    liver_swap_percent: float
    body_swap_percent: float
    coverage_68_percent: float
    coverage_95_percent: float
    seconds_per_slice: float
    repeats: int
    peak_mib: float
    rois: tuple[tuple[float, float], ...]

    @property
    def lobe_biases(self) -> tuple[float, ...]:
        """Sizes of the bias of the lobes that the scan has."""
        return tuple(abs(b) for b in (self.right_bias, self.left_bias) if math.isfinite(b))


def score(name: str, maps: ParameterMaps, case: Case, scan: Scan, cost: Cost) -> ProtocolScore:
    """Compare with the truth; where swaps and bias are counted as everywhere in `validation`."""
    voxels = compared(maps, scan, case.protocol)
    liver = voxels.segment(*LIVER)
    of_liver = summary(liver, "liver")
    states_sd = bool(np.isfinite(liver.pdff_sd).all())
    return ProtocolScore(
        method=name,
        protocol=case.protocol.name,
        patient=case.noise[0],
        right_bias=summary(voxels.segment("Right lobe"), "right").median_bias,
        left_bias=summary(voxels.segment("Left lobe"), "left").median_bias,
        absolute_error=float(np.minimum(np.abs(liver.error), LARGEST_ERROR).mean()),
        r2star_bias_percent=of_liver.r2star_bias_percent,
        liver_swap_percent=of_liver.swap_percent,
        body_swap_percent=summary(voxels, "body").swap_percent,
        coverage_68_percent=of_liver.coverage_68_percent if states_sd else math.nan,
        coverage_95_percent=of_liver.coverage_95_percent if states_sd else math.nan,
        seconds_per_slice=cost.seconds_per_slice,
        repeats=cost.repeats,
        peak_mib=cost.peak_mib,
        rois=_rois(voxels),
    )


def _rois(voxels: Voxels) -> tuple[tuple[float, float], ...]:
    """True and found median of the squares a reader would draw, one a lobe and slice where there is room."""
    squares = [square for lobe in LIVER[:2] for square in square_rois(voxels, lobe)]
    return tuple((float(np.median(voxels.true_pdff[s])), float(np.median(voxels.pdff[s]))) for s in squares)


@dataclass(frozen=True)
class RealScore:
    """One method on one slice of a real scan, which has no truth.

    Attributes
    ----------
    residual_percent : median over the foreground of what least squares for water and fat leave over at the method's field
        and R2*, in percent of the signal.
    """

    method: str
    scan: str
    residual_percent: float
    seconds_per_slice: float
    peak_mib: float


def real_score(name: str, scan: str, maps: ParameterMaps, series: EchoSeries, cost: Cost) -> RealScore:
    """Judge every method's field and R2* by the same linear fit."""
    te = torch.from_numpy(series.te_s)
    basis = EchoBasis.of(te, SIX_PEAK.modulation(te, series.field_strength_t))
    voxels = torch.from_numpy(series.echoes[:, maps.mask])
    at = fit(voxels, torch.from_numpy(maps.field[maps.mask]), torch.from_numpy(maps.r2star[maps.mask]), basis)
    share = torch.sqrt(at.residual_energy / voxels.abs().square().sum(0).clamp_min(torch.finfo(torch.float32).tiny))
    finite = share[torch.isfinite(share)]  # noise may have sent R2* of a few voxels where the decay overflows
    return RealScore(name, scan, 100 * float(finite.median()), cost.seconds_per_slice, cost.peak_mib)
