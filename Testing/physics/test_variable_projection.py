"""The linear fit and its derivatives against brute force, in double precision."""

from __future__ import annotations

import pytest
import torch

from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, LinearFit, fit


@pytest.fixture
def basis(te_s: torch.Tensor) -> EchoBasis:
    return EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5), torch.float64)


def dense(te_s: torch.Tensor, s: torch.Tensor, field: float, r2star: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A (echo, 2), demodulated y (echo,) and times from the first echo."""
    tau = te_s - te_s[0]
    c = SIX_PEAK.modulation(te_s, 1.5)
    decay = torch.exp(-r2star * tau)
    a = torch.stack([decay + 0j, decay * c], 1)
    return a, s * torch.polar(torch.ones_like(tau), -2 * torch.pi * field * tau), tau


CASES = [(5.0, 30.0, 40.0), (50.0, -120.0, 250.0), (95.0, 0.0, 15.0)]


@pytest.mark.parametrize(("pdff", "field", "r2star"), CASES)
def test_fit_slope_and_curvature(
    te_s: torch.Tensor, basis: EchoBasis, voxels, pdff: float, field: float, r2star: float
) -> None:
    s = voxels(te_s, [pdff] * 3, 25.0, 60.0, noise_sd=0.1)
    linear_fit = fit(s, torch.full((3,), field, dtype=torch.float64), torch.full((3,), r2star, dtype=torch.float64), basis)
    for v in range(3):
        a, y, tau = dense(te_s, s[:, v], field, r2star)
        rho = torch.linalg.lstsq(a, y[:, None]).solution[:, 0]
        m = a @ rho
        assert torch.allclose(torch.stack([linear_fit.water[v], linear_fit.fat[v]]), rho, atol=1e-9)
        assert float(linear_fit.residual_energy[v]) == pytest.approx(float((y - m).abs().square().sum()), rel=1e-8)
        slope = torch.vdot(tau * m, y - m)
        assert torch.allclose(linear_fit.slope[v], slope, rtol=1e-7, atol=1e-12)
        q, _ = torch.linalg.qr(a)
        projected = tau * m - q @ (q.conj().T @ (tau * m).to(q.dtype))
        assert float(linear_fit.curvature[v]) == pytest.approx(float(projected.abs().square().sum()), rel=1e-6)
        gram = a.conj().T @ a
        sensitivity = torch.linalg.solve(gram, a.conj().T @ (tau * m))
        assert torch.allclose(
            torch.stack([linear_fit.sensitivity_water[v], linear_fit.sensitivity_fat[v]]), sensitivity, atol=1e-9
        )
        x = torch.tensor([0.3 - 0.2j, -0.1 + 0.7j], dtype=torch.complex128)
        quadratic = torch.vdot(x, torch.linalg.solve(gram, x)).real
        ones = torch.ones(3, dtype=torch.complex128)
        assert float(linear_fit.gram_quadratic_inverse(x[0] * ones, x[1] * ones)[v]) == pytest.approx(
            float(quadratic), rel=1e-8
        )


def test_slope_is_the_gradient_of_the_residual(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    s = voxels(te_s, [3.0, 40.0, 90.0], 25.0, 60.0, noise_sd=0.1)

    def residual(field: float, r2star: float) -> torch.Tensor:
        like = torch.ones(3, dtype=torch.float64)
        return fit(s, field * like, r2star * like, basis).residual_energy

    like = torch.ones(3, dtype=torch.float64)
    linear_fit = fit(s, 30 * like, 50 * like, basis)
    by_field = (residual(30 + 1e-3, 50) - residual(30 - 1e-3, 50)) / 2e-3
    by_r2star = (residual(30, 50 + 1e-3) - residual(30, 50 - 1e-3)) / 2e-3
    assert torch.allclose(-4 * torch.pi * linear_fit.slope.imag, by_field, rtol=1e-5)
    assert torch.allclose(2 * linear_fit.slope.real, by_r2star, rtol=1e-5)


def test_sensitivities_move_water_and_fat(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    s = voxels(te_s, [3.0, 40.0, 90.0], 25.0, 60.0)
    like = torch.ones(3, dtype=torch.float64)

    def fit_at_point(field: float, r2star: float) -> LinearFit:
        return fit(s, field * like, r2star * like, basis)

    true = fit_at_point(25.0, 60.0)
    for name in ("water", "fat"):
        sensitivity = getattr(true, f"sensitivity_{name}")
        by_field = (getattr(fit_at_point(25.01, 60.0), name) - getattr(fit_at_point(24.99, 60.0), name)) / 0.02
        by_r2star = (getattr(fit_at_point(25.0, 60.01), name) - getattr(fit_at_point(25.0, 59.99), name)) / 0.02
        assert torch.allclose(by_field, -2j * torch.pi * sensitivity, rtol=1e-4, atol=1e-8)
        assert torch.allclose(by_r2star, sensitivity, rtol=1e-4, atol=1e-8)


def test_any_shape_and_single_precision(te_s: torch.Tensor, basis: EchoBasis, voxels) -> None:
    s = voxels(te_s, torch.linspace(0, 100, 12), 25.0, 60.0, noise_sd=0.02)
    like = torch.full((12,), 20.0, dtype=torch.float64)
    flat = fit(s, like, 3 * like, basis)
    single = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    shaped = fit(s.to(torch.complex64).reshape(6, 3, 4), like.float().reshape(3, 4), 3 * like.float().reshape(3, 4), single)
    assert shaped.water.shape == (3, 4)
    assert torch.allclose(shaped.water.flatten(), flat.water.to(torch.complex64), atol=1e-4)
    assert torch.allclose(shaped.curvature.flatten(), flat.curvature.float(), rtol=1e-3)


def test_voxels_without_signal_stay_finite(te_s: torch.Tensor) -> None:
    single = EchoBasis.of(te_s, SIX_PEAK.modulation(te_s, 1.5))
    linear_fit = fit(torch.zeros(6, 2, dtype=torch.complex64), torch.zeros(2), torch.full((2,), 40.0), single)
    for value in (linear_fit.water, linear_fit.residual_energy, linear_fit.slope / linear_fit.curvature):
        assert bool(torch.isfinite(torch.view_as_real(value) if value.is_complex() else value).all())


@pytest.mark.parametrize("count", [0, 1])
def test_fit_of_few_voxels(te_s: torch.Tensor, basis: EchoBasis, voxels, count: int) -> None:
    s = voxels(te_s, [20.0, 20.0], 25.0, 60.0)[:, :count]
    linear_fit = fit(s, torch.full((count,), 25.0, dtype=torch.float64), torch.full((count,), 60.0, dtype=torch.float64), basis)
    assert linear_fit.water.shape == linear_fit.residual_energy.shape == (count,)
    assert bool((linear_fit.residual_energy < 1e-9).all())
