"""Voxelwise VARPRO: the best bin of the field of each voxel, refined, without smoothness."""

from __future__ import annotations

import numpy as np
import torch

from ..echoes import EchoSeries
from ..estimation.slice_pool import map_slices, one_core
from ..estimation.voxelwise.candidates import search_r2star
from ..estimation.voxelwise.gauss_newton import gauss_newton
from ..estimation.voxelwise.mode import mode_from_fit
from ..estimation.voxelwise.noise import noise_from_differences, noise_of_fits
from ..estimation.voxelwise.slice_input import Scan
from ..parameter_maps import ParameterMaps
from ..physics.residual_profile import field_grid_hz, residual_profile
from ..physics.spectrum import SIX_PEAK
from ..physics.variable_projection import fit
from .own import code_version
from .plain_maps import plain_maps

BINS = 128
R2STAR_PER_S = (10.0, 40.0, 100.0, 250.0, 600.0)
STEPS = 4


class Voxelwise:
    """Variable projection of each voxel by itself; see `method.Comparator`."""

    settings = f"{BINS} bins of the period, {len(R2STAR_PER_S)} values of R2*, {STEPS} Gauss-Newton steps"

    def __init__(self) -> None:
        self.version = code_version("benchmark/voxelwise.py", "benchmark/plain_maps.py")

    def estimate(self, series: EchoSeries) -> ParameterMaps:
        """See `method.Comparator`."""
        scan, slices = Scan.of(torch.from_numpy(series.te_s), series.field_strength_t, SIX_PEAK), series.shape[0]
        with one_core() as cores:
            parts = map_slices(lambda i: _slice(torch.from_numpy(series.echoes[:, i]), scan), slices, min(cores, slices))
        water, fat, field, r2star, sd = (np.stack(values) for values in zip(*parts, strict=True))
        return plain_maps(series, "voxelwise VARPRO", water, fat, field, r2star, sd)


@torch.inference_mode()
def _slice(echoes: torch.Tensor, scan: Scan) -> tuple[np.ndarray, ...]:
    """Water, fat, field, R2* and SD of PDFF of one slice, (row, column) each."""
    decays = torch.tensor(R2STAR_PER_S, dtype=torch.float64)
    profile = residual_profile(echoes[None], scan.te_s, scan.basis.modulation, BINS, decays, oversampling=1)[0]
    start = field_grid_hz(scan.te_s, BINS).float()[profile.argmin(0)].flatten()
    voxels = echoes.flatten(1)
    minimum = gauss_newton(voxels, start, search_r2star(voxels, start, scan.basis), scan.basis, STEPS)
    fitted = fit(voxels, minimum.field_hz, minimum.r2star_per_s, scan.basis)
    noise = noise_of_fits(fitted.residual_energy, echoes.shape[0], noise_from_differences(echoes))
    mode = mode_from_fit(fitted, minimum.field_hz, minimum.r2star_per_s, noise)
    values = (mode.water, mode.fat, mode.field_hz, mode.r2star_per_s, mode.pdff_variance.sqrt())
    return tuple(v.reshape(echoes.shape[1:]).numpy() for v in values)
