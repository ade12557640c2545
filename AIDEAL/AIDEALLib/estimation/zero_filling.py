"""Correlation of noise that follows from zero filling: the part of k-space that a scan has filled shows in its images.

White noise on the part S of k-space has the correlation rho(d) = sum_{k in S} exp(2 pi i k d) / |S| at the distance d. What
lies outside S is empty but for rounding, which a comparison with the noise level shows at once. Ringing, which is correlated
otherwise and hides the noise of good scans from an estimate by residuals, does not matter here.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Complex = npt.NDArray[np.complex64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EMPTY_LEVEL = 0.1
"""Points of k-space below this share of the power of white noise of the images are empty."""
ROUNDING_LEVEL = 0.01
"""Half of the empty points are below this share: what images that were changed after zero filling leave there is above."""
LEAST_EMPTY_SHARE = 0.05
"""Share of empty points from which k-space counts as zero filled; of few echoes some are low by chance."""
SMALLEST = 0.01
"""Correlations below this are left out."""


def zero_filling_correlation(slices: Iterable[Complex], noise_sd: float, reach: int) -> Floats | None:
    """Correlation of neighbouring voxels in a slice that zero filling of k-space causes.

    Parameters
    ----------
    slices : iterable of np.ndarray, shape (echo, row, column), complex64
        Complex echoes of some slices.
    noise_sd : float
        Noise per real channel of the images.
    reach : int
        Largest distance, voxels.

    Returns
    -------
    np.ndarray, shape (2 reach + 1, 2 reach + 1), float, or None
        Correlation by distance along rows and columns, 1 in the middle; None where k-space is not zero filled, or its empty
        part is hidden, as by a background set to 0.
    """
    filled = filled_part(slices, noise_sd)
    if filled is None or min(filled.shape) <= 2 * reach:
        return None
    near = np.arange(-reach, reach + 1)
    correlation = np.fft.ifft2(filled).real[np.ix_(near, near)] / filled.mean()
    return np.where(np.abs(correlation) > SMALLEST, correlation, 0.0)


def filled_part(slices: Iterable[Complex], noise_sd: float) -> Bools | None:
    """Part of k-space that a scan has filled.

    Parameters
    ----------
    slices : iterable of np.ndarray, shape (echo, row, column), complex64
        Complex echoes of some slices.
    noise_sd : float
        Noise per real channel of the images, or less.

    Returns
    -------
    np.ndarray, shape (row, column), bool, or None
        In the order of the discrete Fourier transform; None where k-space is not zero filled, or its empty part is hidden, as
        by a background set to 0.
    """
    power, images = np.zeros(()), 0
    for echoes in slices:
        power = power + np.sum(np.abs(np.fft.fft2(echoes)) ** 2, axis=0, dtype=np.float64)
        images += len(echoes)
    if not images:
        return None
    level = images * power.size * 2 * noise_sd**2
    filled: Bools = power > EMPTY_LEVEL * level
    share = float(filled.mean())
    if not 0 < share < 1 - LEAST_EMPTY_SHARE or np.median(power[~filled]) > ROUNDING_LEVEL * level:
        return None
    return filled


def difference_share(filled: Bools, axes: tuple[int, ...]) -> float:
    """Variance of differences of adjacent voxels over that of white noise, for noise on the filled part of k-space.

    Parameters
    ----------
    filled : np.ndarray, shape (row, column), bool
        Part of k-space that was filled, in the order of the discrete Fourier transform.
    axes : tuple of int
        Axes along which a first difference is taken, one after the other: 0 for rows, 1 for columns.

    Returns
    -------
    float
        1 where all of k-space is filled; a second difference of images zero filled by 2 along both axes has 0.13.

    Notes
    -----
    The difference along an axis multiplies k-space by 1 - exp(2 pi i k), whose square modulus is 4 sin^2(pi k); its mean over
    all k is 2, and the mean over the filled part is taken.
    """
    cycles = np.meshgrid(*(np.fft.fftfreq(n) for n in filled.shape), indexing="ij")
    gain = np.ones(filled.shape)
    for axis in axes:
        gain *= 2 * np.sin(np.pi * cycles[axis]) ** 2
    return float(gain[filled].mean())
