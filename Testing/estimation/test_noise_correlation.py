"""The correlation found in a scan is that of the noise put into it; the maps stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.estimation.estimate import estimate
from AIDEALLib.estimation.phase_correction.corrections import NO_CORRECTIONS
from AIDEALLib.estimation.slice_choice import with_slices
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.artefacts import zero_filled
from AIDEALLib.simulation.phantom import phantom
from AIDEALLib.simulation.scan import PAPER, Protocol, acquire, echo_times
from AIDEALLib.statistics import NoiseCorrelation

Filter = Callable[[npt.NDArray[np.complex64]], npt.NDArray[np.complex64]]
THREE = Protocol("three echoes", echo_times(1.6, 1.55, 3), 1.5)


def blurred(noise: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    parts = [scipy.ndimage.gaussian_filter(part, (0, 0, 0.7, 0.7), mode="wrap") for part in (noise.real, noise.imag)]
    return np.asarray(parts[0] + 1j * parts[1], np.complex64)


def interpolated(noise: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    return zero_filled(noise, 1.6)


def scan_with(noise_filter: Filter, protocol: Protocol) -> EchoSeries:
    """A phantom without edges in its noise: the signal is that of full resolution."""
    series = acquire(phantom("1", 1.5, (2, 96, 96)), replace(protocol, snr=None), np.random.default_rng(0), coil_phase=False)
    rng = np.random.default_rng(5)
    white = (rng.standard_normal(series.echoes.shape) + 1j * rng.standard_normal(series.echoes.shape)).astype(np.complex64)
    noise = noise_filter(white)
    level = np.abs(series.echoes[0]).max() / 40
    return replace(series, echoes=series.echoes + (noise * level / noise.real.std()).astype(np.complex64))


def exact(noise_filter: Filter) -> npt.NDArray[np.float64]:
    impulse = np.zeros((1, 1, 64, 64), np.complex64)
    impulse[0, 0, 0, 0] = 1
    power = np.fft.ifft2(np.abs(np.fft.fft2(noise_filter(impulse)[0, 0])) ** 2).real
    index = np.arange(-2, 3)
    return np.asarray((power / power[0, 0])[np.ix_(index, index)])


@pytest.mark.parametrize("method", ["graph-cuts", "magnitude"])
@pytest.mark.parametrize("noise_filter", [blurred, interpolated])
@pytest.mark.parametrize("protocol", [PAPER, THREE])
def test_it_is_that_of_the_noise(protocol: Protocol, noise_filter: Filter, method: str) -> None:
    maps = estimate(scan_with(noise_filter, protocol), RunOptions(device="cpu", method=method), corrections=NO_CORRECTIONS)
    table = np.asarray(maps.provenance.noise_correlation)[0]
    rows, columns = (n // 2 for n in table.shape)
    padded = np.pad(table, 2)[rows : rows + 5, columns : columns + 5]
    expected = exact(noise_filter)
    if method == "magnitude":  # squares of magnitudes do not show the sign
        expected = np.abs(expected)
        expected, padded = (np.where(expected > 0.3, values, 0.0) for values in (expected, padded))
    np.testing.assert_allclose(padded, expected, atol=0.08)


def test_white_noise_is_uncorrelated_and_slices_are_apart() -> None:
    series = scan_with(lambda noise: noise, PAPER)
    provenance = estimate(series, RunOptions(device="cpu", method="graph-cuts"), corrections=NO_CORRECTIONS).provenance
    weights = np.zeros((1, 40, 40))
    weights[0, 10:30, 10:30] = 1
    assert NoiseCorrelation.of(provenance.noise_correlation).inflation(weights) == pytest.approx(1.0, abs=0.15)
    assert sum(np.abs(layer).sum() for layer in provenance.noise_correlation[1:]) < 0.2


def test_slices_that_share_noise_are_correlated() -> None:
    series = scan_with(lambda noise: noise, PAPER)
    same = replace(series, echoes=np.repeat(series.echoes[:, :1], 3, axis=1))
    table = estimate(
        same, RunOptions(device="cpu", method="graph-cuts"), corrections=NO_CORRECTIONS
    ).provenance.noise_correlation
    across = np.asarray(table[1])
    assert across[across.shape[0] // 2, across.shape[1] // 2] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("number", ["1", "3"])
def test_one_slice_of_several_is_enough(number: str) -> None:
    """The others are left out of maps and mask, those beside it and those in the middle too."""
    series = scan_with(lambda noise: noise, PAPER)
    three = with_slices(replace(series, echoes=np.repeat(series.echoes[:, :1], 3, axis=1)), number)
    provenance = estimate(three, RunOptions(device="cpu", method="one-shot"), corrections=NO_CORRECTIONS).provenance
    assert NoiseCorrelation.of(provenance.noise_correlation).inflation(np.ones((1, 40, 40))) == pytest.approx(1.0, abs=0.15)


def test_no_signal_gives_no_correlation() -> None:
    rng = np.random.default_rng(0)
    noise = (rng.normal(size=(6, 2, 40, 40)) + 1j * rng.normal(size=(6, 2, 40, 40))).astype(np.complex64)
    series = EchoSeries(noise, np.asarray(PAPER.te_s), 1.5)
    provenance = estimate(series, RunOptions(device="cpu", method="graph-cuts"), corrections=NO_CORRECTIONS).provenance
    assert provenance.noise_correlation == ()
