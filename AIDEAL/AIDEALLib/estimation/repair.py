"""Is the phase of a scan stored with the model's rotation sense? The residual of voxelwise fits tells."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..echoes import EchoSeries, PhaseSign
from ..physics.residual_profile import field_grid_hz, residual_profile
from ..physics.spectrum import FatSpectrum
from ..physics.variable_projection import EchoBasis, fit
from .candidates import search_r2star
from .noise import foreground, noise_from_differences
from .refinement import gauss_newton

DECISIVE_RATIO = 1.15
"""Residuals must differ by this factor before a sign is called decided."""
SAMPLE_VOXELS = 6000


@dataclass(frozen=True)
class SignDecision:
    """Median relative residuals (percent of signal) both ways, the sign chosen, and whether the data decided it."""

    sign: PhaseSign
    residual_as_given: float
    residual_conjugated: float
    decided: bool
    reason: str


def decide_sign(series: EchoSeries, spectrum: FatSpectrum) -> SignDecision:
    """Fit a sample of bright voxels as given and conjugated and take the sign that fits better.

    Where the two differ by less than `DECISIVE_RATIO` (three echoes leave no residual; a scan without fat fits both ways) the source's own
    word is taken if it has one, else the data are taken as given; `decided` is then False.
    """
    te = torch.from_numpy(series.te_s)
    sample = _bright_sample(series)
    modulation = spectrum.modulation(te, series.field_strength_t)
    given, mirrored = (_median_residual(s, te, modulation) for s in (sample, sample.conj().resolve_conj()))
    as_model, conjugated = PhaseSign.AS_MODEL, PhaseSign.CONJUGATED
    better = as_model if given <= mirrored else conjugated
    low, high = sorted((given, mirrored))
    if series.n_echoes > 3 and high > DECISIVE_RATIO * low:
        return SignDecision(better, given, mirrored, True, f"residual {given:.3g} % as given, {mirrored:.3g} % conjugated")
    told = series.phase_sign
    reason = f"undecided by the residual ({given:.3g} % as given, {mirrored:.3g} % conjugated); "
    reason += f"taken from the source: {told.value}" if told else "taken as given"
    return SignDecision(told or as_model, given, mirrored, False, reason)


def _bright_sample(series: EchoSeries) -> torch.Tensor:
    slices = series.shape[0]
    chosen = sorted({round(s) for s in torch.linspace(0, slices - 1, min(slices, 5)).tolist()})
    parts = []
    for index in chosen:
        echoes = torch.from_numpy(series.echoes[:, index])
        mask = foreground(echoes, noise_from_differences(echoes))
        parts.append(echoes[:, mask])
    voxels = torch.cat(parts, 1)
    if voxels.shape[1] == 0:
        voxels = torch.from_numpy(series.echoes).flatten(1)
    brightness = voxels.abs().square().sum(0)
    voxels = voxels[:, brightness >= brightness.median()]
    return voxels[:, :: max(1, voxels.shape[1] // SAMPLE_VOXELS)]


def _median_residual(echoes: torch.Tensor, te: torch.Tensor, modulation: torch.Tensor) -> float:
    search = torch.tensor([20.0, 80.0, 250.0], dtype=torch.float64)
    bins = 48
    energy = residual_profile(echoes[None], te, modulation, bins, search, oversampling=1)[0]
    basis = EchoBasis.of(te, modulation)
    grid = field_grid_hz(te, bins).float()
    best = None
    # The two deepest separate minima are refined: the deepest on the grid need not be the deepest in truth.
    first = energy.argmin(0)
    far = (torch.arange(bins)[:, None] - first + bins // 2).remainder(bins) - bins // 2
    second = energy.masked_fill(far.abs() <= 4, float("inf")).argmin(0)
    for start in (grid[first], grid[second]):
        at = gauss_newton(echoes, start, search_r2star(echoes, start, basis), basis, steps=4)
        left = fit(echoes, at.field_hz, at.r2star_per_s, basis).residual_energy
        best = left if best is None else torch.minimum(best, left)
    share = (best / echoes.abs().square().sum(0).clamp_min(1e-30)).sqrt()
    return 100 * float(share.median())
