"""A sample of voxels that represents a scan, and their best fits: the searches for errors of whole echoes use it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ...echoes import EchoSeries
from ...physics.residual_profile import field_grid_hz, profile_without_interpreter
from ...physics.spectrum import FatSpectrum
from ...physics.variable_projection import EchoBasis, LinearFit, fit
from .candidates import search_r2star
from .gauss_newton import NonlinearParameters, gauss_newton
from .noise import foreground, noise_from_differences

SAMPLE_VOXELS = 900
BINS = 40
R2STAR_PER_S = (30.0, 120.0, 400.0)
FINE_R2STAR_PER_S, FIELDS_IN_A_BIN = (12.0, 40.0, 90.0, 250.0, 700.0), 3
MOST_SLICES = 5
STEPS = 4
_FOREGROUNDS: WeakKeyDictionary[EchoSeries, dict[int, torch.Tensor]] = WeakKeyDictionary()
"""Foreground of the slices sampled: each search begins with that of the same scan."""


def position(index: torch.Tensor, count: int) -> torch.Tensor:
    """Place in the field of view, from -1/2."""
    return index.float() / count - 0.5


@dataclass(frozen=True)
class Sample:
    """Voxels of a scan.

    Attributes
    ----------
    echoes : torch.Tensor, shape (echo, voxels), complex64
        Their echoes.
    place : torch.Tensor, shape (2, voxels)
        Their place along rows and columns, from -1/2 to 1/2.
    te_s : torch.Tensor, shape (echo,), seconds
        Echo times.
    modulation : torch.Tensor, shape (echo,), complex128
        Fat phasor.
    basis : EchoBasis
        Constants of the linear step.
    """

    echoes: torch.Tensor
    place: torch.Tensor
    te_s: torch.Tensor
    modulation: torch.Tensor
    basis: EchoBasis


@dataclass(frozen=True)
class ProfileGrid:
    """Grid of the residual profile.

    Attributes
    ----------
    bins : int
        Values of off-resonance over one period.
    r2star_per_s : tuple of float, 1/s
        Values of R2*, of which the best counts.
    apart : int
        Bins within which two minima are one.
    """

    bins: int = BINS
    r2star_per_s: tuple[float, ...] = R2STAR_PER_S
    apart: int = 3


def foreground_voxels(
    series: EchoSeries, slices: range | None = None, brighter_half: bool = False
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Foreground voxels of up to five slices.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    slices : range, optional
        Slices to choose from; all by default.
    brighter_half : bool
        Only voxels at or above the median signal of their slice.

    Returns
    -------
    tuple of torch.Tensor, or None
        Echoes, shape (echo, voxels), and places, shape (2, voxels); None where there is no signal.
    """
    within = slices or range(series.shape[0])
    chosen = sorted({within[round(s)] for s in np.linspace(0, len(within) - 1, min(len(within), MOST_SLICES))})
    voxels, places = [], []
    _, rows, columns = series.shape
    for index in chosen:
        echoes, mask = torch.from_numpy(series.echoes[:, index]), _foreground(series, index)
        if not mask.any():
            continue
        if brighter_half:
            energy = echoes.abs().square().sum(0)
            mask = mask & (energy >= energy[mask].median())
        r, c = mask.nonzero(as_tuple=True)
        voxels.append(echoes[:, mask])
        places.append(torch.stack([position(r, rows), position(c, columns)]))
    return (torch.cat(voxels, 1), torch.cat(places, 1)) if voxels else None


def _foreground(series: EchoSeries, index: int) -> torch.Tensor:
    known = _FOREGROUNDS.setdefault(series, {})
    if index not in known:
        echoes = torch.from_numpy(series.echoes[:, index])
        known[index] = foreground(echoes, noise_from_differences(echoes))
    return known[index]


def random_voxels(count: int, most: int) -> torch.Tensor:
    """Indices of at most `most` of `count` voxels, the same ones at every call."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0))[:most]


def bright_sample(
    series: EchoSeries, spectrum: FatSpectrum, slices: range | None = None, count: int = SAMPLE_VOXELS
) -> Sample | None:
    """Sample the brighter half of the body, each voxel normalised to unit energy.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    spectrum : FatSpectrum
        Fat spectrum.
    slices : range, optional
        Slices to choose from; all by default.
    count : int
        Voxels at most.

    Returns
    -------
    Sample, or None
        None where there is no signal.
    """
    return _unit_sample(foreground_voxels(series, slices, brighter_half=True), series, spectrum, count)


def body_sample(series: EchoSeries, spectrum: FatSpectrum, count: int) -> Sample | None:
    """Sample the whole body, each voxel normalised to unit energy.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    spectrum : FatSpectrum
        Fat spectrum.
    count : int
        Voxels at most.

    Returns
    -------
    Sample, or None
        None where there is no signal.
    """
    return _unit_sample(foreground_voxels(series), series, spectrum, count)


def _unit_sample(
    found: tuple[torch.Tensor, torch.Tensor] | None, series: EchoSeries, spectrum: FatSpectrum, count: int
) -> Sample | None:
    if found is None:
        return None
    echoes, place = found
    pick = random_voxels(echoes.shape[1], count)
    echoes = echoes[:, pick]
    echoes = echoes / echoes.abs().square().sum(0).sqrt()
    return sample_of(series, spectrum, echoes, place[:, pick])


def sample_of(series: EchoSeries, spectrum: FatSpectrum, echoes: torch.Tensor, place: torch.Tensor) -> Sample:
    """Sample with the constants of a scan's protocol.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    spectrum : FatSpectrum
        Fat spectrum.
    echoes : torch.Tensor, shape (echo, voxels), complex
        Echoes of the sample.
    place : torch.Tensor, shape (2, voxels)
        Place along rows and columns, from -1/2 to 1/2.

    Returns
    -------
    Sample
        The sample.
    """
    te = torch.from_numpy(series.te_s)
    modulation = spectrum.modulation(te, series.field_strength_t)
    return Sample(echoes, place, te, modulation, EchoBasis.of(te, modulation))


def fits_of_two_minima(sample: Sample, grid: ProfileGrid) -> list[tuple[NonlinearParameters, LinearFit]]:
    """Exact fits from the two deepest minima of the profile: the deepest on a grid need not be the deepest in truth.

    Returns
    -------
    list of (NonlinearParameters, LinearFit)
        Off-resonance and R2* with the linear fit at them, for the deepest and for the second deepest separate minimum.
    """
    profile, fields_hz = _profile(sample, grid)
    first = profile.argmin(0)
    distance = (torch.arange(grid.bins)[:, None] - first + grid.bins // 2).remainder(grid.bins) - grid.bins // 2
    second = profile.masked_fill(distance.abs() <= grid.apart, math.inf).argmin(0)
    # Both at once: with few voxels most of the time goes into the number of calls.
    both = replace(sample, echoes=torch.cat([sample.echoes, sample.echoes], 1))
    refined, linear = _fit_from(both, fields_hz[torch.cat([first, second])])
    halves = torch.arange(len(first)), torch.arange(len(first), 2 * len(first))
    return [(NonlinearParameters(refined.field_hz[h], refined.r2star_per_s[h]), linear.at(h)) for h in halves]


def best_fit(sample: Sample) -> tuple[torch.Tensor, torch.Tensor, LinearFit]:
    """Off-resonance (Hz), R2* (1/s) and linear fit of each voxel, from the better of the two deepest minima."""
    (a, fit_a), (b, fit_b) = fits_of_two_minima(sample, ProfileGrid())
    first_wins = fit_a.residual_energy <= fit_b.residual_energy
    field_hz = torch.where(first_wins, a.field_hz, b.field_hz)
    return field_hz, torch.where(first_wins, a.r2star_per_s, b.r2star_per_s), fit_a.where(first_wins, fit_b)


def least_residual_on_grid(sample: Sample) -> torch.Tensor:
    """Least residual energy of each voxel over a fine grid of field and R2*, without a fit: to compare many models."""
    return _profile(sample, ProfileGrid(r2star_per_s=FINE_R2STAR_PER_S), FIELDS_IN_A_BIN)[0].amin(0)


def _profile(sample: Sample, grid: ProfileGrid, fields_in_a_bin: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Residual profile, (bin, voxel), the least of the fields in a bin, and the fields of the bins in Hz."""
    r2 = torch.tensor(grid.r2star_per_s, dtype=torch.float64)
    protocol = sample.te_s, sample.modulation
    profile = profile_without_interpreter(sample.echoes[None], *protocol, grid.bins, r2, fields_in_a_bin)[0]
    return profile, field_grid_hz(sample.te_s, grid.bins).float()


def _fit_from(sample: Sample, start_hz: torch.Tensor) -> tuple[NonlinearParameters, LinearFit]:
    start_r2star = search_r2star(sample.echoes, start_hz, sample.basis)
    refined = gauss_newton(sample.echoes, start_hz, start_r2star, sample.basis, STEPS)
    return refined, fit(sample.echoes, refined.field_hz, refined.r2star_per_s, sample.basis)
