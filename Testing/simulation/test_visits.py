"""Two visits: what moves takes its field along."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from AIDEALLib.simulation.protocol import PAPER
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.simulation.visits import Movement, visit

SHAPE = (4, 48, 48)


def field_around(truth: TissueMaps) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest field of the tissue of a voxel and of its neighbours within the slice, Hz."""
    least, largest = (np.where(truth.body, truth.field_hz, fill) for fill in (np.inf, -np.inf))
    return minimum_filter(least, (1, 3, 3)), maximum_filter(largest, (1, 3, 3))


def test_moved_tissue_has_its_own_field_up_to_the_border() -> None:
    """Moved by parts of a pixel, a voxel lies between tissue and air: its signal is that of the tissue."""
    first = visit(3, PAPER, (0,), SHAPE, pdff=10.0).truth
    moved = visit(3, PAPER, (0,), SHAPE, pdff=10.0, movement=Movement(offset_mm=(2.0, 2.0))).truth
    least, largest = field_around(first)
    inside = moved.body & first.body
    beyond = np.maximum(least - moved.field_hz, moved.field_hz - largest)[inside]
    assert inside.sum() > 2000
    assert beyond.max() < 10
