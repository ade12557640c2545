"""Is the phase of a scan stored with the model's rotation sense? The residual of voxelwise fits tells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from ...echoes import EchoSeries, PhaseSign
from ...physics.residual_profile import field_grid_hz, residual_profile
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis, fit
from ..voxelwise.candidates import search_r2star
from ..voxelwise.gauss_newton import gauss_newton
from ..voxelwise.noise import foreground, noise_from_differences

DECISIVE_GAIN, DECISIVE_Z = 1.02, 6.0
"""The residual of a typical voxel must fall by this factor, and by this many standard errors, before a sign is called decided.
Voxels of one species fit both ways: it is the minority with both that decides, so all voxels are compared one by one."""
SAMPLE_VOXELS = 3000
_FLOOR = 1e-6
"""Residual energy, as a share of the signal's, that counts as none."""


@dataclass(frozen=True)
class SignDecision:
    """Median relative residuals (percent of signal) both ways, the sign chosen, and whether the data decided it."""

    sign: PhaseSign
    residual_as_given: float
    residual_conjugated: float
    decided: bool
    reason: str


def decide_sign(series: EchoSeries, spectrum: FatSpectrum) -> SignDecision:
    """Fit a sample of voxels as given and conjugated and take the sign that fits better.

    Where the two differ too little (three echoes leave no residual; a scan without fat fits both ways) the source's own word is
    taken if it has one, else the data are taken as given; `decided` is then False.
    """
    te = torch.from_numpy(series.te_s)
    sample = _sample(series)
    modulation = spectrum.modulation(te, series.field_strength_t)
    shares = [_residual_share(s, te, modulation) for s in (sample, sample.conj().resolve_conj())]
    given, mirrored = (100 * float(share.sqrt().median()) for share in shares)
    gain = 0.5 * torch.log((shares[0] + _FLOOR) / (shares[1] + _FLOOR))  # positive: conjugated fits better
    mean = float(gain.mean())
    z = abs(mean) / (float(gain.std()) / max(gain.numel(), 1) ** 0.5 + 1e-9) if gain.numel() > 1 else 0.0
    as_model, conjugated = PhaseSign.AS_MODEL, PhaseSign.CONJUGATED
    residuals = f"residual {given:.3g} % as given, {mirrored:.3g} % conjugated"
    if series.n_echoes > 3 and abs(mean) > math.log(DECISIVE_GAIN) and z > DECISIVE_Z:
        return SignDecision(conjugated if mean > 0 else as_model, given, mirrored, True, residuals)
    told = series.phase_sign
    reason = f"undecided by the {residuals}; " + (f"taken from the source: {told.value}" if told else "taken as given")
    return SignDecision(told or as_model, given, mirrored, False, reason)


def _sample(series: EchoSeries) -> torch.Tensor:
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
    pick = torch.randperm(voxels.shape[1], generator=torch.Generator().manual_seed(0))[:SAMPLE_VOXELS]
    return voxels[:, pick]


def _residual_share(echoes: torch.Tensor, te: torch.Tensor, modulation: torch.Tensor) -> torch.Tensor:
    """Residual energy over signal energy, (voxels,)."""
    search = torch.tensor([20.0, 80.0, 250.0], dtype=torch.float64)
    bins = 48
    energy = residual_profile(echoes[None], te, modulation, bins, search, oversampling=1)[0]
    basis = EchoBasis.of(te, modulation)
    grid = field_grid_hz(te, bins).float()
    left: list[torch.Tensor] = []
    # The two deepest separate minima are refined: the deepest on the grid need not be the deepest in truth.
    first = energy.argmin(0)
    far = (torch.arange(bins)[:, None] - first + bins // 2).remainder(bins) - bins // 2
    second = energy.masked_fill(far.abs() <= 4, float("inf")).argmin(0)
    for start in (grid[first], grid[second]):
        at = gauss_newton(echoes, start, search_r2star(echoes, start, basis), basis, steps=4)
        left.append(fit(echoes, at.field_hz, at.r2star_per_s, basis).residual_energy)
    return torch.minimum(left[0], left[1]).clamp_min(0) / echoes.abs().square().sum(0).clamp_min(1e-30)
