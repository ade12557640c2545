"""Where the jumps go: the dome of the regions, a guess at it from the field, and slices of low confidence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import LowConfidence

pytest.importorskip("slicer")

Drawn = tuple[Any, Any, TissueMaps]


def test_dome_and_next_low_confidence_slice(drawn: Drawn) -> None:
    from AIDEALLib.mrml.regions import places, region
    from AIDEALLib.mrml.volumes import array_of, world_position

    maps, segmentation, truth = drawn
    found = region.regions_of(segmentation, maps.pdff)
    ras = places.dome(maps, found)
    assert ras is not None
    highest = [index for index in range(6) if (truth.labels[index] > 0).sum() >= 20]
    by_height = max(highest, key=lambda index: world_position(maps.pdff, index, 32, 32)[2])
    from AIDEALLib.mrml.volumes import voxel_at

    assert voxel_at(maps.pdff, ras)[0] == by_height  # type: ignore[index]
    assert places.dome(maps, []) is None

    array_of(maps["swap_probability"])[:] = 0.0
    array_of(maps["pdff_total_sd"])[:] = 1.0
    limits = LowConfidence()
    assert places.next_low_confidence_slice(maps, found, 0, limits) is None
    array_of(maps["swap_probability"])[4] = 0.5
    assert places.next_low_confidence_slice(maps, found, 0, limits) == 4
    assert places.next_low_confidence_slice(maps, found, 4, limits) == 4, "round the volume, back to the only one"


def test_dome_by_field_goes_where_the_field_is_steep_in_the_upper_right_of_the_body(
    scene: Any, liver_maps: ParameterMaps
) -> None:
    from AIDEALLib.mrml.regions import places
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.volumes import voxel_at

    mask = np.zeros_like(liver_maps.mask)
    mask[:, 10:54, 10:54] = True
    field = np.zeros(mask.shape, np.float32)
    columns = np.arange(64, dtype=np.float32)
    field[4, 20:30, 14:24] = 40.0 * columns[14:24]  # LPS columns rise to the left: low columns are the patient's right
    field[1, 20:30, 14:24] = 90.0 * columns[14:24]  # steeper, but low
    field[5, 20:30, 40:50] = 90.0 * columns[40:50]  # steeper, but on the left
    maps = add_maps(scene, replace(liver_maps, mask=mask, field=field), "Case")
    ras = places.dome_by_field(maps)
    assert ras is not None
    found = voxel_at(maps.pdff, ras)
    assert found is not None
    slice_, row, column = found
    assert slice_ == 4
    assert 18 <= row <= 31 and 12 <= column <= 25


def test_dome_by_field_needs_a_body_and_a_field(scene: Any, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.regions import places
    from AIDEALLib.mrml.results.maps import add_maps

    assert places.dome_by_field(add_maps(scene, replace(liver_maps, mask=np.zeros_like(liver_maps.mask)), "Empty")) is None
    maps = add_maps(scene, liver_maps, "Case")
    del maps.volumes["field"]
    assert places.dome_by_field(maps) is None
