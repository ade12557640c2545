"""Noise in air shows the scales of echoes against each other, where it is noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.echo_noise import noise_scales
from AIDEALLib.simulation.abdomen import abdomen
from AIDEALLib.simulation.protocol import Protocol, echo_times
from AIDEALLib.simulation.scan import acquire


@pytest.fixture(scope="module")
def scan() -> EchoSeries:
    protocol = Protocol("three", echo_times(1.2, 1.0, 3), 3.0, snr=40)
    return acquire(abdomen(5, 3.0, (2, 64, 64), (6.0, 6.0, 20.0)), protocol, np.random.default_rng(3))


def changed(series: EchoSeries, echoes: np.ndarray) -> EchoSeries:
    return replace(series, echoes=echoes.astype(np.complex64))


@pytest.mark.parametrize("factors", [(1, 1.25, 1), (0.85, 1, 1), (1, 1, 1.6)])
def test_scales_are_found(scan: EchoSeries, factors: tuple[float, ...]) -> None:
    found = noise_scales(changed(scan, scan.echoes * np.array(factors)[:, None, None, None]))
    assert found is not None
    np.testing.assert_allclose(found, factors, rtol=0.06)


def test_echoes_of_one_scale_have_none(scan: EchoSeries) -> None:
    assert noise_scales(scan) is None
    rng = np.random.default_rng(0)
    for _ in range(20):
        noise = rng.normal(size=(*scan.echoes.shape, 2)).view(np.complex128)[..., 0]
        signal = np.abs(scan.echoes) > 0.2 * np.abs(scan.echoes).max()
        assert noise_scales(changed(scan, np.where(signal, scan.echoes, 0.001 * np.abs(scan.echoes).max() * noise))) is None


def test_ghosts_in_air_are_no_noise(scan: EchoSeries) -> None:
    ghost = 0.05 * np.roll(scan.echoes, 30, axis=2) * np.array([1, 0.5, 1])[:, None, None, None]
    assert noise_scales(changed(scan, scan.echoes + ghost)) is None


def test_air_that_was_set_to_zero_says_nothing(scan: EchoSeries) -> None:
    masked = np.where(np.abs(scan.echoes[:1]) > 0.15 * np.abs(scan.echoes).max(), scan.echoes, 0)
    assert noise_scales(changed(scan, masked * np.array([1, 2, 1])[:, None, None, None])) is None
