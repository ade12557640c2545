"""Truncation of k-space is found where it was and nowhere else, and the SD of PDFF beside edges covers its error."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.mode import mode_from_fit
from AIDEALLib.estimation.voxelwise.neighbours import Neighbours
from AIDEALLib.estimation.voxelwise.ringing import LOST_SHARE, Ringing, ringing_variance_factor, second_difference
from AIDEALLib.estimation.voxelwise.truncation import truncated_k_space
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.physics.variable_projection import EchoBasis, fit
from AIDEALLib.simulation.artefacts import crop_k_space, zero_filled

SIZE = 96
TE = torch.tensor([1.3e-3 + 2.1e-3 * n for n in range(6)], dtype=torch.float64)
MODULATION = SIX_PEAK.modulation(TE, 1.5)
SD = torch.tensor(0.02)


def noise(zoom: float = 1.0) -> np.ndarray:
    """White noise of standard deviation `SD` after zero filling, (echo, row, column)."""
    parts = np.random.default_rng(1).standard_normal((6, SIZE, SIZE, 2)) * float(SD) * zoom
    return zero_filled((parts[..., 0] + 1j * parts[..., 1]).astype(np.complex64), zoom)


def object_of(factor: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc of lean tissue in a rim of fat, in air: echoes without noise and true PDFF on pixels `factor` times narrower."""
    y, x = np.meshgrid(*[(np.arange(factor * SIZE) + 0.5) / factor - SIZE / 2 - 0.3] * 2, indexing="ij")
    radius = np.hypot(x, 0.8 * y)
    pdff = np.where(radius < 24.4, 8.0, 90.0)
    inside = radius < 32.7
    decay = np.exp(-40.0 * TE.numpy())[:, None, None]
    phasor = MODULATION.numpy()[:, None, None]
    echoes = inside * (1 - pdff / 100 + pdff / 100 * phasor) * decay
    return echoes.astype(np.complex64), np.where(inside, pdff, np.nan)


def truncated(*slices: torch.Tensor) -> np.ndarray | None:
    return truncated_k_space(slices, float(SD))


def test_what_alternates_is_kept_and_what_is_linear_is_not() -> None:
    y, x = np.meshgrid(np.arange(24.0), np.arange(20.0), indexing="ij")
    linear = torch.tensor((2 + 0.3 * x - 0.01 * x * y + 0.02j * y)[None], dtype=torch.complex64)
    for wave, dim in ((0.1 * (-1.0) ** y, 1), (0.1 * (-1.0) ** x, 2)):
        found = second_difference(linear + torch.tensor(wave), dim)
        np.testing.assert_allclose(found[0, 1:-1, 1:-1].numpy(), wave[1:-1, 1:-1], atol=1e-5)
        across = second_difference(linear + torch.tensor(wave), 3 - dim)
        np.testing.assert_allclose(across[0, 1:-1, 1:-1].numpy(), 0, atol=1e-5)


@pytest.mark.parametrize("zoom", [1.25, 1.6, 2.0])
def test_share_of_noise_is_that_of_white_noise_on_the_filled_part(zoom: float) -> None:
    images = torch.tensor(noise(zoom))
    filled = truncated(images)
    assert filled is not None
    ringing = Ringing.of(images, filled)
    kept = 2 * np.ceil(SIZE / (2 * zoom)) - 1  # lines of k-space
    assert ringing.lost_shares == pytest.approx((LOST_SHARE * SIZE / kept,) * 2)
    found = [float(part.abs().square().mean() / images.abs().square().mean()) for part in ringing.parts]
    assert ringing.noise_share == pytest.approx(np.dot(ringing.lost_shares, found), rel=0.06)


@pytest.mark.parametrize(("zoom", "share"), [(1.0, 0.18), (1.25, 0.36), (1.6, 0.65), (2.0, 0.96)])
def test_what_an_edge_loses_over_what_its_image_holds(zoom: float, share: float) -> None:
    """A bar of sharp edges in one dimension, its mean over each voxel being the truth."""
    voxels, fine = 640, 41
    lost = held = 0.0
    for start in range(0, fine, 4):  # edges at every place within a voxel
        bar = np.zeros(voxels * fine)
        bar[150 * fine + start : 470 * fine + fine // 2 - start] = 1.0
        kept = np.abs(np.fft.fftfreq(bar.size, 1 / fine)) < 1 / (2 * zoom)
        image = np.fft.ifft(np.fft.fft(bar) * kept)[fine // 2 :: fine]
        true = bar.reshape(voxels, fine).mean(1)
        part = second_difference(torch.tensor(image, dtype=torch.complex64)[None, None], 2) / np.sin(np.pi / (2 * zoom)) ** 2
        lost += np.sum(np.abs(image - true) ** 2)
        held += float(part.abs().square().sum())
    assert lost / held == pytest.approx(share, rel=0.05)


def test_only_truncated_images_ring() -> None:
    sharp, cropped = object_of(1)[0], crop_k_space(object_of(2)[0], 2)
    assert truncated(torch.tensor(sharp + noise())) is None
    assert truncated(torch.tensor(cropped + noise())) is not None
    cropped[:, :8] = 0  # background set to 0
    assert truncated(torch.tensor(cropped)) is not None


@pytest.mark.parametrize(("zoom", "least", "without"), [(1.0, 0.93, 0.82), (1.6, 0.92, 0.68), (2.0, 0.93, 0.65)])
def test_the_sd_beside_edges_covers_the_error(zoom: float, least: float, without: float) -> None:
    fine, true = object_of(2)
    echoes = torch.tensor(zero_filled(crop_k_space(fine, 2), zoom) + noise(zoom))
    blocks = true.reshape(SIZE, 2, SIZE, 2).transpose(0, 2, 1, 3).reshape(SIZE, SIZE, 4)
    pure = torch.tensor((blocks == 8.0).all(-1))
    mask = echoes.abs().amax(0) > 0.2
    basis, voxels = EchoBasis.of(TE, MODULATION), echoes[:, mask]
    found = gauss_newton(voxels, torch.zeros(voxels.shape[1]), torch.full((voxels.shape[1],), 40.0), basis, 4)
    best = mode_from_fit(fit(voxels, found.field_hz, found.r2star_per_s, basis), found.field_hz, found.r2star_per_s, SD)
    filled = truncated(echoes)
    assert filled is not None
    ringing = Ringing.of(echoes, filled)
    factor = ringing_variance_factor(best, voxels, ringing.within(mask), SD, basis, Neighbours.of(mask))
    inside = pure[mask]
    error, sd = (best.pdff - 8.0).abs()[inside], best.pdff_variance.sqrt()[inside]
    assert float((error < 1.96 * sd).float().mean()) < without
    assert least < float((error < 1.96 * sd * factor[inside].sqrt()).float().mean()) < 0.99
    assert float(factor.min()) >= 1


@pytest.mark.parametrize("seed", range(4))
def test_sharp_pixels_of_few_voxels_do_not_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = np.kron(rng.random((8, 8)), np.ones((6, 6)))[None] * np.exp(-40.0 * TE.numpy())[:, None, None]
    parts = rng.standard_normal((6, 48, 48, 2)) * float(SD)
    images = torch.tensor(blocks + parts[..., 0] + 1j * parts[..., 1], dtype=torch.complex64)
    assert truncated(images) is None
