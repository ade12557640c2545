"""The weighted linear step against dense algebra, and stated standard deviations against Monte Carlo."""

from __future__ import annotations

import pytest
import torch

from AIDEALLib.estimation.voxelwise.fat_fraction import pdff_signed, pdff_variance
from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.least_squares import water_fat_covariance, weighted_least_squares
from AIDEALLib.physics.cramer_rao import cramer_rao
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, LinearFit, fit

SIGMA = torch.tensor(0.05, dtype=torch.float64)
FIELD, R2STAR = 31.0, 45.0
FIELD_VARIANCE, R2STAR_VARIANCE = torch.tensor(9.0, dtype=torch.float64), torch.tensor(400.0, dtype=torch.float64)


@pytest.fixture
def basis(te_s: torch.Tensor) -> EchoBasis:
    return EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5), torch.float64)


@pytest.fixture
def echoes(te_s: torch.Tensor, voxels) -> torch.Tensor:
    return voxels(te_s, [2.0, 35.0, 97.0], 28.0, 60.0, phase_rad=[0.3, -2.0, 1.1], noise_sd=0.05)


@pytest.fixture
def linear_fit(echoes: torch.Tensor, basis: EchoBasis) -> LinearFit:
    like = torch.ones(3, dtype=torch.float64)
    return fit(echoes, FIELD * like, R2STAR * like, basis)


def stack(z: torch.Tensor) -> torch.Tensor:
    """Complex (n, ...) to real (2 n, ...)."""
    return torch.cat([z.real, z.imag])


def dense_solution(te_s: torch.Tensor, s: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, float, float]:
    """rho (Re W, Im W, Re F, Im F) and its covariance from a dense 2N x 2N Sigma, and the posterior means of both errors."""
    tau = te_s - te_s[0]
    y = s * torch.polar(torch.ones_like(tau), -2 * torch.pi * FIELD * tau)
    decay = torch.exp(-R2STAR * tau) + 0j
    fat = decay * SIX_PEAK.modulation(te_s, 1.5)
    a = torch.stack([stack(decay), stack(1j * decay), stack(fat), stack(1j * fat)], 1)
    ordinary = torch.linalg.lstsq(a, stack(y)[:, None]).solution[:, 0]
    m = a @ ordinary
    m = torch.complex(m[: len(tau)], m[len(tau) :])
    j_phi, j_r = stack(2j * torch.pi * tau * m), stack(-tau * m)
    sigma = SIGMA**2 * torch.eye(2 * len(tau), dtype=torch.float64)
    sigma = sigma + FIELD_VARIANCE * torch.outer(j_phi, j_phi) + R2STAR_VARIANCE * torch.outer(j_r, j_r)
    inverse = torch.linalg.inv(sigma)
    covariance = torch.linalg.inv(a.T @ inverse @ a)
    rho = covariance @ a.T @ inverse @ stack(y)
    left = inverse @ (stack(y) - a @ rho)
    return rho, covariance, float(FIELD_VARIANCE * j_phi @ left), float(R2STAR_VARIANCE * j_r @ left)


def test_solution_and_covariance_against_dense_algebra(te_s: torch.Tensor, echoes: torch.Tensor, linear_fit: LinearFit) -> None:
    weighted = weighted_least_squares(linear_fit, SIGMA, FIELD_VARIANCE, R2STAR_VARIANCE)
    covariance = water_fat_covariance(linear_fit, weighted, SIGMA)
    assert covariance.shape == (3, 4, 4)
    for v in range(3):
        rho, expected, field_step, r2star_step = dense_solution(te_s, echoes[:, v])
        found = torch.stack([weighted.water[v].real, weighted.water[v].imag, weighted.fat[v].real, weighted.fat[v].imag])
        assert torch.allclose(found, rho, rtol=1e-7, atol=1e-10)
        assert torch.allclose(covariance[v], expected, rtol=1e-6, atol=1e-12)
        assert float(weighted.field_step[v]) == pytest.approx(field_step, rel=1e-6)
        assert float(weighted.r2star_step[v]) == pytest.approx(r2star_step, rel=1e-6)


def test_a_sure_prior_leaves_the_ordinary_solution(linear_fit: LinearFit) -> None:
    sure = torch.tensor(1e-12, dtype=torch.float64)
    weighted = weighted_least_squares(linear_fit, SIGMA, sure, sure)
    assert torch.allclose(weighted.water, linear_fit.water, atol=1e-8)
    assert torch.allclose(weighted.fat, linear_fit.fat, atol=1e-8)
    assert bool((weighted.field_step.abs() < 1e-8).all())


def test_a_vague_prior_is_no_prior(linear_fit: LinearFit) -> None:
    vague = torch.tensor(1e14, dtype=torch.float64)
    with_prior, without = weighted_least_squares(linear_fit, SIGMA, vague, vague), weighted_least_squares(linear_fit, SIGMA)
    assert torch.allclose(with_prior.water, without.water)
    assert torch.allclose(with_prior.field_variance, without.field_variance)


def test_pdff_variance_is_the_delta_method_on_the_full_covariance(linear_fit: LinearFit) -> None:
    weighted = weighted_least_squares(linear_fit, SIGMA, FIELD_VARIANCE, R2STAR_VARIANCE)
    covariance = water_fat_covariance(linear_fit, weighted, SIGMA)
    parts = torch.stack([weighted.water.real, weighted.water.imag, weighted.fat.real, weighted.fat.imag], -1).requires_grad_()
    pdff = pdff_signed(torch.complex(parts[:, 0], parts[:, 1]), torch.complex(parts[:, 2], parts[:, 3]))
    (gradient,) = torch.autograd.grad(pdff.sum(), parts)
    expected = torch.einsum("va,vab,vb->v", gradient, covariance, gradient)
    assert torch.allclose(pdff_variance(linear_fit, weighted, SIGMA), expected, rtol=1e-9)


@pytest.mark.parametrize(("pdff", "r2star"), [(5.0, 40.0), (20.0, 80.0), (100.0, 40.0)])
def test_stated_spread_is_that_of_repeated_scans_and_the_bound(
    te_s: torch.Tensor, basis: EchoBasis, voxels, pdff: float, r2star: float
) -> None:
    repeats, sigma = 20_000, torch.tensor(1 / 50, dtype=torch.float64)
    s = voxels(te_s, torch.full((repeats,), pdff), 37.0, r2star, noise_sd=1 / 50)
    like = torch.ones(repeats, dtype=torch.float64)
    point = gauss_newton(s, 40 * like, 1.3 * r2star * like, basis, steps=3)
    linear_fit = fit(s, point.field_hz, point.r2star_per_s, basis)
    weighted = weighted_least_squares(linear_fit, sigma)
    found = pdff_signed(weighted.water, weighted.fat)
    stated = pdff_variance(linear_fit, weighted, sigma).sqrt()
    bound = cramer_rao(torch.tensor(pdff), torch.tensor(r2star), torch.tensor(50.0), te_s, 1.5)
    assert float(found.mean()) == pytest.approx(pdff, abs=0.05)
    # 20,000 repeats determine a standard deviation to 0.5 %
    assert float(stated.mean()) == pytest.approx(float(found.std()), rel=0.025)
    assert float(stated.mean()) == pytest.approx(float(bound.pdff_sd), rel=0.01)
    assert float(weighted.r2star_variance.sqrt().mean()) == pytest.approx(float(point.r2star_per_s.std()), rel=0.025)
    assert float(weighted.field_variance.sqrt().mean()) == pytest.approx(float(point.field_hz.std()), rel=0.025)
