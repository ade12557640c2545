"""The joint estimate of a region: unbiased with strong iron, spread as stated, right when the maps are swapped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.joint_estimate import MOST_VOXELS
from AIDEALLib.estimation.region_fit import RegionEstimate, RegionVoxels, fit_region
from AIDEALLib.options import RunOptions
from AIDEALLib.physics.cramer_rao import cramer_rao
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import region_fit_of, run
from AIDEALLib.simulation.demo import demo_liver

TE_S = 0.9e-3 + 1.1e-3 * np.arange(8)
MODULATION = SIX_PEAK.modulation(torch.from_numpy(TE_S), 1.5).numpy()
SHIFT_HZ = SIX_PEAK.mean_shift_hz(1.5)


def fitted(
    seed: int, r2star: float, voxels: int = 1500, snr: float = 30.0, swapped: float = 0.0, pdff: float = 15.0
) -> RegionEstimate | None:
    rng = np.random.default_rng(seed)
    field = rng.normal(0, 30, voxels)
    density = rng.uniform(0.8, 1.2, voxels) * np.exp(1j * rng.uniform(0, 2 * np.pi, voxels))
    signal = (1 - pdff / 100 + pdff / 100 * MODULATION)[:, None] * density
    echoes = signal * np.exp((2j * np.pi * field - r2star) * TE_S[:, None])
    echoes += (rng.standard_normal(echoes.shape) + 1j * rng.standard_normal(echoes.shape)) / snr
    start = field + rng.normal(0, 3, voxels) + SHIFT_HZ * (rng.random(voxels) < swapped)
    region = RegionVoxels(echoes, TE_S, MODULATION, start, 1 / snr, SHIFT_HZ)
    return fit_region(region, (80.0 if swapped else pdff + 4, 0.8 * r2star))


@pytest.mark.parametrize(("r2star", "aim"), [(40.0, 0.1), (600.0, 0.3), (1000.0, 1.0)])
def test_it_is_unbiased_and_errs_as_stated(r2star: float, aim: float) -> None:
    found = [fit for seed in range(24) if (fit := fitted(seed, r2star)) is not None]
    assert len(found) >= 22  # a few regions with R2* 1000 1/s do not converge
    pdff, decay = np.array([f.pdff for f in found]), np.array([f.r2star_per_s for f in found])
    assert abs(pdff.mean() - 15) < aim
    assert float(pdff.std()) == pytest.approx(np.mean([f.pdff_error for f in found]), rel=0.4)
    assert abs(decay.mean() - r2star) < 3 * decay.std() / np.sqrt(len(found)) + 0.5
    assert float(decay.std()) == pytest.approx(np.mean([f.r2star_error for f in found]), rel=0.4)


def test_its_error_is_the_bound_of_a_voxel_over_the_root_of_their_number() -> None:
    found = fitted(1, 40.0, snr=200.0, voxels=400)
    assert found is not None
    at_0 = np.exp(40 * TE_S[0])  # amplitudes are those at the first echo
    bound = cramer_rao(*(torch.tensor(v) for v in (15.0, 40.0, 200.0)), torch.from_numpy(TE_S), 1.5).pdff_sd
    assert found.pdff_error == pytest.approx(float(bound) / np.sqrt(np.sum((found.weights * at_0) ** 2)), rel=0.03)


@pytest.mark.parametrize("swapped", [0.3, 1.0])
def test_swapped_voxels_and_swapped_maps_are_put_right(swapped: float) -> None:
    found = fitted(7, 60.0, swapped=swapped)
    assert found is not None and found.pdff == pytest.approx(15.0, abs=0.3)


def test_bright_vessels_in_a_liver_with_iron_are_left_out() -> None:
    rng = np.random.default_rng(3)
    vessel = np.arange(900) < 45
    r2star, pdff = np.where(vessel, 30.0, 600.0), np.where(vessel, 0.0, 15.0)
    density = np.exp(1j * rng.uniform(0, 2 * np.pi, 900))
    signal = (1 - pdff / 100) + pdff / 100 * MODULATION[:, None]
    field = rng.normal(0, 30, 900)
    echoes = density * signal * np.exp(TE_S[:, None] * (2j * np.pi * field - r2star))
    echoes += (rng.standard_normal(echoes.shape) + 1j * rng.standard_normal(echoes.shape)) / 60
    found = fit_region(RegionVoxels(echoes, TE_S, MODULATION, field, 1 / 60, SHIFT_HZ), (15.0, 600.0))
    assert found is not None and not found.weights[vessel].any()
    assert np.count_nonzero(found.weights) > 0.99 * np.count_nonzero(~vessel)
    assert found.pdff == pytest.approx(15.0, abs=3 * found.pdff_error)
    assert found.r2star_per_s == pytest.approx(600.0, abs=3 * found.r2star_error)


def test_fat_that_decays_like_iron_is_no_estimate() -> None:
    slow, fast = fitted(2, 60.0, pdff=95.0), fitted(2, 500.0, pdff=95.0)
    assert slow is not None and slow.pdff == pytest.approx(95.0, abs=1.0)
    assert fast is None or fast.pdff < 70


def test_few_voxels_give_nothing() -> None:
    assert fitted(0, 40.0, voxels=3) is None


def test_a_lobe_of_a_run() -> None:
    series, truth = demo_liver(matrix=(2, 96, 96))
    outcome = run(series, RunOptions(device="cpu", method="graph-cuts"), check=False)
    lobe = truth.segment("Right lobe") & outcome.maps.mask
    fit = region_fit_of(outcome)
    assert fit is not None
    found = fit(lobe)
    assert found is not None
    assert found.pdff == pytest.approx(float(truth.pdff_percent[lobe].mean()), abs=4 * found.pdff_error + 0.2)
    used = np.count_nonzero(found.weights) / min(np.count_nonzero(lobe), MOST_VOXELS)
    assert found.weights.shape == lobe.shape and 0.8 < used <= 1.0  # vessels and edges are left out
    assert fit(np.zeros_like(lobe)) is None
    magnitudes = replace(outcome, options=RunOptions(method="magnitude"))
    assert region_fit_of(magnitudes) is None
