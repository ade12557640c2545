"""Training slices depend on their seed alone, and are as varied as scans."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch

from AIDEALLib.simulation.random_slices import SliceBatch, moved_and_ghosted, phase_errors, random_protocol, random_slices
from AIDEALLib.simulation.random_tissue import Pixels, random_blobs, random_tissue, smooth_noise


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_random_slices_are_reproducible_and_plausible() -> None:
    def draw(seed: int) -> SliceBatch:
        return random_slices(2, 48, generator(seed))

    for seed in range(3):
        one, repeated = draw(seed), draw(seed)
        for name in ("echoes", "te_s", "noise_sd", "pdff_percent", "r2star_per_s", "field_hz", "tissue"):
            assert torch.equal(getattr(one, name), getattr(repeated, name)), name
        assert one.echoes.shape == (2, one.te_s.numel(), 48, 48)
        assert bool((one.te_s[1:] > one.te_s[:-1]).all())
        assert bool(torch.isfinite(torch.view_as_real(one.echoes)).all())
        assert bool(one.tissue.any())
        assert float(one.pdff_percent.min()) >= 0
        assert float(one.pdff_percent.max()) <= 100.01
    assert not torch.equal(draw(0).tissue, draw(1).tissue)


def test_protocols_span_scanners() -> None:
    drawn = [random_protocol(generator(seed)) for seed in range(150)]
    counts = {te.numel() for te, _ in drawn}
    assert min(counts) == 3
    assert max(counts) == 16
    fields = [field for _, field in drawn]
    assert min(fields) < 0.31
    assert max(fields) > 6.8
    assert all(float(te[0]) >= 0.8e-3 and float(te[-1]) < 0.045 for te, _ in drawn)
    assert any(float((te[1:] - te[:-1]).max() / (te[1:] - te[:-1]).min()) > 1.05 for te, _ in drawn), "uneven spacing"


@pytest.fixture(scope="module")
def many() -> list[SliceBatch]:
    return [random_slices(4, 48, generator(seed)) for seed in range(40)]


def test_signal_fat_and_iron_span_the_clinical_range(many: list[SliceBatch]) -> None:
    pdff = torch.cat([b.pdff_percent[b.tissue] for b in many])
    r2star = torch.cat([b.r2star_per_s[b.tissue] for b in many])
    assert float(pdff.quantile(0.02)) < 2
    assert float(pdff.quantile(0.98)) > 98
    assert float((r2star > 500).float().mean()) > 0.005
    assert 900 < float(r2star.max()) <= 1200
    snr = torch.stack([b.echoes[j, 0].abs()[b.tissue[j]].mean() / b.noise_sd[j] for b in many for j in range(4)])
    assert float(snr.min()) < 8
    assert float(snr.max()) > 120


def test_fields_wrap_and_sizes_vary(many: list[SliceBatch]) -> None:
    turns = []
    for b in many:
        period = 1 / float((b.te_s[1:] - b.te_s[:-1]).min())
        turns += [float(b.field_hz[j][b.tissue[j]].max() - b.field_hz[j][b.tissue[j]].min()) / period for j in range(4)]
    assert sum(t > 2 for t in turns) > 4, "several wraps over the field of view"
    assert sum(t < 0.6 for t in turns) > 20, "quiet fields"
    filled = torch.cat([b.tissue.float().mean((1, 2)) for b in many])
    assert float(filled.quantile(0.05)) < 0.15, "small in a large field of view"
    assert float(filled.quantile(0.95)) > 0.7, "beyond a small field of view"


def test_islands_gas_and_lung(many: list[SliceBatch]) -> None:
    islands, holes = 0, 0
    for b in many:
        for tissue in b.tissue.numpy():
            labels, n = scipy.ndimage.label(tissue)
            islands += int(np.sum(np.bincount(labels.ravel())[1:] > 12) > 1) if n else 0
            holes += int(scipy.ndimage.binary_fill_holes(tissue).sum() > tissue.sum())
    assert islands > 20
    assert holes > 40
    tissue = [random_tissue(Pixels.random(4, 48, generator(seed)), generator(seed)) for seed in range(20)]
    chests = [(t.density[j], t.lung[j], t.field_ppm[j]) for t in tissue for j in range(4) if t.lung[j].float().mean() > 0.1]
    assert 5 < len(chests) < 30
    for density, lung, field in chests:
        assert float(density[lung].max()) == 0
        near = torch.nn.functional.max_pool2d(lung[None].float(), 5, 1, 2)[0].bool() & (density > 0)
        if near.sum() > 20 and (~near & (density > 0)).sum() > 100:
            assert float(field[near].std()) > 0.1, "ppm around the domes"


def test_oblong_pixels_compress_along_one_axis() -> None:
    square = Pixels(64, torch.ones(1, 1, 1), torch.ones(1, 1, 1))
    oblong = Pixels(64, 1.5 * torch.ones(1, 1, 1), torch.ones(1, 1, 1))
    disc, ellipse = (random_blobs(p, 1, (0.2, 0.2), generator(3), spread=0.0)[0, 0] > 0 for p in (square, oblong))
    assert float(ellipse.any(1).sum()) == pytest.approx(float(disc.any(1).sum()) / 1.5, abs=2)
    assert float(ellipse.any(0).sum()) == pytest.approx(float(disc.any(0).sum()), abs=1)
    noise = torch.cat([smooth_noise(oblong, 0.05, generator(seed)) for seed in range(20)])
    along_rows = (noise[:, 4:] * noise[:, :-4]).mean()
    along_columns = (noise[:, :, 4:] * noise[:, :, :-4]).mean()
    # autocorrelation of a Gaussian spectrum: exp(-(distance / (2 correlation))^2)
    assert float(along_rows) == pytest.approx(np.exp(-((4 * 1.5 / 64 / 0.1) ** 2)), abs=0.06)
    assert float(along_columns) == pytest.approx(np.exp(-((4 / 64 / 0.1) ** 2)), abs=0.06)
    drawn = Pixels.random(500, 8, generator())
    ratio = (drawn.row / drawn.column).flatten()
    assert 0.3 < float((ratio != 1).float().mean()) < 0.5
    assert 0.5 <= float(ratio.min()) < 0.55
    assert 1.9 < float(ratio.max()) <= 2.0


def test_odd_even_and_first_echo_phase_in_some_slices() -> None:
    clean = torch.ones(400, 5, 2, 9, dtype=torch.complex64)
    angle = torch.angle(phase_errors(clean, generator()))
    assert torch.allclose(angle[:, 2], angle[:, 4])
    assert torch.allclose(angle[:, 1], -angle[:, 2])
    odd = angle[:, 1].abs().amax((1, 2)) > 0
    assert 0.1 < float(odd.float().mean()) < 0.2
    assert 0.15 < float(angle[:, 1].abs().max()) <= 0.2501
    first = (angle[:, 0] - angle[:, 2]).abs().amax((1, 2)) > 1e-6
    assert 0.05 < float(first.float().mean()) < 0.15


def test_motion_and_ghosts_in_some_slices() -> None:
    clean = torch.zeros(300, 1, 32, 32, dtype=torch.complex64)
    clean[:, 0, 12, 13] = 1
    found = moved_and_ghosted(clean, generator())[:, 0].abs()
    untouched = (found - clean[:, 0].abs()).abs().amax((1, 2)) < 1e-5
    assert 0.6 < float(untouched.float().mean()) < 0.85
    ghosts = torch.maximum(found[:, 28, 13], found[:, 12, 29])  # half the field of view away, along rows or columns
    still = found[:, 12, 13] > 0.999
    assert bool((ghosts[still & ~untouched] >= 0.02).all())
    assert float(ghosts[still].max()) <= 0.1001
    assert int((~still).sum()) > 20, "motion"
    assert torch.allclose((found[~still] ** 2).sum((1, 2)), torch.ones(int((~still).sum())), atol=0.02)  # it moves energy
