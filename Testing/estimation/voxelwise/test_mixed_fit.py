"""Mixed fit: any phase of the first echo drops out, and the stated uncertainty is that of the fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fixture_types import Voxels

from AIDEALLib.advice import Setting
from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.plan import plan_corrections
from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.mixed_fit import first_echo_excess, mixed_modes
from AIDEALLib.estimation.voxelwise.mode import Mode, mode_from_fit
from AIDEALLib.estimation.voxelwise.noise import noise_from_residual
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.signal import residual_degrees_of_freedom
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit
from AIDEALLib.quality.assess import assess
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.tissue import TissueMaps

FIELD_HZ, R2STAR = 30.0, 40.0


def both(voxels: Voxels, te_s: torch.Tensor, pdff: float, phase_rad: object, noise_sd: float) -> tuple[Mode, Mode, float]:
    """Complex and mixed fit of many copies of a voxel whose first echo is turned by `phase_rad`, and the noise found."""
    count = 4000
    echoes = voxels(te_s, np.full(count, pdff), FIELD_HZ, R2STAR, noise_sd=noise_sd)
    echoes[0] *= torch.exp(1j * torch.as_tensor(np.broadcast_to(phase_rad, count).copy()))
    basis = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5), torch.float64)
    refined = gauss_newton(echoes, torch.full((count,), FIELD_HZ).double(), torch.full((count,), R2STAR).double(), basis, 6)
    linear = fit(echoes, refined.field_hz, refined.r2star_per_s, basis)
    noise = noise_from_residual(linear.residual_energy, residual_degrees_of_freedom(len(te_s)))
    complex_mode = mode_from_fit(linear, refined.field_hz, refined.r2star_per_s, noise)
    (mixed,), found = mixed_modes(echoes, [complex_mode], torch.zeros(echoes.shape[1], dtype=torch.long), basis)
    return complex_mode, mixed, float(found)


def test_exact_without_noise(voxels: Voxels, te_s: torch.Tensor) -> None:
    _, mixed, _ = both(voxels, te_s, 22.0, np.linspace(-0.6, 0.6, 4000), 0.0)
    torch.testing.assert_close(mixed.pdff, torch.full_like(mixed.pdff, 22.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(mixed.field_hz, torch.full_like(mixed.pdff, FIELD_HZ), atol=1e-3, rtol=0)
    torch.testing.assert_close(mixed.r2star_per_s, torch.full_like(mixed.pdff, R2STAR), atol=1e-2, rtol=0)


@pytest.mark.parametrize("pdff", [5.0, 20.0, 50.0])
@pytest.mark.parametrize("phase_rad", [0.0, 0.3, -0.5])
def test_bias_is_gone_and_the_stated_uncertainty_is_right(
    voxels: Voxels, te_s: torch.Tensor, pdff: float, phase_rad: float
) -> None:
    complex_mode, mixed, noise = both(voxels, te_s, pdff, phase_rad, 1 / 30)
    if phase_rad:
        assert abs(float(complex_mode.pdff.mean()) - pdff) > 2.5
    assert abs(float(mixed.pdff.mean()) - pdff) < 0.2
    assert noise == pytest.approx(1 / 30, rel=0.03)
    for values, variance in (
        (mixed.pdff, mixed.pdff_variance),
        (mixed.r2star_per_s, mixed.r2star_variance),
        (mixed.field_hz, mixed.field_variance),
    ):
        assert float(variance.median().sqrt()) == pytest.approx(float(values.std()), rel=0.06)


def test_three_echoes_are_refused(voxels: Voxels, te_s: torch.Tensor) -> None:
    series, _ = demo_liver(matrix=(2, 64, 64))
    three = replace(series, echoes=series.echoes[:3], te_s=series.te_s[:3])
    with pytest.raises(InputError, match="at least 4 echoes"):
        plan_corrections(three, SIX_PEAK, RunOptions(first_echo="mixed"))
    with pytest.raises(InputError, match="Take method refined"):
        estimate(series, RunOptions(method="one-shot", device="cpu", first_echo="mixed"))
    with pytest.raises(InputError, match="at least 4"):
        both(voxels, te_s[:3], 10.0, 0.0, 0.01)


@pytest.fixture(scope="module")
def scan() -> tuple[EchoSeries, TissueMaps]:
    """A scan whose first echo has a phase of its own that follows no straight line."""
    series, truth = demo_liver(matrix=(3, 80, 80), snr=60.0)
    rows, columns = np.indices(series.shape[1:])
    echoes = series.echoes.copy()
    echoes[0] *= np.exp(0.5j * np.cos(2 * np.pi * rows / 40) * np.cos(2 * np.pi * columns / 30)).astype(np.complex64)
    return replace(series, echoes=echoes, readout=Readout.MONOPOLAR), truth


def test_a_first_echo_that_stands_out_is_seen(scan: tuple[EchoSeries, TissueMaps]) -> None:
    clean, _ = demo_liver(matrix=(3, 80, 80), snr=60.0)
    assert first_echo_excess(clean, SIX_PEAK) == pytest.approx(1, abs=0.1)
    excess = first_echo_excess(scan[0], SIX_PEAK)
    assert excess is not None and excess > 1.3
    found = {f.code: f for f in assess(scan[0]).findings}
    assert found["first-echo-phase"].advice.settings == (Setting("first_echo", "mixed"),)


def test_a_whole_scan(scan: tuple[EchoSeries, TissueMaps]) -> None:
    series, truth = scan
    liver = truth.labels > 0
    errors = {}
    for first_echo in ("no", "mixed"):
        maps = estimate(series, RunOptions(method="refined", device="cpu", first_echo=first_echo))
        inside = liver & maps.mask & (np.abs(maps.pdff - truth.pdff_percent) < 40)
        errors[first_echo] = float(np.median(np.abs((maps.pdff - truth.pdff_percent)[inside])))
        assert maps.provenance.options["phase_corrections"]["mixed_fit"] is (first_echo == "mixed")
    assert errors["mixed"] < 0.6 * errors["no"]
    assert any("Mixed fit" in note for note in maps.provenance.notes)
    assert "first-echo-phase" not in assess(series, maps).codes()
