"""The networks: the exported file does what the code does, whatever the protocol."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from AIDEALLib.models import load_networks
from AIDEALLib.physics.residual_profile import field_grid_hz, field_period_hz
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.random_slices import random_slices
from AIDEALLib.training.export import export_networks
from AIDEALLib.training.model_cards import model_cards
from AIDEALLib.training.networks import (
    FIELD_BINS,
    R2STAR_BINS,
    R2STAR_MAX_PER_S,
    FieldNetwork,
    R2StarNetwork,
    circular_moments,
    r2star_grid,
    r2star_profile,
)


def awake(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """A fresh network adds nothing from its context; random weights in its last layer make it speak up."""
    head = network.get_submodule("unet.head")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        head.weight.copy_(0.3 * torch.randn(head.weight.shape, generator=generator))
    return network.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def field_network() -> torch.nn.Module:
    torch.manual_seed(1)
    return awake(FieldNetwork(), 1)


@pytest.fixture(scope="module")
def r2star_network() -> torch.nn.Module:
    torch.manual_seed(2)
    return awake(R2StarNetwork(), 2)


def protocol(te_s: torch.Tensor, field_t: float = 1.5) -> tuple[object, ...]:
    return te_s, field_t, torch.tensor(SIX_PEAK.ppm), torch.tensor(SIX_PEAK.amplitudes)


def some_slices(rows: int = 37, columns: int = 50) -> tuple[torch.Tensor, torch.Tensor, float]:
    batch = random_slices(2, 64, torch.Generator().manual_seed(4))
    return batch.echoes[:, :, :rows, :columns].contiguous(), batch.te_s, batch.field_strength_t


def test_torchscript_is_the_network(field_network: torch.nn.Module, r2star_network: torch.nn.Module, tmp_path: Path) -> None:
    export_networks(field_network, r2star_network, tmp_path, model_cards(field_network, r2star_network, {}))
    loaded = load_networks(directory=tmp_path, trusted=True)
    for name in ("G_phi", "G_R2star"):
        assert loaded.checksums[name] in (tmp_path / f"{name}.md").read_text(encoding="utf-8")
        assert (tmp_path / f"{name}.pt").stat().st_size < 5_000_000
    for n, b0 in ((3, 1.5), (6, 3.0), (16, 0.35)):
        te = 1.2e-3 + 1.1e-3 * torch.arange(n, dtype=torch.float64)
        echoes = torch.view_as_complex(torch.randn(2, n, 21, 34, 2, generator=torch.Generator().manual_seed(n)))
        field = 50 * torch.randn(2, 21, 34, generator=torch.Generator().manual_seed(n))
        with torch.inference_mode():
            pairs = [
                (field_network(echoes, *protocol(te, b0)), loaded.field(echoes, *protocol(te, b0))),
                (r2star_network(echoes, field, *protocol(te, b0)), loaded.r2star(echoes, field, *protocol(te, b0))),
            ]
        for eager, scripted in pairs:
            for a, b in zip(eager, scripted, strict=True):
                assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


def test_one_slice_of_a_batch_is_that_slice_alone() -> None:
    networks = load_networks()
    echoes, te, b0 = some_slices()
    with torch.inference_mode():
        both = networks.field(echoes, *protocol(te, b0))
        q, mean, variance = networks.field_distribution(echoes[1], te, b0, SIX_PEAK)
    for a, b in zip((x[1] for x in both), (q, mean, variance), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-3)


def test_outputs_are_distributions_in_range(field_network: torch.nn.Module, r2star_network: torch.nn.Module) -> None:
    echoes, te, b0 = some_slices()
    with torch.inference_mode():
        q, mean, variance = field_network(echoes, *protocol(te, b0))
        p, decay, decay_variance = r2star_network(echoes, mean, *protocol(te, b0))
    assert q.shape == (2, FIELD_BINS, 37, 50)
    assert p.shape == (2, R2STAR_BINS, 37, 50)
    for x in (q, p):
        assert torch.allclose(x.sum(1), torch.ones(2, 37, 50), atol=1e-4)
    period = float(field_period_hz(te))
    assert float(mean.abs().max()) <= period / 2 * 1.001
    assert float(variance.min()) > 0
    assert float(decay.min()) >= 0
    assert float(decay.max()) <= R2STAR_MAX_PER_S
    assert float(decay_variance.min()) > 0


def test_unit_phase_and_centre_frequency_do_not_matter(field_network: torch.nn.Module) -> None:
    echoes, te, b0 = some_slices(48, 64)
    te = te[0] + (te[-1] - te[0]) / (te.numel() - 1) * torch.arange(te.numel(), dtype=torch.float64)  # uniform
    shift_bins = 5
    shift_hz = shift_bins * float(field_period_hz(te)) / FIELD_BINS
    turn = torch.polar(torch.ones_like(te), 2 * torch.pi * shift_hz * te).to(torch.complex64)[:, None, None]
    with torch.inference_mode():
        q, _, _ = field_network(echoes, *protocol(te, b0))
        scaled, _, _ = field_network(echoes * (40 - 30j), *protocol(te, b0))
        rotated, _, _ = field_network(echoes * turn, *protocol(te, b0))
    assert float((scaled - q).abs().max()) < 2e-3
    assert float((rotated - q.roll(shift_bins, 1)).abs().max()) < 2e-3
    assert float((rotated - q).abs().max()) > 0.1


def test_fresh_network_begins_as_the_voxelwise_fit(fresh_models: Path, te_s: torch.Tensor, voxels) -> None:
    networks = load_networks(directory=fresh_models, trusted=True)
    pdff = torch.linspace(0, 100, 32 * 32).double()
    echoes = voxels(te_s, pdff, 61.0, 40.0, noise_sd=0.01).to(torch.complex64).reshape(6, 32, 32)
    with torch.inference_mode():
        _, mean, _ = networks.field_distribution(echoes, te_s, 1.5, SIX_PEAK)
    assert float((mean - 61).abs().median()) < 0.5 * float(field_period_hz(te_s)) / FIELD_BINS


def direct_moments(q: list[float], grid: list[float], period: float) -> tuple[float, float]:
    bins, width = len(q), period / len(q)
    mode = max(range(bins), key=lambda k: sum(q[(k + j) % bins] for j in range(-2, 3)))
    weights = [q[(mode + j) % bins] for j in range(-2, 3)]
    total = sum(weights)
    mean = sum(w * j for w, j in zip(weights, range(-2, 3), strict=True)) / total
    square = sum(w * j * j for w, j in zip(weights, range(-2, 3), strict=True)) / total
    hz = grid[mode] + mean * width
    return hz - period * round(hz / period), (square - mean**2 + 1 / 12) * width**2


def test_circular_moments_against_a_direct_computation(te_s: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(3)
    q = torch.softmax(4 * torch.randn(1, 16, 200, generator=generator, dtype=torch.float64), 1)
    q[0, :, 0] = 1e-6
    q[0, [0, 15], 0] = 0.5  # a mode across the seam
    grid, period = field_grid_hz(te_s, 16), field_period_hz(te_s)
    mean, variance = circular_moments(q, grid, period)
    for v in range(200):
        hz, spread = direct_moments(q[0, :, v].tolist(), grid.tolist(), float(period))
        apart = float(mean[0, v]) - hz
        assert apart - float(period) * round(apart / float(period)) == pytest.approx(0, abs=1e-6)
        assert float(variance[0, v]) == pytest.approx(spread, rel=1e-9)
    assert abs(float(mean[0, 0])) == pytest.approx(float(period) / 2, rel=1e-3)


def test_a_second_mode_widens_nothing(te_s: torch.Tensor) -> None:
    q = torch.zeros(1, 32, 1, dtype=torch.float64)
    q[0, [9, 10, 11], 0] = torch.tensor([0.1, 0.4, 0.1], dtype=torch.float64)
    q[0, 25, 0] = 0.4
    grid, period = field_grid_hz(te_s, 32), field_period_hz(te_s)
    mean, variance = circular_moments(q, grid, period)
    assert float(mean) == pytest.approx(float(grid[10]))
    assert float(variance) == pytest.approx((1 / 3 + 1 / 12) * (float(period) / 32) ** 2)


def test_r2star_grid_is_dense_near_zero() -> None:
    grid = r2star_grid()
    assert float(grid[0]) == 0
    assert float(grid[-1]) == pytest.approx(R2STAR_MAX_PER_S)
    steps = grid[1:] - grid[:-1]
    assert bool((steps[1:] > steps[:-1]).all())
    assert float(steps[0]) < 5


def test_r2star_profile_against_least_squares(te_s: torch.Tensor, voxels) -> None:
    field = torch.tensor([20.0, -90.0, 130.0], dtype=torch.float64)
    s = voxels(te_s, [5.0, 50.0, 90.0], field + 3, 70.0, noise_sd=0.05)
    c, grid = SIX_PEAK.modulation(te_s, 1.5), torch.tensor([0.0, 40.0, 400.0], dtype=torch.float64)
    found = r2star_profile(s[None], field[None], te_s, c, grid)[0]
    for v in range(3):
        for r, r2star in enumerate(grid.tolist()):
            e = torch.polar(torch.exp(-r2star * te_s), 2 * torch.pi * field[v] * te_s)
            a = torch.stack([e, e * c], 1)
            left = s[:, v] - a @ torch.linalg.lstsq(a, s[:, v, None]).solution[:, 0]
            assert float(found[r, v]) == pytest.approx(float(left.abs().square().sum()), rel=1e-8)
