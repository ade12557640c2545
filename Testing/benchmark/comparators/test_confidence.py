"""Confidence maps that others proposed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.benchmark.comparators.confidence_colours import colours, dephased, low_snr, suspected_swap
from AIDEALLib.benchmark.comparators.confidence_maps import goodness_of_fit
from AIDEALLib.benchmark.plain_maps import plain_maps
from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.protocol import PAPER

SHAPE = (3, 24, 24)


@pytest.fixture
def series() -> EchoSeries:
    rng = np.random.default_rng(0)
    noise = 1e-3 * (rng.normal(size=(6, *SHAPE)) + 1j * rng.normal(size=(6, *SHAPE)))
    return EchoSeries((1 + noise).astype(np.complex64), np.array(PAPER.te_s), 1.5, geometry=Geometry((4.0, 4.0, 10.0)))


@pytest.fixture
def maps(series: EchoSeries) -> ParameterMaps:
    fat = np.full(SHAPE, 0.1, np.complex64)
    fat[:, 4:12, 4:12] = 0.9
    fat[:, 20, 20] = 0.9
    field = np.zeros(SHAPE, np.float32)
    made = plain_maps(series, "made", 1 - fat, fat, field, np.full(SHAPE, 40.0))
    return replace(made, provenance=replace(made.provenance, noise_sd=(0.01, 0.01, 0.4)))


def test_goodness_of_fit_ranks_by_the_misfit(maps: ParameterMaps) -> None:
    maps.residual[...] = 3.0
    found = goodness_of_fit(maps)
    assert found.score is maps.residual and found.sd is None


def test_an_island_of_fat_is_a_suspected_swap_and_a_single_voxel_is_not(maps: ParameterMaps) -> None:
    found = suspected_swap(maps)
    assert found[:, 5:11, 5:11].all()
    assert not found[:, 20, 20].any()


def test_noise_and_steep_fields_are_coloured(maps: ParameterMaps, series: EchoSeries) -> None:
    low = low_snr(maps, series)
    assert low[2].all() and not low[0].any()
    assert not dephased(maps, series).any()
    maps.field[...] = 100.0 * np.arange(3)[:, None, None]  # 10 Hz/mm x 8 mm x 11.8 ms: nearly a turn
    assert dephased(maps, series).any()
    score = colours(maps, series).score
    assert score is not None and score.max() <= 3
