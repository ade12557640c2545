"""A sample of bright voxels that stands for a scan, and their best fits: what searches for errors of whole echoes look at."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch

from ...echoes import EchoSeries
from ...physics.residual_profile import field_grid_hz, residual_profile
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis, LinearFit, fit
from .candidates import search_r2star
from .gauss_newton import gauss_newton
from .noise import foreground, noise_from_differences

SAMPLE_VOXELS = 900
BINS = 40
R2STAR_PER_S = (30.0, 120.0, 400.0)


def position(index: torch.Tensor, count: int) -> torch.Tensor:
    """Place in the field of view, from -1/2."""
    return index.float() / count - 0.5


@dataclass(frozen=True)
class Sample:
    """Bright voxels (echo, voxels), normalised to unit energy, and their place along rows and columns."""

    echoes: torch.Tensor
    place: torch.Tensor
    te_s: torch.Tensor
    modulation: torch.Tensor
    basis: EchoBasis


def bright_sample(
    series: EchoSeries, spectrum: FatSpectrum, slices: range | None = None, count: int = SAMPLE_VOXELS
) -> Sample | None:
    """A sample of the brighter half of the body in up to five slices; None where there is no signal."""
    within = slices or range(series.shape[0])
    chosen = sorted({within[round(s)] for s in np.linspace(0, len(within) - 1, min(len(within), 5))})
    voxels, places = [], []
    _, rows, columns = series.shape
    for index in chosen:
        echoes = torch.from_numpy(series.echoes[:, index])
        mask = foreground(echoes, noise_from_differences(echoes))
        bright = echoes.abs().square().sum(0)
        if not mask.any():
            continue
        mask &= bright >= bright[mask].median()
        r, c = mask.nonzero(as_tuple=True)
        voxels.append(echoes[:, mask])
        places.append(torch.stack([position(r, rows), position(c, columns)]))
    if not voxels:
        return None
    echoes, place = torch.cat(voxels, 1), torch.cat(places, 1)
    pick = torch.randperm(echoes.shape[1], generator=torch.Generator().manual_seed(0))[:count]
    echoes = echoes[:, pick]
    echoes = echoes / echoes.abs().square().sum(0).sqrt()
    te = torch.from_numpy(series.te_s)
    modulation = spectrum.modulation(te, series.field_strength_t)
    return Sample(echoes, place[:, pick], te, modulation, EchoBasis.of(te, modulation))


def best_fit(sample: Sample) -> tuple[torch.Tensor, torch.Tensor, LinearFit]:
    """Field (Hz), R2* (1/s) and exact fit of each voxel, from the two deepest minima of the profile."""
    r2 = torch.tensor(R2STAR_PER_S, dtype=torch.float64)
    profile = residual_profile(sample.echoes[None], sample.te_s, sample.modulation, BINS, r2, oversampling=1)[0]
    grid = field_grid_hz(sample.te_s, BINS).float()
    first = profile.argmin(0)
    away = (torch.arange(BINS)[:, None] - first + BINS // 2).remainder(BINS) - BINS // 2
    second = profile.masked_fill(away.abs() <= 3, math.inf).argmin(0)
    candidates = []
    for start in (grid[first], grid[second]):
        at = gauss_newton(sample.echoes, start, search_r2star(sample.echoes, start, sample.basis), sample.basis, steps=4)
        candidates.append((at, fit(sample.echoes, at.field_hz, at.r2star_per_s, sample.basis)))
    (a, fit_a), (b, fit_b) = candidates
    first_wins = fit_a.residual_energy <= fit_b.residual_energy
    chosen = LinearFit(*(torch.where(first_wins, getattr(fit_a, f.name), getattr(fit_b, f.name)) for f in fields(LinearFit)))
    return (
        torch.where(first_wins, a.field_hz, b.field_hz),
        torch.where(first_wins, a.r2star_per_s, b.r2star_per_s),
        chosen,
    )
