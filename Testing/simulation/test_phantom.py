"""The vial phantoms: tables, segments and field."""

import numpy as np
import pytest

from AIDEALLib.errors import InputError
from AIDEALLib.simulation.phantom import VIAL_TABLES, phantom
from AIDEALLib.simulation.scan import PAPER, acquire


@pytest.mark.parametrize("key", [1, 2, 3, "multi-site"])
@pytest.mark.parametrize("water_filled", [False, True])
def test_vials_have_the_values_of_the_table(key, water_filled):
    tissue, table = phantom(key, water_filled=water_filled), VIAL_TABLES[str(key)]
    assert list(tissue.label_names.values()) == [f"vial {n}" for n in range(1, len(table.pdff_percent) + 1)]
    for number, (pdff, r2star) in enumerate(zip(table.pdff_percent, table.r2star_per_s, strict=True), start=1):
        vial = tissue.segment(f"vial {number}")
        assert vial.sum() > 200
        assert np.all(tissue.pdff_percent[vial] == np.float32(pdff))
        assert np.all(tissue.r2star_per_s[vial] == np.float32(r2star))
        assert np.all(tissue.body[vial])
    assert bool(tissue.body[0, 96, 96 + 30]) is water_filled


def test_field_is_centred_and_scales_with_field_strength():
    low, high = phantom(1, 1.5), phantom(1, 3.0)
    vials = low.labels > 0
    assert abs(low.field_hz[vials].mean()) < 3
    assert 20 < np.ptp(low.field_hz[vials]) < 250
    assert np.allclose(high.field_hz, 2 * low.field_hz, atol=1e-3)


def test_slices_and_size():
    tissue = phantom(2, matrix=(3, 96, 96), pixel_mm=3.0)
    assert tissue.shape == (3, 96, 96)
    assert np.array_equal(tissue.labels[0], tissue.labels[2])
    series = acquire(tissue, PAPER, np.random.default_rng(0))
    assert series.shape == (3, 96, 96)


def test_unknown_set():
    with pytest.raises(InputError, match="multi-site"):
        phantom(4)
