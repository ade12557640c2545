"""The overview shows the largest slice, or the one requested."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.io.output.overview import largest_slice, save_overview
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps


def test_overview_is_a_picture_of_the_largest_slice(tmp_path: Path, series: EchoSeries, maps: ParameterMaps) -> None:
    from matplotlib.image import imread

    save_overview(series, maps, tmp_path / "chosen.png")
    save_overview(series, maps, tmp_path / "same.png", slice_index=1)
    save_overview(series, maps, tmp_path / "other.png", slice_index=0)
    chosen, same, other = (imread(tmp_path / f"{name}.png") for name in ("chosen", "same", "other"))
    assert chosen.shape[1] > 800
    np.testing.assert_array_equal(chosen, same)
    assert chosen.shape != other.shape or np.any(chosen != other)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chosen.png", "other.png", "same.png"]
    with pytest.raises(ValueError, match="no slice 3"):
        save_overview(series, maps, tmp_path / "x.png", slice_index=3)


def test_overview_of_nothing(tmp_path: Path, series: EchoSeries, maps: ParameterMaps) -> None:
    empty = ParameterMaps(
        **{name: np.zeros(maps.mask.shape, np.float32) for name in MAP_INFO},
        mask=np.zeros(maps.mask.shape, np.bool_),
        geometry=maps.geometry,
        provenance=maps.provenance,
    )
    assert largest_slice(empty.mask) == 1
    save_overview(series, empty, tmp_path / "x.png")
    assert (tmp_path / "x.png").stat().st_size > 1000
