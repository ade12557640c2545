"""Ringing is found where k-space was truncated and nowhere else, and the SD of PDFF beside edges covers its error."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch

from AIDEALLib.estimation.voxelwise.gauss_newton import gauss_newton
from AIDEALLib.estimation.voxelwise.mode import mode_from_fit
from AIDEALLib.estimation.voxelwise.neighbours import Neighbours
from AIDEALLib.estimation.voxelwise.ringing import Ringing, alternating_part, ringing_variance_factor
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


def test_what_alternates_is_kept_and_what_is_smooth_is_not() -> None:
    y, x = np.meshgrid(np.arange(24.0), np.arange(20.0), indexing="ij")
    smooth = torch.tensor((2 + 0.3 * x - 0.01 * x * y + 0.02j * y**2)[None], dtype=torch.complex64)
    for wave, dim, step in ((0.1 * (-1.0) ** y, 1, 1), (0.1 * (-1.0) ** x, 2, 1), (0.1 * np.cos(np.pi * y / 2), 1, 2)):
        found = alternating_part(smooth + torch.tensor(wave), dim, step)
        np.testing.assert_allclose(found[0, 8:16, 8:12].numpy(), wave[8:16, 8:12], atol=1e-5)
        across = alternating_part(smooth + torch.tensor(wave), 3 - dim, step)
        np.testing.assert_allclose(across[0, 8:16, 8:12].numpy(), 0, atol=1e-5)


@pytest.mark.parametrize("zoom", [1.25, 1.6, 2.0])
def test_share_of_noise_is_that_of_white_noise_on_the_filled_part(zoom: float) -> None:
    images = torch.tensor(noise(zoom))
    filled = truncated(images)
    assert filled is not None
    ringing = Ringing.of(images, filled)
    step, kept = round(zoom), 2 * np.ceil(SIZE / (2 * zoom)) - 1  # lines of k-space
    gain = np.sin(np.pi * step * kept / (2 * SIZE)) ** 3
    sides = [images - 3 * images.roll(-step, d) + 3 * images.roll(-2 * step, d) - images.roll(-3 * step, d) for d in (1, 2)]
    power = float(images.abs().square().mean())
    found = sum(float((side / (8 * gain)).abs().square().mean()) for side in sides) / power
    assert ringing.noise_share == pytest.approx(found, rel=0.06)
    assert 0.7 * found < float(ringing.part.abs().square().mean()) / power < found


def test_only_truncated_images_ring() -> None:
    sharp, cropped = object_of(1)[0], crop_k_space(object_of(2)[0], 2)
    assert truncated(torch.tensor(sharp + noise())) is None
    assert truncated(torch.tensor(cropped + noise())) is not None
    cropped[:, :8] = 0  # background set to 0
    assert truncated(torch.tensor(cropped)) is not None


@pytest.mark.parametrize(("zoom", "depth", "least", "without"), [(1.0, 0, 0.9, 0.88), (1.6, 2, 0.82, 0.75)])
def test_the_sd_beside_edges_covers_the_error(zoom: float, depth: int, least: float, without: float) -> None:
    """Voxels less than `depth` from the edge, where zero-filled images mix tissues, are left out."""
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
    within = scipy.ndimage.binary_erosion(pure.numpy(), iterations=depth) if depth else pure.numpy()
    inside = torch.tensor(within)[mask]
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
