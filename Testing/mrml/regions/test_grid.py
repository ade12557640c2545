"""Voxels of label maps on the grid of a volume, without resampling where none is needed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import Geometry
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")

SHAPE = (5, 20, 24)


def labelmap_of(voxels: np.ndarray, geometry: Geometry) -> tuple[Any, Any]:
    import slicer

    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import fill_volume

    volume = fill_volume(slicer.vtkMRMLScalarVolumeNode(), voxels.astype(np.float32), geometry)
    node = drawing.create_lobes(slicer.mrmlScene, None, "Drawn")
    segment = drawing.set_segment(node, "Right lobe", voxels, volume)
    labelmap = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment, labelmap)
    return node, labelmap


@pytest.mark.parametrize("first", [(0, 0, 0), (1, 4, 6), (-2, -5, -7)])
def test_voxels_lie_where_they_were_drawn(scene: Any, first: tuple[int, int, int]) -> None:
    """A label map that begins elsewhere by whole voxels, and may reach beyond the volume."""
    import slicer

    from AIDEALLib.mrml.regions.grid import voxels_on_grid
    from AIDEALLib.mrml.volumes import fill_volume

    random = np.random.default_rng(1).random(SHAPE) < 0.3
    step = np.asarray(OBLIQUE.direction).reshape(3, 3) * np.asarray(OBLIQUE.spacing_mm)
    origin = np.asarray(OBLIQUE.origin_mm) + step @ np.asarray(first[::-1])
    moved = Geometry(OBLIQUE.spacing_mm, tuple(map(float, origin)), OBLIQUE.direction)  # type: ignore[arg-type]
    node, labelmap = labelmap_of(random, moved)
    volume = fill_volume(slicer.vtkMRMLScalarVolumeNode(), np.zeros(SHAPE, np.float32), OBLIQUE)
    found = voxels_on_grid(labelmap, node, volume)
    assert found is not None
    whole = np.zeros(SHAPE, bool)
    whole[found[0]] = found[1]
    expected = np.zeros(SHAPE, bool)
    for index in np.argwhere(random):
        at = tuple(index + first)
        if all(0 <= n < size for n, size in zip(at, SHAPE, strict=True)):
            expected[at] = True
    np.testing.assert_array_equal(whole, expected)


@pytest.mark.parametrize("change", [{"spacing_mm": (2.0, 2.0, 6.1)}, {"origin_mm": (1.0, 0.0, 0.0)}])
def test_another_grid_has_to_be_resampled(scene: Any, change: dict[str, Any]) -> None:
    import slicer

    from AIDEALLib.mrml.regions.grid import voxels_on_grid
    from AIDEALLib.mrml.volumes import fill_volume

    node, labelmap = labelmap_of(np.ones(SHAPE, bool), Geometry(**{"spacing_mm": (2.0, 2.0, 6.0), **change}))
    grid = Geometry(spacing_mm=(2.0, 2.0, 6.0))
    volume = fill_volume(slicer.vtkMRMLScalarVolumeNode(), np.zeros(SHAPE, np.float32), grid)
    assert voxels_on_grid(labelmap, node, volume) is None
