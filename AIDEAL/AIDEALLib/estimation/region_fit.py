"""Joint estimate of a region: one fat fraction and one R2*, a field and an amplitude for each voxel.

The echoes of voxel i are rho_i a exp(i 2 pi phi_i t) + noise, a = (1 + eta (c - 1)) exp(-R2* t) with one complex eta and one
R2* for all voxels; PDFF = Re eta. The amplitude rho_i is linear, so that with y_i the demodulated echoes the likelihood of a
voxel is exp(E_i), E_i = |a^H y_i|^2 / (2 sigma^2 |a|^2). Two steps:

1. Maximum of sum_i E_i over eta, R2* and all fields (Gauss-Newton). All voxels share the derivatives of a up to |rho_i|: with
   u = (P b, i P b, -P t a), b = (c - 1) exp(-R2* t), of (Re eta, Im eta, R2*), f = i 2 pi P t a of phi_i and P the projector
   off a, eliminating the fields leaves

       H sum_i |rho_i|^2 = sum_i Re (rho_i u)^H (1 - f f^H / |f|^2) y_i,   H = Re u^H u - Re(u^H f) Re(f^H u) / |f|^2.

2. Maximum of sum_i log of the integral of exp(E_i) over the field. A field fitted to every voxel takes noise for rotation, and
   no number of voxels makes up for that (Neyman and Scott, Econometrica 1948;16:1): at R2* 1000 1/s the first step alone is off
   by several points. Curvature and gradients there give the standard errors.

Voxels that do not fit the estimate, such as vessels, which outshine a liver with iron, are left out of a second estimate.

References
----------
Golub and Pereyra, Inverse Problems 2003;19:R1 (variable projection).
Berger, Liseo and Wolpert, Statist Sci 1999;14:1 (integrated likelihood). The joint estimate is ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .region_maximum import integrated_maximum, profile_maximum
from .region_model import IntegratedLikelihood, RegionEchoes

Complex = npt.NDArray[np.complex128]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

STARTS_PER_S = (30.0, 100.0, 250.0, 500.0, 800.0, 1200.0)
STARTS_PDFF = (0.05, 0.3, 0.7, 0.95)
INTEGRATIONS = 2
PDFF_RANGE, LARGEST_PHASE, LOWEST_R2STAR_PER_S = (-0.05, 1.05), 0.3, -20.0
"""Range of Re eta, limit of Im eta, and lower limit of R2*."""
MOSTLY_FAT, FASTEST_FAT_PER_S = 0.7, 200.0
"""Iron lies in water: regions of a larger Re eta decay no faster."""
FEWEST_VOXELS = 4
MISFIT, NEGLIGIBLE, LEAST_KEPT = 3.0, 0.05, 0.5
"""Voxels whose misfit exceeds this multiple of what noise or the median of the region explains are of another kind; the share
of the misfit up to which they do not matter; and the least share of the region that the others must be."""


@dataclass(frozen=True, eq=False)
class RegionVoxels:
    """Voxels of a region and what is known of them.

    Attributes
    ----------
    echoes : np.ndarray, shape (echo, voxel), complex
        Corrected echoes.
    te_s : np.ndarray, shape (echo,), seconds
        Echo times.
    modulation : np.ndarray, shape (echo,), complex
        Fat phasor.
    field_hz : np.ndarray, shape (voxel,), Hz
        Start of the off-resonance of each voxel; voxels, or all of them, may be swapped.
    noise_sd : float
        Noise per real channel.
    fat_shift_hz : float, Hz
        Distance of the field of a swapped voxel.
    """

    echoes: Complex
    te_s: Floats
    modulation: Complex
    field_hz: Floats
    noise_sd: float
    fat_shift_hz: float

    def at(self, chosen: Bools) -> RegionVoxels:
        """Some of the voxels."""
        return replace(self, echoes=self.echoes[:, chosen], field_hz=self.field_hz[chosen])

    @property
    def problem(self) -> RegionEchoes:
        """Model of the echoes from the first one on."""
        return RegionEchoes(self.echoes.astype(np.complex128), self.te_s - self.te_s[0], self.modulation)

    def modes(self, field_hz: Floats) -> Floats:
        """Fields, and those a fat shift above and below, (3, voxel)."""
        return field_hz + self.fat_shift_hz * np.array([0.0, 1.0, -1.0])[:, None]


@dataclass(frozen=True)
class RegionEstimate:
    """Joint estimate of a region.

    Attributes
    ----------
    pdff : float, percent
        Signed fat fraction.
    pdff_error : float, percentage points
        Its standard error from independent noise, and from how voxels differ.
    r2star_per_s : float, 1/s
        Decay rate.
    r2star_error : float, 1/s
        Its standard error from independent noise.
    weights : np.ndarray, in the shape of the region
        |rho| of each voxel, 0 in those not used: drawn out of a large region, or of another kind.
    """

    pdff: float
    pdff_error: float
    r2star_per_s: float
    r2star_error: float
    weights: Floats


def fit_region(voxels: RegionVoxels, start: tuple[float, float]) -> RegionEstimate | None:
    """Estimate one PDFF and one R2* from all echoes of all voxels.

    Parameters
    ----------
    voxels : RegionVoxels
        The region.
    start : tuple of float
        Start of PDFF (percent) and R2* (1/s).

    Returns
    -------
    RegionEstimate or None
        None where the steps do not converge, or there are fewer than `FEWEST_VOXELS` voxels.
    """
    found = _estimate(voxels, start)
    if found is None:
        return None
    left = _misfit(voxels, found)
    by_noise = voxels.noise_sd**2 * (2 * len(voxels.te_s) - 3)  # two of the amplitude and one of the field are fitted
    fits = left <= MISFIT * max(by_noise, float(np.median(left)))
    if left[~fits].sum() < NEGLIGIBLE * left.sum() or fits.mean() < LEAST_KEPT:
        return found
    again = _estimate(voxels.at(fits), start)
    if again is None:
        return found
    weights = np.zeros(len(fits))
    weights[fits] = again.weights
    return replace(again, weights=weights)


def _estimate(voxels: RegionVoxels, start: tuple[float, float]) -> RegionEstimate | None:
    """Estimate from all voxels."""
    if len(voxels.field_hz) < FEWEST_VOXELS:
        return None
    problem, noise_sd = voxels.problem, voxels.noise_sd
    eta = float(np.clip(start[0], -5.0, 105.0)) / 100
    starts = [np.array([e, 0.0, r]) for e in (eta, 1 - eta, *STARTS_PDFF) for r in (start[1], *STARTS_PER_S)]
    found = []
    for half in (True, False):  # water or fat dominates
        profile = _profile(voxels, problem, [at for at in starts if (at[0] < 0.5) == half])
        if profile is not None:
            found.append((IntegratedLikelihood.around(problem, *profile, noise_sd)(profile[0]), *profile))
    found = [mode for mode in found if _possible(mode[1])]
    if not found:
        return None
    _, point, field = max(found, key=lambda mode: mode[0])
    for _ in range(INTEGRATIONS):
        integrated = IntegratedLikelihood.around(problem, point, field, noise_sd)
        maximum = integrated_maximum(integrated, point)
        if maximum is None:
            return None
        point, covariance = maximum
        field = problem.fields(point, field)
    if not _possible(point):
        return None
    errors = np.sqrt(np.diag(covariance))
    signal = np.abs(problem.step(point, field).amplitude)
    return RegionEstimate(100 * float(point[0]), 100 * float(errors[0]), float(point[2]), float(errors[2]), signal)


def _misfit(voxels: RegionVoxels, found: RegionEstimate) -> Floats:
    """Energy of each voxel's echoes that an estimate leaves over."""
    problem, point = voxels.problem, np.array([found.pdff / 100, 0.0, found.r2star_per_s])
    fields = np.stack([problem.fields(point, field) for field in voxels.modes(voxels.field_hz)])
    result: Floats = np.sum(np.abs(voxels.echoes) ** 2, axis=0) - problem.energy(point, fields).max(0)
    return result


def _possible(point: Floats) -> bool:
    """Whether fat fraction and R2* are those of tissue; swapped modes of few echoes fit as well with impossible values."""
    eta, phase, r2star = point
    fastest = FASTEST_FAT_PER_S if eta > MOSTLY_FAT else math.inf
    return bool(PDFF_RANGE[0] <= eta <= PDFF_RANGE[1] and abs(phase) < LARGEST_PHASE and LOWEST_R2STAR_PER_S < r2star < fastest)


def _profile(voxels: RegionVoxels, problem: RegionEchoes, starts: list[Floats]) -> tuple[Floats, Floats] | None:
    """Maximum over (Re eta, Im eta, R2*) and the fields, or None: fields start at those of the maps or a fat shift away.

    The modes of the voxels are chosen for the best start, and once more where the steps have converged.
    """
    fields = voxels.modes(voxels.field_hz)
    energies = [problem.energy(at, fields).max(0).sum() for at in starts]
    point = starts[int(np.argmax(energies))]
    for _ in range(2):
        field = np.take_along_axis(fields, problem.energy(point, fields).argmax(0)[None], 0)[0]
        found = profile_maximum(problem, point, field)
        if found is None:
            return None
        point, field = found
        fields = np.stack([problem.fields(point, start) for start in voxels.modes(field)])
    return point, field
