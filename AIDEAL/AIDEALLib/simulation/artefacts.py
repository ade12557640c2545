"""Artefacts of k-space sampling: limited resolution, ghosts, motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

Complex = npt.NDArray[np.complex64]


@dataclass(frozen=True)
class Artefacts:
    """Artefacts of a simulated scan; by default none.

    Attributes
    ----------
    oversampling : int
        Simulate on pixels this many times narrower and crop k-space, so that pixels mix tissues and edges ring as in a scan.
    ghost : float
        Share of the signal that reappears half a field of view away along the rows (phase encoding).
    motion_mm : float
        Amplitude of a breathing-like shift along the rows between phase-encoding lines.
    layers : int
        Simulate this many layers for every slice and add up their signals, so that a field gradient across the slice dephases
        them, as in a scan of slices that are excited one by one.
    zero_filling : float
        Pixels of the image in one of the scan: so much less of k-space is acquired, and the images are interpolated. Their
        noise is that of the protocol.
    """

    oversampling: int = 1
    ghost: float = 0.0
    motion_mm: float = 0.0
    layers: int = 1
    zero_filling: float = 1.0


NO_ARTEFACTS = Artefacts()


def crop_k_space(images: Complex, factor: int) -> Complex:
    """Images on wider pixels, by keeping the inner part of k-space.

    Parameters
    ----------
    images : np.ndarray, shape (..., row, column), complex64
        Images.
    factor : int
        Width of the new pixels in old ones.

    Returns
    -------
    np.ndarray, shape (..., row // factor, column // factor), complex64
        A wide pixel is centred on the `factor` x `factor` narrow ones it replaces; the mean is kept.
    """
    if factor == 1:
        return images
    rows, columns = images.shape[-2:]
    spectrum = scipy.fft.fft2(images)
    for axis, n in ((-2, rows), (-1, columns)):
        kept = n // factor
        order = np.fft.fftfreq(kept, 1 / kept).astype(int)
        spectrum = np.take(spectrum, order % n, axis=axis)
        half_pixel = np.exp(2j * np.pi * order / n * (factor - 1) / 2).astype(np.complex64)
        spectrum = spectrum * (half_pixel[:, None] if axis == -2 else half_pixel)
    return (scipy.fft.ifft2(spectrum) / factor**2).astype(np.complex64)


def zero_filled(images: Complex, zoom: float) -> Complex:
    """Images of a scan of fewer k-space lines, interpolated to the same pixels by zero filling.

    Parameters
    ----------
    images : np.ndarray, shape (..., row, column), complex64
        Images of full resolution, noise included.
    zoom : float
        Pixels of the image in one of the scan, 1 or more.

    Returns
    -------
    np.ndarray, same shape, complex64
        The inner 1 / `zoom` of k-space along either axis alone; white noise becomes `zoom` times smaller and correlated.
    """
    if zoom == 1:
        return images
    spectrum = scipy.fft.fft2(images)
    for axis in (-2, -1):
        n = images.shape[axis]
        kept = np.abs(np.fft.fftfreq(n, 1 / n)) < n / (2 * zoom)
        spectrum = spectrum * (kept[:, None] if axis == -2 else kept)
    return scipy.fft.ifft2(spectrum).astype(np.complex64)


def ghosted(images: Complex, share: float) -> Complex:
    """Images (..., row, column) with a ghost of that `share` half a field of view away along the rows."""
    return (images + np.float32(share) * np.roll(images, images.shape[-2] // 2, axis=-2)).astype(np.complex64)


def moved(images: Complex, amplitude_pixels: float, cycles: float = 7.3) -> Complex:
    """Images of an object that oscillated along the rows while k-space lines (rows) were acquired.

    Parameters
    ----------
    images : np.ndarray, shape (..., row, column), complex64
        Images of the object at rest.
    amplitude_pixels : float
        Amplitude of the shift.
    cycles : float
        Oscillations during the scan.

    Returns
    -------
    np.ndarray, shape (..., row, column), complex64

    Notes
    -----
    Shift theorem, line by line: S(k) exp(-2 pi i k d(k)), d(k) = amplitude sin(2 pi cycles k).
    """
    rows = images.shape[-2]
    k = np.fft.fftfreq(rows)
    shift = amplitude_pixels * np.sin(2 * np.pi * cycles * k)
    phase = np.exp(-2j * np.pi * k * shift).astype(np.complex64)[:, None]
    return scipy.fft.ifft(scipy.fft.fft(images, axis=-2) * phase, axis=-2).astype(np.complex64)
