"""Residual shift: a known shift is found to a fraction of a voxel; images without anything in common give none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, shift

from AIDEALLib.comparison.residual_shift import residual_shifts_mm

SPACING = (2.0, 3.0, 8.0)


@pytest.fixture
def image() -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.asarray(gaussian_filter(rng.standard_normal((2, 80, 100)), (0, 1.5, 2)))


@pytest.mark.parametrize("voxels", [(0.0, 0.0), (1.0, -2.0), (0.4, 1.5)])
def test_known_shift(image: np.ndarray, voxels: tuple[float, float]) -> None:
    moved = shift(image, (0.0, *voxels), order=3, mode="reflect")
    found = residual_shifts_mm(image, moved, np.ones(image.shape, bool), SPACING)
    expected = np.hypot(voxels[0] * SPACING[1], voxels[1] * SPACING[0])
    assert found.size > 10
    assert np.median(found) == pytest.approx(expected, abs=0.6)


def test_nothing_in_common(image: np.ndarray) -> None:
    everywhere = np.ones(image.shape, bool)
    other = gaussian_filter(np.random.default_rng(9).standard_normal(image.shape), (0, 1, 1))
    assert residual_shifts_mm(image, other, everywhere, SPACING).size == 0
    assert residual_shifts_mm(image, np.zeros_like(image), everywhere, SPACING).size == 0
    assert residual_shifts_mm(image, image, np.zeros(image.shape, bool), SPACING).size == 0
