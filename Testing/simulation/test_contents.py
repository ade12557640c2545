"""Patients who are not average have what their name states, and nothing else changes."""

import numpy as np
import pytest
import scipy.ndimage

from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.contents import CONTENTS, ISLAND


@pytest.fixture(scope="module")
def average():
    return abdomen(3, 3.0, (3, 128, 128), (3.0, 3.0, 25.0))


def changed(average, name):
    return CONTENTS[name](average, np.random.default_rng(1))


@pytest.mark.parametrize("name", CONTENTS)
def test_maps_stay_valid(average, name):
    tissue = changed(average, name)
    assert tissue.body.sum() > 0.4 * average.body.sum()
    assert np.all((tissue.proton_density > 0) == tissue.body)
    assert np.isfinite(tissue.field_hz).all() and tissue.field_hz.dtype == np.float32
    assert not np.any(tissue.labels[~tissue.body])
    assert tissue.pdff_percent.min() >= 0 and tissue.pdff_percent.max() <= 100


def test_gas_separates_the_island_from_the_body(average):
    tissue = changed(average, "island behind gas")
    island = tissue.labels == ISLAND
    grown = scipy.ndimage.binary_dilation(island, np.ones((1, 3, 3)))
    assert island.any(axis=(1, 2)).all() and not np.any(grown & tissue.body & ~island)
    assert {True, False} == set(np.unique(tissue.pdff_percent[island] > 50).tolist())


def test_implant_is_a_void_of_two_centimetres_in_a_dipole_field(average):
    tissue = changed(average, "implant")
    added = np.abs(tissue.field_hz - average.field_hz)
    void = average.body & ~tissue.body
    assert added.max() > 500, "Hz at 3 T"
    widths = [np.ptp(np.nonzero(void.any(axis))[0]) + 1 for axis in ((0, 1), (0, 2))]
    assert max(widths) <= 7, "at most 2 cm of 3 mm voxels"
    assert np.median(added[average.body]) < 20, "far away the field is as before"


def test_ascites_is_water_in_place_of_fat(average):
    tissue = changed(average, "ascites")
    drained = tissue.body & (np.abs(tissue.pdff_percent - average.pdff_percent) > 50)
    assert drained.sum() > 500 and np.all(average.segment("Visceral fat")[drained])
    assert np.all(tissue.pdff_percent[drained] == 0)


def test_iron_lies_beside_fat_in_the_liver_alone(average):
    tissue = changed(average, "iron beside fat")
    liver = average.segment("Right lobe", "Left lobe", "Liver dome")
    iron = tissue.r2star_per_s > 400
    fat = liver & (tissue.pdff_percent >= 25)
    assert np.array_equal(tissue.pdff_percent[~liver], average.pdff_percent[~liver])
    assert (iron & liver).sum() > 100 and fat.sum() > 100 and not np.any(iron & fat)
