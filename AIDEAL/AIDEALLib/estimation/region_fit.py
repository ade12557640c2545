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
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import FatSpectrum
from .region_model import IntegratedLikelihood, RegionEchoes

Complex = npt.NDArray[np.complex128]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_STEPS = 60
CONVERGED = np.array([1e-5, 1e-4, 1e-2])
"""Largest last step of Re eta, Im eta and R2* (1/s)."""
LARGEST_STEP = np.array([0.1, 0.1, 150.0])
DIFFERENCES = np.array([1e-3, 1e-3, 1.0])
"""Distances for derivatives."""
STARTS_PER_S = (30.0, 100.0, 250.0, 500.0, 800.0, 1200.0)
STARTS_PDFF = (0.05, 0.3, 0.7, 0.95)
INTEGRATIONS = 2
MOST_VOXELS = 6000
"""Voxels used of a larger region, drawn at random with a fixed seed."""
PDFF_RANGE, LARGEST_PHASE, LOWEST_R2STAR_PER_S = (-0.05, 1.05), 0.3, -20.0
"""Range of Re eta, limit of Im eta, and lower limit of R2*."""
MOSTLY_FAT, FASTEST_FAT_PER_S = 0.7, 200.0
"""Iron lies in water: regions of a larger Re eta decay no faster."""
FEWEST_VOXELS = 4
MISFIT, NEGLIGIBLE, LEAST_KEPT = 3.0, 0.05, 0.5
"""Voxels whose misfit exceeds this multiple of what noise or the median of the region explains are of another kind; the share
of the misfit up to which they do not matter; and the least share of the region that the others must be."""


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


def fit_region(
    echoes: Complex,
    te_s: Floats,
    modulation: Complex,
    field_hz: Floats,
    start: tuple[float, float],
    noise_sd: float,
    fat_shift_hz: float,
) -> RegionEstimate | None:
    """Estimate one PDFF and one R2* from all echoes of all voxels.

    Parameters
    ----------
    echoes : np.ndarray, shape (echo, voxel), complex
        Corrected echoes.
    te_s : np.ndarray, shape (echo,), seconds
        Echo times.
    modulation : np.ndarray, shape (echo,), complex
        Fat phasor.
    field_hz : np.ndarray, shape (voxel,), Hz
        Start of the off-resonance of each voxel; voxels, or all of them, may be swapped.
    start : tuple of float
        Start of PDFF (percent) and R2* (1/s).
    noise_sd : float
        Noise per real channel.
    fat_shift_hz : float, Hz
        Distance of the field of a swapped voxel.

    Returns
    -------
    RegionEstimate or None
        None where the steps do not converge, or there are fewer than `FEWEST_VOXELS` voxels.
    """
    found = _estimate(echoes, te_s, modulation, field_hz, start, noise_sd, fat_shift_hz)
    if found is None:
        return None
    left = _misfit(echoes, te_s, modulation, field_hz, found, fat_shift_hz)
    by_noise = noise_sd**2 * (2 * len(te_s) - 3)  # two of the amplitude and one of the field are fitted
    fits = left <= MISFIT * max(by_noise, float(np.median(left)))
    if left[~fits].sum() < NEGLIGIBLE * left.sum() or fits.mean() < LEAST_KEPT:
        return found
    again = _estimate(echoes[:, fits], te_s, modulation, field_hz[fits], start, noise_sd, fat_shift_hz)
    if again is None:
        return found
    weights = np.zeros(len(fits))
    weights[fits] = again.weights
    return replace(again, weights=weights)


def _estimate(
    echoes: Complex,
    te_s: Floats,
    modulation: Complex,
    field_hz: Floats,
    start: tuple[float, float],
    noise_sd: float,
    fat_shift_hz: float,
) -> RegionEstimate | None:
    """Estimate from all voxels; parameters of `fit_region`."""
    if echoes.shape[1] < FEWEST_VOXELS:
        return None
    problem = RegionEchoes(echoes.astype(np.complex128), te_s - te_s[0], modulation)
    eta = float(np.clip(start[0], -5.0, 105.0)) / 100
    starts = [np.array([e, 0.0, r]) for e in (eta, 1 - eta, *STARTS_PDFF) for r in (start[1], *STARTS_PER_S)]
    found = []
    for half in (True, False):  # water or fat dominates
        profile = _profile(problem, [at for at in starts if (at[0] < 0.5) == half], field_hz, fat_shift_hz)
        if profile is not None:
            found.append((IntegratedLikelihood.around(problem, *profile, noise_sd)(profile[0]), *profile))
    found = [mode for mode in found if _possible(mode[1])]
    if not found:
        return None
    _, point, field = max(found, key=lambda mode: mode[0])
    for _ in range(INTEGRATIONS):
        integrated = IntegratedLikelihood.around(problem, point, field, noise_sd)
        maximum = _newton(integrated, point)
        if maximum is None:
            return None
        point, covariance = maximum
        field = problem.fields(point, field)
    if not _possible(point):
        return None
    errors = np.sqrt(np.diag(covariance))
    signal = np.abs(problem.step(point, field).amplitude)
    return RegionEstimate(100 * float(point[0]), 100 * float(errors[0]), float(point[2]), float(errors[2]), signal)


def _misfit(
    echoes: Complex,
    te_s: Floats,
    modulation: Complex,
    field_hz: Floats,
    found: RegionEstimate,
    fat_shift_hz: float,
) -> Floats:
    """Energy of each voxel's echoes that an estimate leaves over; parameters of `fit_region`."""
    problem = RegionEchoes(echoes.astype(np.complex128), te_s - te_s[0], modulation)
    point = np.array([found.pdff / 100, 0.0, found.r2star_per_s])
    fields = np.stack([problem.fields(point, field_hz + shift) for shift in (0.0, fat_shift_hz, -fat_shift_hz)])
    result: Floats = np.sum(np.abs(echoes) ** 2, axis=0) - problem.energy(point, fields).max(0)
    return result


def _possible(point: Floats) -> bool:
    """Whether fat fraction and R2* are those of tissue; swapped modes of few echoes fit as well with impossible values."""
    eta, phase, r2star = point
    fastest = FASTEST_FAT_PER_S if eta > MOSTLY_FAT else math.inf
    return bool(PDFF_RANGE[0] <= eta <= PDFF_RANGE[1] and abs(phase) < LARGEST_PHASE and LOWEST_R2STAR_PER_S < r2star < fastest)


def _profile(
    problem: RegionEchoes, starts: list[Floats], field_hz: Floats, fat_shift_hz: float
) -> tuple[Floats, Floats] | None:
    """Maximum over (Re eta, Im eta, R2*) and the fields, or None: fields start at those of the maps or a fat shift away.

    The modes of the voxels are chosen for the best start, and once more where the steps have converged.
    """
    fields = field_hz + fat_shift_hz * np.array([0.0, 1.0, -1.0])[:, None]
    energies = [problem.energy(at, fields).max(0).sum() for at in starts]
    point = starts[int(np.argmax(energies))]
    for _ in range(2):
        field = np.take_along_axis(fields, problem.energy(point, fields).argmax(0)[None], 0)[0]
        found = _gauss_newton(problem, point, field)
        if found is None:
            return None
        point, field = found
        fields = np.stack([problem.fields(point, field + shift) for shift in (0.0, fat_shift_hz, -fat_shift_hz)])
    return point, field


def _gauss_newton(problem: RegionEchoes, point: Floats, field: Floats) -> tuple[Floats, Floats] | None:
    """Nearest maximum over shared parameters and fields; None where it does not converge."""
    level = problem.explained(point, field)
    for _ in range(MOST_STEPS):
        step = problem.step(point, field)
        shrink = min(1.0, float(np.min(LARGEST_STEP / np.maximum(np.abs(step.shared), 1e-12))))
        while True:
            moved, fields = point + shrink * step.shared, field + shrink * step.field_hz
            found = problem.explained(moved, fields)
            if found >= level or shrink < 1e-3:
                break
            shrink /= 2
        converged = bool(np.all(np.abs(moved - point) < CONVERGED))
        point, field, level = moved, fields, found
        if converged:
            return point, field
    return None


def _newton(integrated: IntegratedLikelihood, point: Floats) -> tuple[Floats, Floats] | None:
    """Maximum of the integrated likelihood and the covariance there, by differences; None where it does not converge."""
    for _ in range(MOST_STEPS):
        gradient, hessian = _differences(integrated, point)
        values, vectors = np.linalg.eigh(-hessian)
        if not np.all(np.isfinite(values)):
            return None
        bend = np.maximum(np.abs(values), 1e-9 * np.abs(values).max())
        step = vectors @ ((vectors.T @ gradient) / bend) * DIFFERENCES
        step *= min(1.0, float(np.min(LARGEST_STEP / np.maximum(np.abs(step), 1e-12))))
        level = integrated(point)
        while integrated(point + step) < level and np.any(np.abs(step) > CONVERGED / 10):
            step = step / 2
        point = point + step
        if np.all(np.abs(step) < CONVERGED):
            if np.any(values <= 0):
                return None
            return point, np.outer(DIFFERENCES, DIFFERENCES) * _covariance(integrated, point, hessian)
    return None


def _covariance(integrated: IntegratedLikelihood, point: Floats, hessian: Floats) -> Floats:
    """Covariance in units of `DIFFERENCES`: the larger of that of the curvature and that of the voxels' own gradients.

    The latter is the sandwich of White, Econometrica 1982;50:1, which holds where voxels differ in PDFF or R2*.
    """
    of_curvature = np.linalg.inv(-hessian)
    steps = np.diag(DIFFERENCES)
    gradients = np.array([(integrated.of_voxels(point + s) - integrated.of_voxels(point - s)) / 2 for s in steps])
    of_gradients = of_curvature @ (gradients @ gradients.T) @ of_curvature
    grown = np.sqrt(np.maximum(np.diag(of_gradients) / np.diag(of_curvature), 1.0))
    result: Floats = of_curvature * np.outer(grown, grown)
    return result


def _differences(function: IntegratedLikelihood, point: Floats) -> tuple[Floats, Floats]:
    """Gradient and Hessian by central differences, in units of `DIFFERENCES`."""
    unit = np.diag(DIFFERENCES)
    middle = function(point)
    up, down = ([function(point + sign * unit[k]) for k in range(3)] for sign in (1, -1))
    gradient = np.array([(u - d) / 2 for u, d in zip(up, down, strict=True)])
    hessian = np.diag([u + d - 2 * middle for u, d in zip(up, down, strict=True)])
    for j, k in ((0, 1), (0, 2), (1, 2)):
        corners = [s * t * function(point + s * unit[j] + t * unit[k]) for s in (1, -1) for t in (1, -1)]
        hessian[j, k] = hessian[k, j] = sum(corners) / 4
    return gradient, hessian


def region_fit(
    series: EchoSeries, maps: ParameterMaps, echoes_of: Callable[[int], npt.NDArray[np.complex64]]
) -> Callable[[Bools], RegionEstimate | None]:
    """Joint estimate of any region of a run.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    maps : ParameterMaps
        Result of the run: the start, and the noise of each slice.
    echoes_of : callable
        Corrected echoes (echo, row, column) of a slice.

    Returns
    -------
    callable
        Takes a region, bool (slice, row, column), and returns its estimate, None where it failed.
    """
    stated = maps.provenance.spectrum
    spectrum = FatSpectrum(stated["name"], tuple(stated["ppm"]), tuple(stated["amplitudes"]))
    modulation = spectrum.modulation(torch.from_numpy(series.te_s), series.field_strength_t).numpy()
    noise = np.asarray(maps.provenance.noise_sd)
    shift = spectrum.mean_shift_hz(series.field_strength_t)

    def estimate(region: Bools) -> RegionEstimate | None:
        slices = np.flatnonzero(region.any(axis=(1, 2)))
        if not slices.size:
            return None
        if np.count_nonzero(region) > MOST_VOXELS:
            drawn = np.random.default_rng(0).choice(np.flatnonzero(region), MOST_VOXELS, replace=False)
            region = np.isin(np.arange(region.size), drawn).reshape(region.shape)
        echoes = np.concatenate([echoes_of(int(z))[:, region[z]] for z in slices], axis=1)
        start = float(np.median(maps.pdff[region])), float(np.median(maps.r2star[region]))
        counts = region.sum(axis=(1, 2))
        level = math.sqrt(float(np.sum(counts * noise**2) / counts.sum()))
        found = fit_region(echoes, series.te_s, modulation, maps.field[region].astype(np.float64), start, level, shift)
        if found is None:
            return None
        weights = np.zeros(region.shape)
        weights[region] = found.weights
        return replace(found, weights=weights)

    return estimate
