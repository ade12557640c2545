"""Real scans that a checkout may have beside it, and the PDFF of the three bottles."""

from __future__ import annotations

import math

import numpy as np
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.voxelwise.candidates import search_r2star
from AIDEALLib.estimation.voxelwise.fat_fraction import pdff_signed
from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.noise import foreground, noise_from_differences
from AIDEALLib.physics.residual_profile import field_grid_hz, residual_profile
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit

BOTTLES = "bottles15T_16echo_bipolar/bottles.mat"
REAL_SCANS = ("thorax3T_6echo/thorax.mat", "abdomen3T_4echo/abdomen.mat", "spine15T_5echo/spine.mat", BOTTLES)
"""Files below `REAL_DATA`."""


def bottle_pdff(echoes: np.ndarray, series: EchoSeries) -> list[float]:
    """Median PDFF within discs in the three bottles, by a voxelwise complex fit of the two deepest minima."""
    stack = torch.from_numpy(echoes)
    mask = foreground(stack, noise_from_differences(stack))
    voxels = stack[:, mask]
    te = torch.from_numpy(series.te_s)
    modulation = SIX_PEAK.modulation(te, series.field_strength_t)
    basis, grid = EchoBasis.of(te, modulation), field_grid_hz(te, 48).float()
    profile = residual_profile(voxels[None], te, modulation, 48, torch.tensor([20.0, 80.0, 250.0], dtype=torch.float64))[0]
    first = profile.argmin(0)
    away = (torch.arange(48)[:, None] - first + 24).remainder(48) - 24
    second = profile.masked_fill(away.abs() <= 4, math.inf).argmin(0)
    fits = []
    for start in (grid[first], grid[second]):
        at = gauss_newton(voxels, start, search_r2star(voxels, start, basis), basis, 5)
        fits.append(fit(voxels, at.field_hz, at.r2star_per_s, basis))
    pdff = torch.where(
        fits[0].residual_energy <= fits[1].residual_energy,
        pdff_signed(fits[0].water, fits[0].fat),
        pdff_signed(fits[1].water, fits[1].fat),
    )
    image = np.zeros(mask.shape, np.float32)
    image[mask.numpy()] = pdff.numpy()
    rows, columns = np.indices(mask.shape)
    centres = ((39, 68), (80, 33), (87, 90))
    return [float(np.median(image[np.hypot(rows - r, columns - c) < 14])) for r, c in centres]
