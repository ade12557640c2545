"""Maps that cannot be right never leave the estimate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import ResultError
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.result_check import check_maps, naming_slice, slices_in_words
from AIDEALLib.models import Networks, load_networks
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import MAP_INFO
from AIDEALLib.simulation.tissue import TissueMaps


def some_maps() -> tuple[dict[str, Any], Any]:
    return {name: np.full((4, 3, 3), 0.5, np.float32) for name in MAP_INFO}, np.ones((4, 3, 3), bool)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pdff", np.nan),
        ("water", np.inf),
        ("r2star_sd", -1.0),
        ("swap_probability", 1.2),
        ("residual", -3.0),
        ("field", -np.inf),
    ],
)
def test_the_slice_is_named(name: str, value: float) -> None:
    maps, mask = some_maps()
    check_maps(maps, mask)
    maps[name][2, 1, 1] = value
    with pytest.raises(ResultError, match="failed in slice 3: 1 voxel"):
        check_maps(maps, mask)
    mask[2, 1, 1] = False
    check_maps(maps, mask)


def test_a_standard_deviation_may_be_infinite() -> None:
    maps, mask = some_maps()
    maps["pdff_sd"][0, 0, 0] = np.inf
    check_maps(maps, mask)


def test_a_network_that_returns_nan_gives_no_maps(small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    series = small_liver[0]
    whole = load_networks()

    def damaged(*given: Any) -> Any:
        q, mean, variance = whole.r2star(*given)
        return q, mean * torch.nan, variance

    networks = replace(whole, r2star=damaged)
    with pytest.raises(ResultError, match="slices 1, 2, 3"):
        estimate(series, RunOptions(method="one-shot", device="cpu"), networks=lambda _: networks)


def test_an_error_of_the_computation_names_its_slice() -> None:
    with pytest.raises(ResultError, match=r"Slice 5 could not be estimated \(RuntimeError: sizes differ\)"), naming_slice(4):
        raise RuntimeError("sizes differ")
    with pytest.raises(RuntimeError, match="out of memory"), naming_slice(4):
        raise RuntimeError("not enough memory: out of memory")
    assert slices_in_words(range(10)) == "slices 1, 2, 3, 4, 5, 6, 7, 8 and 2 more"


def test_networks_of_wrong_shapes_are_named() -> None:
    from AIDEALLib.errors import ModelError
    from AIDEALLib.physics.spectrum import SIX_PEAK

    def small(*_: Any) -> Any:
        return torch.zeros(1, 4, 2, 2), torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)

    networks = Networks(small, small, {})
    with pytest.raises(ModelError, match="returned the shapes"):
        networks.field_distribution(torch.zeros(3, 8, 8, dtype=torch.complex64), torch.zeros(3), 1.5, SIX_PEAK)
