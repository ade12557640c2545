"""The phantom preset: the fat shift of a cold phantom, and nothing that is meant for livers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from paths import REAL_DATA

from AIDEALLib.choices import Preset
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.voxelwise.candidates import search_r2star
from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.io.load import load_series
from AIDEALLib.io.segmentation import Segmentation
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit
from AIDEALLib.quality.assess import assess
from AIDEALLib.scan_run.measured import measured
from AIDEALLib.simulation.demo import demo_liver

BOTTLES = REAL_DATA / "bottles15T_16echo_bipolar" / "bottles.mat"


def test_phantom_gets_no_advice_or_grades_meant_for_livers() -> None:
    series, truth = demo_liver(matrix=(2, 80, 80))
    series = replace(series, flip_angle_deg=20.0, repetition_time_s=0.014)
    assert "t1-bias" in assess(series).codes()
    assert "t1-bias" not in assess(series, options=RunOptions(preset=Preset.PHANTOM)).codes()
    maps = estimate(series, RunOptions(method="magnitude", device="cpu"))
    lobes = Segmentation(truth.labels.astype(np.int32), truth.label_names)
    assert any(row.steatosis_grade for row in measured(maps, lobes).rows)
    assert not any(row.steatosis_grade for row in measured(maps, lobes, preset=Preset.PHANTOM).rows)


def test_a_real_bottle_at_room_temperature_has_the_shift_of_the_preset() -> None:
    """Sixteen echoes over 24 ms tell the shift of fat from water to a few hundredths of a ppm."""
    if not BOTTLES.exists():
        pytest.skip(f"real scans are not in {BOTTLES.parent}")
    series = load_series(BOTTLES)
    echoes = torch.from_numpy(plan_corrections(series, SIX_PEAK).apply(series.echoes[:, 0], 0))
    rows, columns = np.indices(echoes.shape[1:])
    voxels = echoes[:, torch.from_numpy(np.hypot(rows - 39, columns - 68) < 14)]
    te = torch.from_numpy(series.te_s)
    residual = {}
    for offset in (-0.25, Preset.PHANTOM.ppm_offset, -0.05, Preset.LIVER.ppm_offset, 0.08):
        basis = EchoBasis.of(te, SIX_PEAK.shifted(offset).modulation(te, series.field_strength_t))
        fits = []
        for start_hz in torch.linspace(-340, 340, 35).tolist():
            start = torch.full((voxels.shape[1],), start_hz)
            at = gauss_newton(voxels, start, search_r2star(voxels, start, basis), basis, 6)
            fits.append(fit(voxels, at.field_hz, at.r2star_per_s, basis).residual_energy)
        residual[offset] = float(torch.stack(fits).amin(0).median())
    assert min(residual, key=lambda offset: residual[offset]) == Preset.PHANTOM.ppm_offset
