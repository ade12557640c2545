"""Circles and squares cover the voxels they should."""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.statistics import circle_roi, square_roi


def test_regions_of_interest() -> None:
    square = square_roi((2, 40, 40), (1, 20, 15))
    assert square.sum() == 17 * 17
    assert square[1, 12:29, 7:24].all()
    assert square_roi((2, 40, 40), (0, 0, 39), 5).sum() == 9
    circle = circle_roi((2, 60, 60), (0, 30.0, 30.0), 20.0, (1.0, 2.0, 5.0))
    assert circle.sum() * 2 == pytest.approx(np.pi * 400, rel=0.02)
    assert not circle[1].any()
    rows, columns = np.nonzero(circle[0])
    assert (np.ptp(rows), np.ptp(columns)) == (20, 40)
