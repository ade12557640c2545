"""Bias and limits of agreement against known differences."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.statistics import bland_altman


def test_bland_altman_finds_bias_and_limits_of_known_noise() -> None:
    rng = np.random.default_rng(5)
    reference = rng.uniform(0, 40, 20_000)
    found = bland_altman(reference + 1.5 + 2.0 * rng.standard_normal(20_000), reference)
    assert found.voxels == 20_000
    assert found.bias == pytest.approx(1.5, abs=0.06)
    assert found.sd == pytest.approx(2.0, abs=0.04)
    assert (found.lower_limit, found.upper_limit) == pytest.approx((1.5 - 3.92, 1.5 + 3.92), abs=0.12)


def test_bland_altman_by_hand_and_without_voxels() -> None:
    found = bland_altman(np.array([[3.0, 5.0]]), np.array([[2.0, 1.0]]))  # differences 1 and 4
    assert (found.voxels, found.bias) == (2, 2.5)
    assert found.sd == pytest.approx(np.sqrt(4.5))
    assert found.upper_limit == pytest.approx(2.5 + 1.96 * np.sqrt(4.5))
    empty = bland_altman(np.zeros(0), np.zeros(0))
    assert empty.voxels == 0 and np.isnan(empty.bias) and np.isnan(empty.lower_limit)
    with pytest.raises(ValueError, match="shape"):
        bland_altman(np.zeros(2), np.zeros(3))
