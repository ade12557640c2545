"""Scores of one method on one scan: error, time and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK
from ..physics.variable_projection import EchoBasis, fit
from ..validation.cases import Case, Scan, compare_with_truth
from ..validation.rois import square_rois
from ..validation.scores import summary
from ..validation.voxels import LIVER, LOBES, Voxels

LARGEST_ERROR = 100.0
"""Points; errors of voxels in noise are unbounded and would dominate the mean."""


@dataclass(frozen=True)
class Cost:
    """Time and memory of a method.

    Attributes
    ----------
    seconds_per_slice : float
        Wall time, median of the runs.
    cpu_seconds_per_slice : float
        CPU time of all threads, median of the runs.
    repeats : int
        Number of runs.
    peak_mib : float
        Peak memory of the process with Python and all libraries, MiB.
    """

    seconds_per_slice: float
    cpu_seconds_per_slice: float
    repeats: int
    peak_mib: float


@dataclass(frozen=True)
class ProtocolScore:
    """One method on one patient under one protocol; PDFF in points, NaN for what does not exist.

    Attributes
    ----------
    method : str
        Name of the method.
    protocol : str
        Name of the protocol.
    patient : int
        Seed of the patient.
    right_bias : float
        Estimated minus true median PDFF of the right lobe.
    left_bias : float
        Estimated minus true median PDFF of the left lobe.
    absolute_error : float
        Mean over the liver's voxels, each limited to `LARGEST_ERROR`.
    r2star_bias_percent : float
        Estimated relative to true median R2* of the liver.
    liver_swap_percent : float
        Voxels of the liver whose field is more than half a fat shift off.
    body_swap_percent : float
        Voxels of the body whose field is more than half a fat shift off.
    coverage_68_percent : float
        Voxels of the liver within the stated 68 % interval.
    coverage_95_percent : float
        Voxels of the liver within the stated 95 % interval.
    seconds_per_slice : float
        Wall time, median of the runs.
    cpu_seconds_per_slice : float
        CPU time of all threads, median of the runs.
    repeats : int
        Number of runs.
    peak_mib : float
        Peak memory of the process, MiB.
    rois : tuple of (float, float)
        True and estimated median PDFF of each square region in a lobe.
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
    cpu_seconds_per_slice: float
    repeats: int
    peak_mib: float
    rois: tuple[tuple[float, float], ...]

    @property
    def lobe_biases(self) -> tuple[float, ...]:
        """Absolute bias of the lobes in the scan."""
        return tuple(abs(b) for b in (self.right_bias, self.left_bias) if math.isfinite(b))


def score(name: str, maps: ParameterMaps, case: Case, scan: Scan, cost: Cost) -> ProtocolScore:
    """Compare maps with the truth; swaps and bias are counted as in `validation`.

    Parameters
    ----------
    name : str
        Name of the method.
    maps : ParameterMaps
        Maps of the method.
    case : Case
        The simulated scan.
    scan : Scan
        Echoes and truth of the case.
    cost : Cost
        Time and memory.

    Returns
    -------
    ProtocolScore
        Scores.
    """
    voxels = compare_with_truth(maps, scan, case.protocol)
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
        cpu_seconds_per_slice=cost.cpu_seconds_per_slice,
        repeats=cost.repeats,
        peak_mib=cost.peak_mib,
        rois=_rois(voxels),
    )


def _rois(voxels: Voxels) -> tuple[tuple[float, float], ...]:
    """True and estimated median of the square regions, one per lobe and slice where it fits."""
    squares = [square for lobe in LOBES for square in square_rois(voxels, lobe)]
    return tuple((float(np.median(voxels.true_pdff[s])), float(np.median(voxels.pdff[s]))) for s in squares)


@dataclass(frozen=True)
class RealScore:
    """One method on one slice of a real scan, which has no truth.

    Attributes
    ----------
    method : str
        Name of the method.
    scan : str
        Name of the scan.
    residual_percent : float
        Residual of the least-squares fit of water and fat at the method's field and R2*, median over the foreground, percent of
        the signal.
    seconds_per_slice : float
        Median of the runs.
    peak_mib : float
        Peak memory of the process, MiB.
    """

    method: str
    scan: str
    residual_percent: float
    seconds_per_slice: float
    peak_mib: float


def real_score(name: str, scan: str, maps: ParameterMaps, series: EchoSeries, cost: Cost) -> RealScore:
    """Residual at the method's field and R2*, by the same linear fit for every method.

    Parameters
    ----------
    name : str
        Name of the method.
    scan : str
        Name of the scan.
    maps : ParameterMaps
        Maps of the method.
    series : EchoSeries
        The scan.
    cost : Cost
        Time and memory.

    Returns
    -------
    RealScore
        Scores.
    """
    te = torch.from_numpy(series.te_s)
    basis = EchoBasis.of(te, SIX_PEAK.modulation(te, series.field_strength_t))
    voxels = torch.from_numpy(series.echoes[:, maps.mask])
    fitted = fit(voxels, torch.from_numpy(maps.field[maps.mask]), torch.from_numpy(maps.r2star[maps.mask]), basis)
    share = torch.sqrt(fitted.residual_energy / voxels.abs().square().sum(0).clamp_min(torch.finfo(torch.float32).tiny))
    finite = share[torch.isfinite(share)]  # in noise, R2* of a few voxels may be so large that the decay overflows
    return RealScore(name, scan, 100 * float(finite.median()), cost.seconds_per_slice, cost.peak_mib)
