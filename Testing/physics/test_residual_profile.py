"""The residual profile is what explicit least squares leaves over."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from AIDEALLib.physics.residual_profile import (
    field_grid_hz,
    field_period_hz,
    pair_products,
    projection_weights,
    residual_profile,
)
from AIDEALLib.physics.spectrum import SIX_PEAK


def explicit_residual(s: torch.Tensor, te: torch.Tensor, c: torch.Tensor, field: float, r2star: float) -> torch.Tensor:
    """Left-over energy of each column of s (echo, voxels) after torch.linalg.lstsq for water and fat."""
    e = torch.polar(torch.exp(-r2star * te), 2 * torch.pi * field * te)
    a = torch.stack([e, e * c], 1)
    rho = torch.linalg.lstsq(a, s).solution
    return (s - a @ rho).abs().square().sum(0)


def random_echoes(n: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.view_as_complex(torch.randn(n, 5, 2, generator=generator, dtype=torch.float64))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(3, 16),
    st.floats(0.6e-3, 4e-3),
    st.floats(0.8e-3, 3e-3),
    st.sampled_from([0.35, 1.5, 3.0, 7.0]),
    st.floats(-400, 400),
    st.floats(0, 600),
)
def test_weights_give_the_explicit_residual(n: int, dt: float, first: float, b0: float, field: float, r2star: float) -> None:
    te = first + dt * torch.arange(n, dtype=torch.float64)
    c = SIX_PEAK.modulation(te, b0)
    s = random_echoes(n)
    weights = projection_weights(torch.tensor([field], dtype=torch.float64), torch.tensor([r2star], dtype=torch.float64), te, c)
    found = weights[0, 0] @ pair_products(s[None])[0]
    # where water and fat hardly differ, the basis is nearly singular and so is the comparison
    assert torch.allclose(found, explicit_residual(s, te, c, field, r2star), rtol=1e-5, atol=1e-6)


def test_profile_takes_the_least_over_r2star_and_within_each_bin(te_s: torch.Tensor) -> None:
    c, s = SIX_PEAK.modulation(te_s, 1.5), random_echoes(6)
    search, bins, fine = (20.0, 250.0), 8, 3
    found = residual_profile(s[None], te_s, c, bins, torch.tensor(search, dtype=torch.float64), fine)[0]
    grid = field_grid_hz(te_s, bins * fine).tolist()
    for k in range(bins):
        tried = [explicit_residual(s, te_s, c, f, r) for f in grid[k * fine : (k + 1) * fine] for r in search]
        assert torch.allclose(found[k], torch.stack(tried).amin(0), atol=1e-9)


def test_blocks_and_shape_do_not_matter(te_s: torch.Tensor) -> None:
    c = SIX_PEAK.modulation(te_s, 1.5)
    s = torch.view_as_complex(torch.randn(2, 6, 7, 5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)))
    search = torch.tensor([20.0, 80.0], dtype=torch.float64)
    whole = residual_profile(s, te_s, c, 16, search)
    assert whole.shape == (2, 16, 7, 5)
    assert torch.allclose(residual_profile(s, te_s, c, 16, search, voxels_at_once=8), whole)
    assert torch.allclose(residual_profile(s[1:, :, 3:4, 2:3], te_s, c, 16, search)[0, :, 0, 0], whole[1, :, 3, 2])


def test_bounded_by_the_signal_and_blind_to_its_phase(te_s: torch.Tensor) -> None:
    c, s = SIX_PEAK.modulation(te_s, 1.5), random_echoes(6)
    search = torch.tensor([40.0], dtype=torch.float64)
    profile = residual_profile(s[None], te_s, c, 32, search)
    assert bool((profile >= 0).all())
    assert bool((profile <= s.abs().square().sum(0) + 1e-9).all())
    turned = residual_profile(2j * s[None], te_s, c, 32, search)
    assert torch.allclose(turned, 4 * profile)


def test_zero_at_the_truth_and_periodic(te_s: torch.Tensor, voxels) -> None:
    c, period = SIX_PEAK.modulation(te_s, 1.5), float(field_period_hz(te_s))
    assert period == pytest.approx(1 / 2.1e-3)
    grid = field_grid_hz(te_s, 32)
    s = voxels(te_s, [10.0, 80.0], float(grid[20]), 40.0)
    search = torch.tensor([40.0], dtype=torch.float64)
    profile = residual_profile(s[None], te_s, c, 32, search, oversampling=1)[0]
    assert bool((profile[20] < 1e-12).all())
    assert bool((profile[torch.arange(32) != 20] > 1e-4).all())
    wrapped = voxels(te_s, [10.0, 80.0], float(grid[20]) + period, 40.0)
    assert torch.allclose(residual_profile(wrapped[None], te_s, c, 32, search, oversampling=1)[0], profile, atol=1e-9)


def test_grid_covers_one_period_evenly(te_s: torch.Tensor) -> None:
    grid, period = field_grid_hz(te_s, 32), float(field_period_hz(te_s))
    assert torch.allclose(grid[1:] - grid[:-1], torch.full((31,), period / 32, dtype=torch.float64))
    assert float(grid[0]) == pytest.approx(-period / 2 + period / 64)
    assert float(grid.sum()) == pytest.approx(0, abs=1e-9)
    uneven = torch.tensor([1e-3, 2e-3, 5e-3], dtype=torch.float64)
    assert float(field_period_hz(uneven)) == pytest.approx(1000)
