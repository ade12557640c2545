"""Readings of magnitudes, joined over the blocks of a region."""

from __future__ import annotations

import math

import numpy as np
import pytest

from AIDEALLib.statistics.magnitude_readings import MagnitudeReadings

SHAPE = (4, 32, 32)


def readings(*blocks: list[float]) -> MagnitudeReadings:
    found = MagnitudeReadings.of({"across": 4, "blocks": list(blocks)})
    assert found is not None
    return found


def region(slices: slice, rows: slice, columns: slice) -> np.ndarray:
    chosen = np.zeros(SHAPE, bool)
    chosen[slices, rows, columns] = True
    return chosen


def test_blocks_count_by_their_voxels_and_precision() -> None:
    found = readings([0, 0, 0, -4.0, 0.04, 0.0], [0, 0, 1, 8.0, 0.01, 0.0])
    change, error = found.change_in(region(slice(0, 1), slice(0, 8), slice(0, 12)))  # 64 and 32 voxels
    weights = np.array([64 * 0.04, 32 * 0.01])
    assert change == pytest.approx(np.average([-4, 8], weights=weights))
    share = weights / weights.sum()
    assert error == pytest.approx(math.sqrt(share**2 @ (np.array([-4, 8]) - change) ** 2))  # scatter is above noise here


def test_noise_averages_out_and_errors_that_voxels_share_do_not() -> None:
    found = readings(*[[0, row, column, 2.0, 0.04, 0.5] for row in range(4) for column in range(4)])
    change, error = found.change_in(region(slice(0, 1), slice(0, 32), slice(0, 32)))
    assert change == pytest.approx(2)
    assert error == pytest.approx(math.hypot(5 / 32, 0.5))


def test_a_slice_that_was_not_looked_at_has_the_readings_of_the_nearest_one() -> None:
    found = readings([0, 0, 0, 1.0, 0.04, 0.0], [3, 0, 0, 6.0, 0.04, 0.0])
    assert found.change_in(region(slice(2, 3), slice(0, 8), slice(0, 8)))[0] == pytest.approx(6)
    assert found.change_in(region(slice(1, 2), slice(0, 8), slice(0, 8)))[0] == pytest.approx(1)


def test_without_a_block_nothing_is_known() -> None:
    assert readings([0, 0, 0, 1.0, 0.04, 0.0]).change_in(region(slice(0, 1), slice(24, 32), slice(24, 32))) == (0, math.inf)
    assert MagnitudeReadings.of({}) is None
