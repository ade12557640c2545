"""The variance of a sum of voxels with correlated noise against Monte Carlo, and against the double sum written out."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
import scipy.ndimage

from AIDEALLib.simulation.artefacts import zero_filled
from AIDEALLib.statistics import NoiseCorrelation

REACH = 6
SIZE = 64


def noise(kind: str, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    white = rng.standard_normal((SIZE, SIZE))
    if kind == "white":
        return white
    if kind == "Gaussian filter":
        return np.asarray(scipy.ndimage.gaussian_filter(white, 1.0, mode="wrap"))
    return np.asarray(zero_filled(white.astype(np.complex64), 1.6).real, np.float64)


def exact_correlation(kind: str) -> npt.NDArray[np.float64]:
    """From the power spectrum of the filter, which is the transform of the correlation (Wiener and Khinchin)."""
    impulse = np.zeros((SIZE, SIZE))
    impulse[0, 0] = 1
    if kind == "Gaussian filter":
        impulse = scipy.ndimage.gaussian_filter(impulse, 1.0, mode="wrap")
    elif kind == "zero filling":
        impulse = zero_filled(impulse.astype(np.complex64), 1.6).real
    power = np.fft.ifft2(np.abs(np.fft.fft2(impulse)) ** 2).real
    index = np.arange(-REACH, REACH + 1)
    return np.asarray((power / power[0, 0])[np.ix_(index, index)][None])


@pytest.mark.parametrize("kind", ["white", "Gaussian filter", "zero filling"])
def test_standard_error_of_a_mean_is_that_of_many_realisations(kind: str) -> None:
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIZE, :SIZE]
    region = np.hypot(y - 30, x - 33) < 7
    scale = 1 + 0.02 * x
    drawn = [noise(kind, rng) * scale for _ in range(3000)]
    sd = float(np.std([one[5, 5] for one in drawn])) / scale[5, 5]
    means = [float(one[region].mean()) for one in drawn]
    stated = np.where(region, sd * scale, 0.0)[None]
    found = NoiseCorrelation(exact_correlation(kind)).variance_of_sum(stated) ** 0.5 / np.count_nonzero(region)
    assert found == pytest.approx(float(np.std(means)), rel=0.05)


def test_sum_over_slices_equals_the_double_sum() -> None:
    rng = np.random.default_rng(4)
    near = rng.uniform(0, 0.3, (3, 5))
    near = (near + near[::-1, ::-1]) / 2
    near[1, 2] = 1
    across = rng.uniform(0, 0.1, (3, 5))
    across = (across + across[::-1, ::-1]) / 2
    sd = rng.uniform(0, 2, (3, 4, 6))
    total = 0.0
    for i, j in product(np.ndindex(sd.shape), repeat=2):
        dz, dy, dx = (b - a for a, b in zip(i, j, strict=True))
        if abs(dz) < 2 and abs(dy) < 2 and abs(dx) < 3:
            total += (near, across)[abs(dz)][1 + dy, 2 + dx] * sd[i] * sd[j]
    correlation = NoiseCorrelation.of([near.tolist(), across.tolist()])
    assert correlation.variance_of_sum(sd) == pytest.approx(total, rel=1e-9)
    assert correlation.inflation(sd) == pytest.approx(total / np.sum(sd**2), rel=1e-9)
    assert correlation.variance_of_sum(np.zeros((1, 2, 2))) == 0
