"""What magnitudes alone read: known differences are found, with the spread that is stated; misfit of magnitudes widens it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from AIDEALLib.choices import Method
from AIDEALLib.echoes import EchoSeries, Geometry
from AIDEALLib.estimation.estimated_scan import EstimatedScan
from AIDEALLib.estimation.magnitude_shift import BLOCKS, MagnitudeShift, find_magnitude_shift
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.pipeline import run

TE_S = np.array([1.3, 3.4, 5.5, 7.6, 9.7, 11.8]) * 1e-3
SIDE, LEVEL, R2STAR = 96, 100.0, 45.0


def magnitudes(pdff: float, noise_sd: float, te_s: np.ndarray = TE_S, rng: np.random.Generator | None = None) -> np.ndarray:
    """Echoes (echo, 1, row, column) of even tissue with a random phase in every voxel and echo, which nothing may depend on."""
    rng = rng or np.random.default_rng(0)
    fat = SIX_PEAK.modulation(torch.from_numpy(te_s), 1.5).numpy()
    signal = LEVEL * np.abs(1 + pdff / 100 * (fat - 1)) * np.exp(-R2STAR * te_s)
    shape = (len(te_s), 1, SIDE, SIDE)
    noise = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    return np.exp(2j * np.pi * rng.random(shape)) * (signal[:, None, None, None] + noise_sd * noise)


@pytest.fixture(scope="module")
def some_maps() -> ParameterMaps:
    """Maps whose arrays the tests replace."""
    clean = np.abs(magnitudes(10, 0.5)).astype(np.complex64)
    series = EchoSeries(clean, TE_S, 1.5, Geometry((2.0, 2.0, 2.0)))
    return run(series, RunOptions(device="cpu", method=Method.MAGNITUDE), check=False).maps


def shift_of(echoes: np.ndarray, read: float, maps: ParameterMaps, noise_sd: float, te_s: np.ndarray = TE_S) -> MagnitudeShift:
    series = EchoSeries(echoes.astype(np.complex64), te_s, 1.5, Geometry((2.0, 2.0, 2.0)))
    filled = np.full(series.shape, read, np.float32)
    stated = replace(maps, pdff=filled, r2star=np.full_like(filled, 30), mask=np.ones(series.shape, bool))
    found = find_magnitude_shift(EstimatedScan(series, stated, NO_CORRECTIONS, SIX_PEAK), stated.pdff, [noise_sd])
    assert found is not None
    return found


@pytest.mark.parametrize(("true", "read"), [(0, 0), (0, 9), (12, 4), (12, 30), (45, 38)])
def test_the_nearest_solution_of_the_magnitudes_is_found(true: float, read: float, some_maps: ParameterMaps) -> None:
    found = shift_of(magnitudes(true, 1e-4), read, some_maps, 1e-3)
    assert len(found.voxels) == BLOCKS**2
    np.testing.assert_allclose(found.pdff, read)
    np.testing.assert_allclose(found.change, true - read, atol=0.3)


@pytest.mark.parametrize("te_s", [TE_S, TE_S[:3]])
def test_its_spread_is_the_stated_one(te_s: np.ndarray, some_maps: ParameterMaps) -> None:
    found = shift_of(magnitudes(10, 4.0, te_s), 10, some_maps, 4.0, te_s)
    assert found.change.mean() == pytest.approx(0, abs=4 * found.noise_sd.mean() / BLOCKS + 0.1)
    assert found.change.std() == pytest.approx(found.noise_sd.mean(), rel=0.15)


@pytest.mark.parametrize("unit", [0.02, 50.0])
def test_misfit_that_voxels_share_counts_as_an_error_they_share(unit: float, some_maps: ParameterMaps) -> None:
    echoes = unit * magnitudes(10, 1.0)
    clean = shift_of(echoes, 10, some_maps, unit)
    rng = np.random.default_rng(4)
    spread, stated = [], []
    for _ in range(12):
        factors = 1 + 0.04 * rng.normal(size=(len(TE_S), 1, 1, 1))
        found = shift_of(echoes * factors, 10, some_maps, unit)
        spread.append(np.median(found.change))
        stated.append(np.median(found.model_sd))
    assert np.median(clean.model_sd) < 0.5 < np.median(stated)
    assert 0.4 < np.sqrt(np.mean(np.square(spread)) / np.mean(np.square(stated))) < 2


def test_misfit_of_single_voxels_counts_as_well(some_maps: ParameterMaps) -> None:
    echoes = magnitudes(10, 1.0)
    rough = echoes * (1 + 0.06 * np.random.default_rng(5).normal(size=echoes.shape))
    clean, spoilt = (np.median(shift_of(e, 10, some_maps, 1.0).model_sd) for e in (echoes, rough))
    assert spoilt > 4 * clean


def test_the_result_does_not_depend_on_the_amplitude_of_a_voxel(some_maps: ParameterMaps) -> None:
    coil = np.linspace(0.5, 2, SIDE)[None, None, None, :]
    found = shift_of(coil * magnitudes(12, 1e-4), 5, some_maps, 1e-3)
    np.testing.assert_allclose(found.change, 7, atol=0.3)


def test_nothing_is_said_where_there_is_no_voxel(some_maps: ParameterMaps) -> None:
    series = EchoSeries(magnitudes(10, 1.0).astype(np.complex64), TE_S, 1.5, Geometry((2.0, 2.0, 2.0)))
    empty = replace(some_maps, mask=np.zeros(series.shape, bool))
    assert find_magnitude_shift(EstimatedScan(series, empty, NO_CORRECTIONS, SIX_PEAK), empty.pdff, [1.0]) is None
