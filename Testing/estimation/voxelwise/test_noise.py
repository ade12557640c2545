"""Noise and foreground."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.neighbours import Neighbours
from AIDEALLib.estimation.voxelwise.noise import (
    _high_quantile,
    chi_square_median,
    foreground,
    masked_parts,
    noise_from_decay,
    noise_from_differences,
    noise_from_residual,
)
from AIDEALLib.estimation.zero_filling import difference_share
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit

SIGMA = 0.03


def disc(size: int = 128, radius: float = 40.0) -> torch.Tensor:
    axis = torch.arange(size) - (size - 1) / 2
    return torch.hypot(axis[:, None], axis[None, :]) <= radius


def noisy(signal: torch.Tensor, sigma: float = SIGMA, seed: int = 0) -> torch.Tensor:
    noise = torch.randn(*signal.shape, 2, generator=torch.Generator().manual_seed(seed))
    return signal.to(torch.complex64) + sigma * torch.view_as_complex(noise)


def smooth_object(size: int = 128) -> torch.Tensor:
    """Three echoes of a disc with a gradient and a smooth phase."""
    x = torch.linspace(-1, 1, size)
    amplitude = disc(size) * (1 + 0.3 * x)
    return torch.stack([torch.polar(amplitude * 0.8**n, (0.4 + n) * x * torch.ones(size, 1)) for n in range(3)])


@pytest.mark.parametrize("sigma", [0.003, 0.03, 0.3])
def test_known_noise_is_recovered_from_differences(sigma: float) -> None:
    assert float(noise_from_differences(noisy(smooth_object(), sigma))) == pytest.approx(sigma, rel=0.05)


def test_zero_filled_surroundings_do_not_count() -> None:
    assert float(noise_from_differences(noisy(smooth_object()) * disc(radius=38.0))) == pytest.approx(SIGMA, rel=0.05)


def test_nothing_at_all_has_no_noise() -> None:
    assert float(noise_from_differences(torch.zeros(3, 16, 16, dtype=torch.complex64))) == 0


@pytest.mark.parametrize("n_echoes", [4, 6, 12])
def test_known_noise_is_recovered_from_residuals(n_echoes: int) -> None:
    energy = SIGMA**2 * scipy.stats.chi2(2 * n_echoes - 6).rvs(40_000, random_state=1)
    energy[:4000] *= 100  # motion
    clean = noise_from_residual(torch.from_numpy(energy[4000:]), 2 * n_echoes - 6)
    assert float(clean) == pytest.approx(SIGMA, rel=0.02)
    assert float(noise_from_residual(torch.from_numpy(energy), 2 * n_echoes - 6)) == pytest.approx(SIGMA, rel=0.1)


@pytest.mark.parametrize("pdff", [5.0, 40.0, 90.0])
def test_noise_of_three_echoes_from_differences_of_r2star(voxels, pdff: float) -> None:
    """Against the noise put in; fat and signal are all texture, which differences of the echoes would take for noise."""
    te = torch.tensor([1.6e-3, 3.15e-3, 4.7e-3], dtype=torch.float64)
    basis = EchoBasis.of(te, SIX_PEAK.modulation(te, 1.5), torch.float64)
    mask = torch.ones(60, 60, dtype=torch.bool)
    generator = torch.Generator().manual_seed(2)
    texture = 1 + 0.3 * torch.randn(3600, generator=generator, dtype=torch.float64)
    s = texture * voxels(te, torch.full((3600,), pdff), 10.0, 40.0)
    s = s + SIGMA * torch.view_as_complex(torch.randn(3, 3600, 2, generator=generator, dtype=torch.float64))
    refined = gauss_newton(s, torch.full((3600,), 10.0, dtype=torch.float64), torch.full((3600,), 40.0), basis, 8)
    curvature = fit(s, refined.field_hz, refined.r2star_per_s, basis).curvature
    edge = (torch.arange(3600) % 60 < 6) * 300.0  # another tissue
    neighbours = Neighbours.of(mask)
    rough = torch.tensor(2 * SIGMA, dtype=torch.float64)
    found = noise_from_decay(refined.r2star_per_s + edge, curvature, neighbours, rough)
    assert float(found) == pytest.approx(SIGMA, rel=0.04)
    lost = torch.arange(3600) % 7 == 0  # hardly any signal: R2* is at an end of its range
    spoiled = torch.where(lost, torch.full_like(refined.r2star_per_s, -100.0), refined.r2star_per_s)
    weak = torch.where(lost, 1e-10 * curvature, curvature)
    assert float(noise_from_decay(spoiled, weak, neighbours, rough)) == pytest.approx(SIGMA, rel=0.04)


def test_noise_from_r2star_never_exceeds_that_from_differences() -> None:
    rough = torch.tensor(0.01)
    iron = 500 + 200 * torch.randn(900, generator=torch.Generator().manual_seed(0))
    neighbours = Neighbours.of(torch.ones(30, 30, dtype=torch.bool))
    assert noise_from_decay(iron, torch.full((900,), 1e-3), neighbours, rough) == rough
    few = Neighbours.of(torch.ones(5, 5, dtype=torch.bool))
    assert noise_from_decay(torch.zeros(25), torch.ones(25), few, rough) == rough


def test_noise_of_interpolated_images_is_that_of_their_voxels() -> None:
    """Rows zero filled by 2, columns by 1.6: differences of adjacent voxels are far below the noise."""
    size, filled = 160, np.ones((160, 160), bool)
    filled[np.abs(np.fft.fftfreq(size)) >= 0.25] = False
    filled[:, np.abs(np.fft.fftfreq(size)) >= 0.5 / 1.6] = False
    rng = np.random.default_rng(4)
    spectrum = filled * np.fft.fft2(rng.standard_normal((4, size, size)) + 1j * rng.standard_normal((4, size, size)))
    images = torch.from_numpy(np.fft.ifft2(spectrum) * SIGMA / np.sqrt(filled.mean()))
    assert float(images.real.std()) == pytest.approx(SIGMA, rel=0.03)
    assert float(noise_from_differences(images, difference_share(filled, (0, 1)))) == pytest.approx(SIGMA, rel=0.06)
    neighbours = Neighbours.of(torch.ones(size, size, dtype=torch.bool))
    shares = difference_share(filled, (0,)), difference_share(filled, (1,))
    r2star, curvature = images[0].real.flatten() / 0.1, torch.full((size * size,), 0.01, dtype=torch.float64)
    found = noise_from_decay(r2star, curvature, neighbours, torch.tensor(1.0, dtype=torch.float64), shares)
    assert float(found) == pytest.approx(SIGMA, rel=0.05)
    assert difference_share(np.ones((8, 8), bool), (0, 1)) == pytest.approx(1.0)


@pytest.mark.parametrize("degrees", [2, 4, 6, 18, 26])
def test_chi_square_median(degrees: int) -> None:
    assert chi_square_median(degrees) == pytest.approx(scipy.stats.chi2.median(degrees), rel=1e-9)


def test_foreground_is_the_object() -> None:
    echoes = noisy(smooth_object())
    mask = foreground(echoes, torch.tensor(SIGMA))
    inside, outside = disc(radius=38.0), ~disc(radius=42.0)
    assert float(mask[inside].float().mean()) > 0.999
    assert float(mask[outside].float().mean()) < 0.001


def test_foreground_drops_lone_voxels_and_dim_haze() -> None:
    signal = torch.zeros(3, 32, 32)
    signal[:, 4:20, 4:20] = 1.0
    signal[:, 28, 28] = 1.0
    signal[:, 22:27, 22:27] = 0.01
    mask = foreground(signal.to(torch.complex64), torch.tensor(1e-6))
    assert bool(mask[5:19, 5:19].all())
    assert not bool(mask[22:, 22:].any())


@pytest.mark.parametrize("size", [1, 2, 200, 201, 5000])
def test_high_quantile_is_the_quantile(size: int) -> None:
    values = torch.rand(size, generator=torch.Generator().manual_seed(size))
    assert float(_high_quantile(values, 0.995)) == pytest.approx(float(torch.quantile(values, 0.995)), abs=1e-6)


def test_areas_that_are_zero_in_one_echo_are_masked_and_single_zeros_are_not() -> None:
    echoes = torch.ones(3, 12, 12, dtype=torch.complex64)
    assert not masked_parts(echoes).any()
    echoes[1, 3:8, 0:6] = 0
    echoes[2, 10, 2:9] = 0  # a row one voxel wide: small values that were rounded
    wanted = torch.zeros(12, 12, dtype=torch.bool)
    wanted[3:8, 0:6] = True
    assert torch.equal(masked_parts(echoes), wanted)
