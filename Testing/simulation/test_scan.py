"""Scans of tissue models: signal, noise, phases and resolution are those of tissue and protocol."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import Geometry, PhaseSign, Readout
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.artefacts import Artefacts, crop_k_space, ghosted, moved
from AIDEALLib.simulation.scan import PAPER, PROTOCOLS, acquire
from AIDEALLib.simulation.tissue import TissueMaps


def disc(n: int = 64, slices: int = 2, field_strength_t: float = 1.5) -> TissueMaps:
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    r = np.hypot(x, y) * np.ones((slices, 1, 1))
    body = r < 0.45 * n
    labels = (r < 0.2 * n).astype(np.uint8)
    return TissueMaps(
        proton_density=body.astype(np.float32),
        pdff_percent=np.where(r < 0.2 * n, 20, 95).astype(np.float32),
        r2star_per_s=np.full(r.shape, 40, np.float32),
        field_hz=(x + 0 * r).astype(np.float32),
        body=body,
        labels=labels,
        label_names={1: "Centre"},
        geometry=Geometry((2.0, 2.0, 5.0)),
        field_strength_t=field_strength_t,
        reference_labels=(1,),
    )


def test_noise_free_signal_is_the_model():
    tissue = disc()
    series = acquire(tissue, replace(PAPER, snr=None), np.random.default_rng(0), coil_phase=False)
    voxel = (1, 30, 34)
    te = torch.tensor(PAPER.te_s, dtype=torch.float64)
    expected = synthesise(
        torch.tensor(0.8 + 0j), torch.tensor(0.2 + 0j), torch.tensor(tissue.field_hz[voxel]), torch.tensor(40.0), te,
        SIX_PEAK.modulation(te, 1.5),
    )  # fmt: skip
    assert series.echoes[(slice(None), *voxel)] == pytest.approx(expected.numpy(), abs=1e-5)
    assert not series.echoes[:, ~tissue.body].any()
    assert series.geometry == tissue.geometry
    assert series.readout is Readout.MONOPOLAR


@pytest.mark.parametrize("snr", [10.0, 60.0])
def test_noise_has_the_snr_of_the_protocol(snr):
    tissue, protocol = disc(), replace(PAPER, snr=snr)
    clean = acquire(tissue, replace(protocol, snr=None), np.random.default_rng(3)).echoes
    noisy = acquire(tissue, protocol, np.random.default_rng(3)).echoes
    noise = noisy - clean
    coil = acquire(replace(tissue, r2star_per_s=0 * tissue.r2star_per_s), replace(protocol, snr=None, te_s=(2e-5, 4e-5, 6e-5)),
                   np.random.default_rng(3)).echoes[0]  # fmt: skip
    level = np.abs(coil[tissue.reference]).mean()
    assert level / noise.real.std() == pytest.approx(snr, rel=0.02)
    assert level / noise.imag.std() == pytest.approx(snr, rel=0.02)
    assert abs(noise.mean()) < 0.02 * noise.std()


def test_same_seed_same_scan():
    tissue = disc()
    first, repeated, other = (acquire(tissue, PAPER, np.random.default_rng(s)).echoes for s in (1, 1, 2))
    assert np.array_equal(first, repeated)
    assert not np.array_equal(first, other)


def test_conjugated_and_bipolar():
    tissue, plain = disc(), replace(PAPER, snr=None)

    def rng():
        return np.random.default_rng(0)

    base = acquire(tissue, plain, rng())
    mirrored = acquire(tissue, replace(plain, conjugated=True), rng())
    assert mirrored.phase_sign is PhaseSign.CONJUGATED
    assert np.allclose(mirrored.conjugate().echoes, base.echoes)
    bipolar = acquire(tissue, replace(plain, bipolar_phase_rad=0.5, bipolar_slope_rad=1.0), rng())
    assert bipolar.readout is Readout.BIPOLAR
    turn = np.angle(bipolar.echoes[:, 0, 32, 32] / base.echoes[:, 0, 32, 32])
    assert turn == pytest.approx([0.5, -0.5] * 3, abs=1e-4)


def test_cropping_k_space_keeps_place_and_mean():
    y, x = np.mgrid[:96, :96].astype(np.float32)
    blob = np.exp(-((x - 40) ** 2 + (y - 50) ** 2) / (2 * 8**2)).astype(np.complex64)
    coarse = crop_k_space(blob, 2)
    cy, cx = (np.mgrid[:48, :48] * 2 + 0.5).astype(np.float32)
    assert np.abs(coarse - np.exp(-((cx - 40) ** 2 + (cy - 50) ** 2) / (2 * 8**2))).max() < 1e-4


def test_oversampled_scan_matches_the_coarse_truth_away_from_edges():
    fine = disc(128)
    truth = fine.coarsened(2)
    noise_free, finer = replace(PAPER, snr=None), Artefacts(oversampling=2)
    series = acquire(fine, noise_free, np.random.default_rng(0), finer, coil_phase=False)
    direct = acquire(truth, noise_free, np.random.default_rng(0), coil_phase=False)
    assert series.shape == truth.shape == (2, 64, 64)
    assert series.geometry.spacing_mm == (4.0, 4.0, 5.0)
    assert series.geometry.origin_mm == (1.0, 1.0, 0.0)
    y, x = np.mgrid[:64, :64] - 31.5
    inner = np.hypot(x, y) < 7
    assert np.abs(series.echoes - direct.echoes)[:, :, inner].max() < 0.08


def test_ghost_and_motion():
    images = np.zeros((1, 32, 16), np.complex64)
    images[0, 4, 8] = 1
    assert ghosted(images, 0.1)[0, 20, 8] == pytest.approx(0.1)
    swung = moved(images, 1.5)
    assert np.abs(swung - images).max() > 0.1
    assert np.allclose(moved(images, 0.0), images, atol=1e-6)


def test_held_out_protocols_span_field_strengths_echoes_and_noise():
    assert len(PROTOCOLS) == 8
    assert {p.field_strength_t for p in PROTOCOLS} == {1.5, 3.0}
    assert {3, 12} <= {len(p.te_s) for p in PROTOCOLS}
    assert min(p.snr for p in PROTOCOLS) == 10 and max(p.snr for p in PROTOCOLS) == 60
    assert PROTOCOLS[0].te_s == pytest.approx([0.0013, 0.0034, 0.0055, 0.0076, 0.0097, 0.0118])


def test_field_strengths_must_agree():
    with pytest.raises(ValueError, match="3 T"):
        acquire(disc(field_strength_t=3.0), PAPER, np.random.default_rng(0))


def test_interpolated_images_have_the_stated_noise_and_an_empty_part_of_k_space() -> None:
    tissue = disc(slices=1)
    still = acquire(tissue, replace(PAPER, snr=None), np.random.default_rng(0), Artefacts(zero_filling=2.0)).echoes
    noisy = acquire(tissue, replace(PAPER, snr=20.0), np.random.default_rng(0), Artefacts(zero_filling=2.0)).echoes
    full = acquire(tissue, replace(PAPER, snr=20.0), np.random.default_rng(0)).echoes
    power = np.abs(np.fft.fft2(noisy)).max((0, 1))
    assert (power < 1e-4 * power.max()).mean() == pytest.approx(0.75, abs=0.03)
    clean = acquire(tissue, replace(PAPER, snr=None), np.random.default_rng(0)).echoes
    assert (noisy - still).real.std() == pytest.approx((full - clean).real.std(), rel=0.05)
