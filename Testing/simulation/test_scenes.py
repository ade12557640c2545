"""Difficult scenes contain their difficulty, and the map of the signal-to-noise ratio is that of the scan."""

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.simulation.held_out import held_out_case
from AIDEALLib.simulation.scan import PAPER, PROTOCOLS, acquire, snr_map
from AIDEALLib.simulation.scenes import ARMS, HARD_SCENES, PATIENTS, PLAIN, Scene

MATRIX = (2, 64, 64)


def patient(scene: Scene, field_strength_t: float = 1.5):
    return scene.patient(3, field_strength_t, MATRIX, 20.0, None)


@pytest.mark.parametrize("field_strength_t", [1.5, 3.0])
def test_slope_is_added_to_the_field_alone(field_strength_t):
    plain, steep = patient(PLAIN, field_strength_t), patient(Scene("steep", slope_hz=1000.0), field_strength_t)
    added = steep.field_hz - plain.field_hz
    per_column, per_row = np.diff(added, axis=2), np.diff(added, axis=1)
    over_the_view = 64 * np.hypot(per_column.mean(), per_row.mean())
    assert over_the_view == pytest.approx(1000 * field_strength_t / 1.5, rel=1e-3)
    assert np.ptp(per_column) < 0.01 * per_column.mean()
    assert np.array_equal(steep.pdff_percent, plain.pdff_percent)


def test_arms_are_islands_in_a_field_of_their_own():
    tissue = patient(Scene("arms", arms=True))
    arms = tissue.labels == ARMS
    assert tissue.label_names[ARMS] == "Arms"
    assert arms[:, :, :32].sum() > 50 and arms[:, :, 32:].sum() > 50
    assert tissue.body[arms].all() and np.all(tissue.proton_density[arms] > 0)
    trunk = tissue.body & ~arms
    grown = trunk.copy()
    for axis in (1, 2):
        for step in (-1, 1):
            grown |= np.roll(trunk, step, axis)
    assert not (grown & arms).any(), "air lies between arms and trunk"
    assert {True, False} == set(np.unique(tissue.pdff_percent[arms] > 50).tolist()), "fat and water in them"


def test_snr_map_is_signal_over_noise_of_the_scan():
    """Water without decay or off-resonance: signal of the first echo without noise over the spread that noise adds to it."""
    tissue = patient(PLAIN)
    zero = np.zeros_like(tissue.pdff_percent)
    water = replace(tissue, pdff_percent=zero, r2star_per_s=zero, field_hz=zero)
    still = acquire(water, replace(PAPER, snr=None), np.random.default_rng(5)).echoes
    noise = acquire(water, replace(PAPER, snr=20.0), np.random.default_rng(5)).echoes - still
    expected = np.abs(still[0]) / np.concatenate([noise.real.ravel(), noise.imag.ravel()]).std()
    found = snr_map(water, replace(PAPER, snr=20.0), np.random.default_rng(5))
    assert found == pytest.approx(expected, rel=0.01)
    assert found[water.reference].mean() == pytest.approx(20, rel=1e-3)


@pytest.mark.parametrize("scene", HARD_SCENES + PATIENTS, ids=lambda scene: scene.name)
def test_every_scene_gives_a_scan_of_the_requested_size_and_is_reproducible(scene):
    case = held_out_case(3, PROTOCOLS[5], (3, 1), MATRIX, 20.0, scene)
    repeated = held_out_case(3, PROTOCOLS[5], (3, 1), MATRIX, 20.0, scene)
    plain = held_out_case(3, PROTOCOLS[5], (3, 1), MATRIX, 20.0)
    assert case.series.shape == case.truth.shape == case.snr.shape == MATRIX
    assert np.array_equal(case.series.echoes, repeated.series.echoes)
    assert not np.allclose(case.series.echoes, plain.series.echoes)
    assert case.protocol.bipolar == (scene.corrections == "no")


def test_a_child_fills_a_smaller_view_and_has_less_fat():
    child, obese = (next(scene for scene in PATIENTS if scene.name == name) for name in ("child", "obese adult"))
    small, plain, large = (patient(scene).coarsened(scene.artefacts.oversampling) for scene in (child, PLAIN, obese))
    views = [tissue.geometry.spacing_mm[0] * tissue.shape[2] for tissue in (small, plain, large)]
    assert views == pytest.approx([280, 384, 520])

    def volume(tissue, *names):
        return tissue.segment(*names).sum() * np.prod(tissue.geometry.spacing_mm)

    fat = [volume(tissue, "Subcutaneous fat") for tissue in (small, plain, large)]
    assert fat[0] < 0.4 * 0.75**3 * fat[1] and fat[2] > 2.5 * fat[1]
