"""Zero filling is seen in k-space, whatever the object; scans without it, and those whose air was set to 0, tell nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from AIDEALLib.estimation.zero_filling import zero_filling_correlation
from AIDEALLib.simulation.artefacts import zero_filled

SD, REACH = 0.02, 5


def images(zoom: float, snr: float = 1.0) -> npt.NDArray[np.complex64]:
    """Echoes of a square, which rings; `SD` is the noise per channel in the images."""
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((6, 96, 80)) + 1j * rng.standard_normal((6, 96, 80))
    echoes = noise * SD * zoom
    echoes[:, 30:60, 20:60] += snr
    return zero_filled(echoes.astype(np.complex64), zoom)


@pytest.mark.parametrize("zoom", [1.25, 1.6, 2.0])
@pytest.mark.parametrize("snr", [0.5, 5.0])
def test_correlation_is_that_of_the_filled_part(zoom: float, snr: float) -> None:
    found = zero_filling_correlation([images(zoom, snr)], SD, REACH)
    assert found is not None
    impulse = np.zeros((1, 96, 80), np.complex64)
    impulse[0, 0, 0] = 1
    power = np.fft.ifft2(np.abs(np.fft.fft2(zero_filled(impulse, zoom)[0])) ** 2).real
    near = np.arange(-REACH, REACH + 1)
    np.testing.assert_allclose(found, (power / power[0, 0])[np.ix_(near, near)], atol=0.012)


def test_full_k_space_and_hidden_k_space_tell_nothing() -> None:
    assert zero_filling_correlation([images(1.0)], SD, REACH) is None
    masked = images(2.0)
    masked[:, :20] = 0
    masked[:, :, 70:] = 0
    assert zero_filling_correlation([masked], SD, REACH) is None
    assert zero_filling_correlation([images(2.0)[:, :8]], SD, REACH) is None
