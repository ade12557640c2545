"""Gauss-Newton on field and R2*, and the refined candidates."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given

from AIDEALLib.estimation.voxelwise.candidates import search_r2star, wrap
from AIDEALLib.estimation.voxelwise.gauss_newton import GaussianPrior, gauss_newton
from AIDEALLib.estimation.voxelwise.refinement import refined_candidates
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit

PERIOD = 1 / 2.1e-3


@pytest.fixture
def basis(te_s: torch.Tensor) -> EchoBasis:
    return EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5), torch.float64)


def test_converges_to_the_truth_without_noise(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    pdff, field, r2star = torch.meshgrid(
        torch.linspace(0, 100, 6), torch.tensor([-150.0, 0.0, 90.0]), torch.tensor([15.0, 60.0, 200.0]), indexing="ij"
    )
    pdff, field, r2star = (x.flatten().double() for x in (pdff, field, r2star))
    s = voxels(te_s, pdff, field, r2star)
    bin_hz = PERIOD / 32
    for off in (-bin_hz / 2, bin_hz / 2):
        found = gauss_newton(s, field + off, 0.7 * r2star + 10, basis, steps=8)
        assert torch.allclose(found.field_hz, field, atol=1e-4)
        assert torch.allclose(found.r2star_per_s, r2star, atol=1e-2)


def test_two_steps_from_a_bin_are_enough(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    pdff = torch.linspace(0, 100, 21).double()
    s = voxels(te_s, pdff, 50.0, 40.0)
    found = gauss_newton(s, torch.full_like(pdff, 55.0), torch.full_like(pdff, 50.0), basis, steps=2)
    linear_fit = fit(s, found.field_hz, found.r2star_per_s, basis)
    estimate = 100 * linear_fit.fat.abs() / (linear_fit.fat.abs() + linear_fit.water.abs())
    assert torch.allclose(estimate, pdff, atol=0.3)


def test_a_strong_prior_holds_and_a_weak_one_lets_go(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    s = voxels(te_s, 20.0, 50.0, 40.0)
    mean = torch.tensor([53.0], dtype=torch.float64), torch.tensor([60.0], dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)

    def run(variance: float) -> tuple[float, float]:
        prior = GaussianPrior(mean[0], variance * one, mean[1], variance * one, 0.02 * one)
        found = gauss_newton(s, mean[0], mean[1], basis, 6, prior)
        return float(found.field_hz), float(found.r2star_per_s)

    assert run(1e-9) == pytest.approx((53.0, 60.0), abs=1e-3)
    assert run(1e9) == pytest.approx((50.0, 40.0), abs=1e-3)


def test_noise_alone_stays_put(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    s = voxels(te_s, torch.zeros(500), 0.0, 3000.0, noise_sd=1.0)
    start = torch.zeros(500, dtype=torch.float64)
    found = gauss_newton(s, start, start + 40, basis, steps=4)
    assert bool((found.field_hz.abs() <= 4 * 0.25 / float(basis.tau_s[-1]) + 1e-9).all())
    assert float(found.r2star_per_s.min()) >= -100
    assert float(found.r2star_per_s.max()) <= basis.fastest_decay_per_s


@given(st.floats(-1e4, 1e4), st.floats(10, 2000))
def test_wrap(hz: float, period: float) -> None:
    wrapped = float(wrap(torch.tensor(hz, dtype=torch.float64), period))
    assert -period / 2 - 1e-6 <= wrapped <= period / 2 + 1e-6
    turns = (hz - wrapped) / period
    assert turns == pytest.approx(round(turns), abs=1e-6)


def test_r2star_search_explains_the_most(te_s: torch.Tensor, voxels) -> None:
    single = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    field = torch.full((40,), 20.0)
    s = voxels(te_s, torch.linspace(0, 100, 40), 30.0, torch.linspace(10, 900, 40), noise_sd=0.02).to(torch.complex64)
    choices = (30.0, 150.0, 500.0)
    energy = torch.stack([fit(s, field, torch.full((40,), r), single).residual_energy for r in choices])
    best = search_r2star(s, field, single, choices)
    assert torch.equal(best, torch.tensor(choices)[energy.argmin(0)])
    assert set(best.tolist()) == set(choices)


@pytest.mark.parametrize("r2star", [20.0, 120.0, 600.0])
def test_the_right_candidate_fits_best_wherever_the_start_was(te_s: torch.Tensor, voxels, r2star: float) -> None:
    single = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    shift = SIX_PEAK.mean_shift_hz(1.5)
    pdff, field = torch.linspace(2, 98, 13), torch.linspace(-200, 200, 13)
    s = voxels(te_s, pdff, field, r2star).to(torch.complex64)
    for place, off in enumerate((0.0, -shift, shift)):  # right, and swapped either way
        found = refined_candidates(s, field + off + 4, shift, PERIOD, single, steps=6)
        assert found.field_hz.shape == (3, 13)
        # another start may reach the truth as well, but nothing fits better than the truth
        best = found.field_hz.gather(0, found.residual_energy.argmin(0, keepdim=True))[0]
        assert torch.allclose(wrap(best - field, PERIOD), torch.zeros(13), atol=0.5)
        assert torch.allclose(wrap(found.field_hz[place] - field, PERIOD), torch.zeros(13), atol=0.5)
        assert torch.allclose(found.r2star_per_s[place], torch.full((13,), r2star), rtol=0.02, atol=1)


@pytest.mark.parametrize("off", [-140.0, -97.0, 97.0, 140.0])
def test_candidates_reach_their_minimum_from_a_start_far_off(te_s: torch.Tensor, voxels, off: float) -> None:
    """Four steps would spend themselves on the field and leave R2* at a start that only fitted there."""
    single = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    shift = SIX_PEAK.mean_shift_hz(1.5)
    s = voxels(te_s, torch.linspace(60, 98, 9), 20.0, 37.0, noise_sd=0.01).to(torch.complex64)
    found = refined_candidates(s, torch.full((9,), 20.0 + off), shift, PERIOD, single)
    best = found.residual_energy.argmin(0, keepdim=True)
    assert torch.allclose(found.field_hz.gather(0, best)[0], torch.full((9,), 20.0), atol=5)
    assert torch.allclose(found.r2star_per_s.gather(0, best)[0], torch.full((9,), 37.0), atol=20)
