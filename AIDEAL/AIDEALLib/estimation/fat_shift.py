"""Whether fat behaves as echo times and field strength say: how fast it turns against water, and its phase at excitation.

Wrong echo times, a field strength of another scanner and a cold phantom change the shift of fat by a factor, which other
fields and decays hide in part. Voxels with fat still fit best at the true factor. A wrong first echo time, or a phase error of
single echoes, leaves the fit as good as it was, but water and fat no longer have one phase at the time of excitation, as the
signal model demands (Bydder et al., Magn Reson Imaging 2011;29:216).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..echoes import EchoSeries
from ..physics.signal import synthesise
from ..physics.spectrum import FatSpectrum
from ..physics.variable_projection import EchoBasis, fit
from .estimated_scan import EstimatedScan
from .map_sample import MapSample
from .model_spread import PDFF_PERCENT, R2STAR_PER_S, fitted_from
from .phase_correction.phase_errors import MIN_ECHOES
from .voxelwise.bright_sample import Sample, best_fit, body_sample, least_residual_on_grid
from .voxelwise.gauss_newton import gauss_newton

SMALLEST, LARGEST = 0.42, 2.4
"""Factors searched: 1.5 T taken for 3 T and the reverse lie within."""
STEP_RAD = 0.7
"""Phase of fat in the last echo between two factors of the search."""
SAMPLE_VOXELS, COARSE_VOXELS = 400, 120
"""Voxels looked at, and those of the search before it is refined."""
EXACT = 6
"""Candidates of the search on a grid that are fitted exactly."""
_REFINEMENTS = 5
_FLOOR = 1e-6
_FACTORS, _STEPS, _SAME_RAD = 121, 20, 0.05
_WATER, _R2STAR_PER_S = 0.7, 50.0
MIXED, MOST_SD, MOST_SWAP = (0.15, 0.85), 6.0, 0.05
"""Voxels that show the phase of fat against water: |F| / (|W| + |F|), and largest SD (points) and swap probability."""
LEAST_MIXED = 40
MOST_VOXELS = 3000
"""Voxels looked at in each slice."""
_DEPENDENT = 2.0
"""Standard errors of the phase are this much larger than those of independent voxels (zero filling, partial volumes)."""


@dataclass(frozen=True)
class FatScale:
    """Shift of fat that fits best.

    Attributes
    ----------
    factor : float
        Shift found over that of spectrum, field strength and echo times.
    mirrored : bool
        Whether it fits best with the opposite rotation sense.
    gain : float
        Factor by which the residual of a typical voxel falls (geometric mean).
    z : float
        Logarithm of `gain` in its standard errors.
    left : float
        What is left over at `factor`, as a share of the signal of a typical voxel.
    """

    factor: float
    mirrored: bool
    gain: float
    z: float
    left: float


@dataclass(frozen=True)
class FatPhase:
    """Phase of fat against water at the time of excitation.

    Attributes
    ----------
    radians, error : float
        Phase and its standard error.
    voxels : int
        Voxels that show it.
    """

    radians: float
    error: float
    voxels: int


def scaled(spectrum: FatSpectrum, factor: float) -> FatSpectrum:
    """Spectrum with all shifts multiplied by `factor`."""
    return replace(spectrum, ppm=tuple(ppm * factor for ppm in spectrum.ppm))


def find_fat_scale(corrected: EchoSeries, spectrum: FatSpectrum) -> FatScale | None:
    """Search the shift of fat that leaves the least residual.

    Parameters
    ----------
    corrected : EchoSeries
        A few slices with their phase errors corrected.
    spectrum : FatSpectrum
        Fat spectrum of the run.

    Returns
    -------
    FatScale or None
        None for three echoes, which leave no residual, and without signal.
    """
    sample = body_sample(corrected, spectrum, SAMPLE_VOXELS) if corrected.n_echoes >= MIN_ECHOES else None
    if sample is None:
        return None
    few = replace(sample, echoes=sample.echoes[:, :COARSE_VOXELS], place=sample.place[:, :COARSE_VOXELS])

    def other_fat(of: Sample, mirrored: bool, factor: float) -> Sample:
        modulation = scaled(spectrum, factor).modulation(of.te_s, corrected.field_strength_t)
        sense = _mirrored(of) if mirrored else of
        return replace(sense, modulation=modulation, basis=EchoBasis.of(of.te_s, modulation))

    def log_gain(mirrored: bool, factor: float) -> torch.Tensor:
        return before - log_residual(best_fit(other_fat(sample, mirrored, factor))[2].residual_energy)

    before = log_residual(best_fit(sample)[2].residual_energy)
    turn = 2 * math.pi * abs(spectrum.mean_shift_hz(corrected.field_strength_t)) * float(sample.te_s[-1])
    factors = np.arange(SMALLEST, LARGEST, STEP_RAD / turn).tolist()
    senses = replace(few, echoes=torch.cat([few.echoes, _mirrored(few).echoes], 1))
    left: dict[tuple[bool, float], float] = {}
    for f in factors:
        as_given, conjugated = log_residual(least_residual_on_grid(other_fat(senses, False, f))).chunk(2)
        left |= {(False, f): float(as_given.mean()), (True, f): float(conjugated.mean())}
    nearest = sorted(left, key=lambda key: left[key])[:EXACT]
    exact = {key: log_residual(best_fit(other_fat(few, *key))[2].residual_energy).mean() for key in nearest}
    mirrored, factor = min(exact, key=lambda key: float(exact[key]))
    low, high = factor - STEP_RAD / turn, factor + STEP_RAD / turn
    for _ in range(_REFINEMENTS):
        third = (high - low) / 3
        if float(log_gain(mirrored, low + third).mean()) > float(log_gain(mirrored, high - third).mean()):
            high -= third
        else:
            low += third
    factor = (low + high) / 2
    gains = log_gain(mirrored, factor)
    error = float(gains.std()) / math.sqrt(gains.numel()) if gains.numel() > 1 else math.inf
    mean = float(gains.mean())
    return FatScale(factor, mirrored, math.exp(mean), mean / (error + 1e-9), math.exp(float(before.mean()) - mean))


def find_fat_phase(scan: EstimatedScan) -> FatPhase | None:
    """Phase of fat against water at excitation, in voxels that hold both.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result, with the fat spectrum of the run or as `find_fat_scale` found it.

    Returns
    -------
    FatPhase or None
        None where too few voxels show it.
    """
    maps = scan.maps
    sure = maps.mask & (maps.pdff_sd < MOST_SD) & (maps.swap_probability < MOST_SWAP)
    sample = MapSample.of(scan, sure, MOST_VOXELS)
    if sample is None:
        return None
    water, fat = sample.linear.water, sample.linear.fat
    share = fat.abs() / (fat.abs() + water.abs())
    product = (fat * water.conj())[(share > MIXED[0]) & (share < MIXED[1])]
    if product.numel() < LEAST_MIXED:
        return None
    total = product.sum()
    across = (product * total.conj() / total.abs()).imag
    error = _DEPENDENT * float(across.square().sum().sqrt() / total.abs())
    return FatPhase(float(torch.angle(total)), error, product.numel())


def readings(series: EchoSeries, spectrum: FatSpectrum, factor: float, phase_rad: float) -> list[tuple[float, float]]:
    """What a fit reads where fat has another shift and phase than its model.

    Parameters
    ----------
    series : EchoSeries
        The scan, for its protocol.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    factor : float
        True shift of fat over that of the model.
    phase_rad : float
        Phase of fat against water at excitation.

    Returns
    -------
    list of (float, float), percent
        PDFF that is read and the true one, which rises, at R2* 50 1/s.
    """
    te = torch.from_numpy(series.te_s)
    turn = torch.polar(torch.ones((), dtype=torch.float64), torch.tensor(phase_rad, dtype=torch.float64))
    true = scaled(spectrum, factor).modulation(te, series.field_strength_t) * turn
    fitted = fitted_from(te, [(true, torch.zeros_like(te))], spectrum.modulation(te, series.field_strength_t))[0]
    column = R2STAR_PER_S.index(50.0)
    return [(float(read), truth) for read, truth in zip(fitted[:, column], PDFF_PERCENT, strict=True)]


def scale_of_phase(series: EchoSeries, spectrum: FatSpectrum, phase_rad: float) -> float:
    """Shift of fat over that of the model, nearest to 1, that lets a fit of three echoes read a phase of fat at excitation.

    Parameters
    ----------
    series : EchoSeries
        The scan, for its protocol.
    spectrum : FatSpectrum
        Fat spectrum of the run.
    phase_rad : float
        Phase of fat against water at excitation that was found.

    Returns
    -------
    float
        The factor, of those between `SMALLEST` and `LARGEST` that give the phase most nearly.
    """
    te = torch.from_numpy(series.te_s)
    basis = EchoBasis.of(te, spectrum.modulation(te, series.field_strength_t), torch.float64)
    factors = np.exp(np.linspace(math.log(SMALLEST), math.log(LARGEST), _FACTORS))
    water = torch.full((1,), _WATER, dtype=torch.complex128)
    zero, r2star = torch.zeros(1, dtype=torch.float64), torch.full((1,), _R2STAR_PER_S, dtype=torch.float64)
    off = []
    for factor in factors.tolist():
        true = scaled(spectrum, factor).modulation(te, series.field_strength_t)
        echoes = synthesise(water, 1 - water, zero, r2star, te, true)
        fitted = gauss_newton(echoes, zero, r2star, basis, _STEPS)
        linear = fit(echoes, fitted.field_hz, fitted.r2star_per_s, basis)
        off.append(abs(math.remainder(float(torch.angle(linear.fat * linear.water.conj())) - phase_rad, 2 * math.pi)))
    near = [f for f, o in zip(factors.tolist(), off, strict=True) if o < min(off) + _SAME_RAD]
    return min(near, key=lambda factor: abs(math.log(factor)))


def _mirrored(sample: Sample) -> Sample:
    return replace(sample, echoes=sample.echoes.conj().resolve_conj())


def log_residual(energy: torch.Tensor) -> torch.Tensor:
    """Half the logarithm of the residual energy of each voxel."""
    return 0.5 * torch.log(energy.clamp_min(0) + _FLOOR)
