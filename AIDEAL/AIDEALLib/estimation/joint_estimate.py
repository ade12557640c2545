"""Joint estimate of any region of a run, from its corrected echoes and started at its maps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import FatSpectrum
from .region_fit import RegionEstimate, RegionVoxels, fit_region

Bools = npt.NDArray[np.bool_]

MOST_VOXELS = 6000
"""Voxels used of a larger region, drawn at random with a fixed seed."""


def joint_estimate_of(
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
        voxels = RegionVoxels(echoes, series.te_s, modulation, maps.field[region].astype(np.float64), level, shift)
        found = fit_region(voxels, start)
        if found is None:
            return None
        weights = np.zeros(region.shape)
        weights[region] = found.weights
        return replace(found, weights=weights)

    return estimate
