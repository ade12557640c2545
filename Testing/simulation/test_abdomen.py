"""The abdomen, the demonstration and the held-out cases: plausible values, determinism, a steep field in the dome."""

import numpy as np
import pytest

from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.artefacts import Artefacts
from AIDEALLib.simulation.demo import DEMO_PDFF, demo_liver
from AIDEALLib.simulation.held_out import held_out_cases
from AIDEALLib.simulation.materials import iron_susceptibility_ppm, r2star_at
from AIDEALLib.simulation.scan import PROTOCOLS
from AIDEALLib.simulation.scenes import Scene
from AIDEALLib.simulation.shapes import Grid, Texture, ellipsoid, polyline, tubes

MATRIX = (12, 96, 96)


@pytest.fixture(scope="module")
def patient():
    return abdomen(1, 3.0, MATRIX)


def test_values_are_in_range(patient):
    assert patient.shape == MATRIX
    assert patient.pdff_percent.min() >= 0 and patient.pdff_percent.max() <= 100
    assert patient.r2star_per_s.min() >= 0
    assert np.all(np.isfinite(patient.field_hz))
    assert not patient.labels[~patient.body].any()
    assert np.all(patient.proton_density[patient.body] > 0)
    for name in ("pdff_percent", "r2star_per_s", "field_hz", "proton_density"):
        assert getattr(patient, name).dtype == np.float32


@pytest.mark.parametrize("seed", range(4))
def test_every_patient_has_the_organs(seed):
    tissue = abdomen(seed, 1.5, MATRIX)
    volume = {name: tissue.segment(name).sum() * tissue.geometry.voxel_volume_ml for name in tissue.label_names.values()}
    liver = volume["Right lobe"] + volume["Left lobe"] + volume["Liver dome"]
    assert 800 < liver < 2200
    assert volume["Right lobe"] > volume["Left lobe"] > 100
    assert 40 < volume["Spleen"] < 500
    for name in ("Kidneys", "Spine", "Blood", "Heart", "Muscle", "Subcutaneous fat", "Visceral fat", "Stomach and bowel"):
        assert volume[name] > 20, name


def test_top_slice_is_lung_around_the_heart_then_comes_the_dome(patient):
    """No liver on top, a little liver in lung below it, much liver further down; its right dome on the patient's right."""
    area = patient.reference.sum((1, 2))
    assert area[-1] == 0
    assert 0 < area[-2] < 0.5 * area[6]
    _, _, columns = np.nonzero(patient.segment("Liver dome")[-2:])
    assert columns.mean() < MATRIX[2] / 2
    inside = np.zeros(MATRIX[1:], bool)
    inside[24:72, 24:72] = True
    assert (~patient.body[-2][inside]).mean() > 0.2


def test_field_is_steep_at_the_dome_and_gentle_below(patient):
    lobe, dome = patient.field_hz[patient.segment("Right lobe")], patient.field_hz[patient.segment("Liver dome")]
    assert np.abs(np.median(lobe)) < 100
    assert np.ptp(np.percentile(dome, [1, 99])) > 1.5 * np.ptp(np.percentile(lobe, [1, 99]))
    assert 100 < np.abs(dome).max() < 700


def test_a_seed_is_one_patient_at_both_field_strengths():
    low, high, repeated = abdomen(5, 1.5, MATRIX), abdomen(5, 3.0, MATRIX), abdomen(5, 1.5, MATRIX)
    assert np.array_equal(low.labels, high.labels)
    assert np.array_equal(low.pdff_percent, high.pdff_percent)
    for name in ("proton_density", "pdff_percent", "r2star_per_s", "field_hz", "labels"):
        assert np.array_equal(getattr(low, name), getattr(repeated, name))
    assert not np.array_equal(low.labels, abdomen(6, 1.5, MATRIX).labels)
    assert high.r2star_per_s[high.reference].mean() > 1.4 * low.r2star_per_s[low.reference].mean()


def test_iron_and_fat_are_as_requested():
    tissue = abdomen(2, 1.5, MATRIX, iron_r2star=700, liver_pdff=(30.0, 20.0))
    assert tissue.r2star_per_s[tissue.reference].mean() == pytest.approx(700, rel=0.05)
    assert tissue.pdff_percent[tissue.segment("Right lobe")].mean() == pytest.approx(30, rel=0.05)
    assert tissue.pdff_percent[tissue.segment("Left lobe")].mean() == pytest.approx(20, rel=0.05)


def test_demonstration():
    series, truth = demo_liver(7, (12, 80, 80))
    assert series.shape == truth.shape == (12, 80, 80)
    assert series.n_echoes == 6 and series.field_strength_t == 1.5
    assert list(truth.label_names.values()) == ["Right lobe", "Left lobe"]
    for name, pdff in zip(truth.label_names.values(), DEMO_PDFF, strict=True):
        lobe = truth.segment(name)
        assert lobe.sum() > 300
        assert truth.pdff_percent[lobe].mean() == pytest.approx(pdff, abs=0.3)
        assert truth.pdff_percent[lobe].std() < 2
    repeated, _ = demo_liver(7, (12, 80, 80))
    assert np.array_equal(series.echoes, repeated.echoes)


def test_held_out_cases_come_with_their_protocol():
    case = next(held_out_cases(3, (4, 48, 48), PROTOCOLS[4:5], Scene("mixed edges", artefacts=Artefacts(oversampling=2))))
    assert case.protocol.liver_r2star_per_s == 700
    assert case.series.shape == case.truth.shape == case.snr.shape == (4, 48, 48)
    assert case.series.te_s == pytest.approx(case.protocol.te_s)


def test_iron_and_field_strength():
    assert float(r2star_at(40.0, 3.0)) == pytest.approx(69)
    assert float(r2star_at(40.0, 1.5)) == pytest.approx(40)
    assert float(r2star_at(5.0, 3.0)) == pytest.approx(5)
    assert iron_susceptibility_ppm(30.0, 1.5) < 0.1 < 2 < iron_susceptibility_ppm(700.0, 1.5) < 4


def test_depth_is_the_distance_to_the_surface():
    axis = np.arange(-20.0, 21.0)
    grid = Grid(axis, axis, axis)
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    ball = ellipsoid(grid, (0, 0, 0), (12, 12, 12))
    shell = np.sqrt(x**2 + y**2 + z**2) > 2
    assert np.abs(ball - (12 - np.sqrt(x**2 + y**2 + z**2)))[shell].max() < 1e-3
    pipe = tubes(grid, polyline([(-30, 0, 0), (30, 0, 0)], 5.0))
    assert np.abs(pipe - np.maximum(5 - np.hypot(y, z), -8)).max() < 1e-3


def test_texture_is_the_same_on_any_grid():
    texture = Texture(np.random.default_rng(0), 10.0)
    axis = np.arange(0.0, 200.0, 4)
    values = texture.on(Grid(axis, axis, axis))
    some = texture.on(Grid(axis[3:5], axis[::7], axis[2:9]))
    assert np.allclose(values[3:5, ::7, 2:9], some, atol=1e-3)
    assert values.mean() == pytest.approx(0, abs=0.2)
    assert values.std() == pytest.approx(1, abs=0.15)
