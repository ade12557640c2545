"""What k-space does to an image: limited resolution, ghosts, motion."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

Complex = npt.NDArray[np.complex64]


def crop_k_space(images: Complex, factor: int) -> Complex:
    """Images of (..., row, column) pixels `factor` times as wide, by keeping the inner part of k-space.

    A wide pixel is centred on the `factor` x `factor` narrow ones it replaces, and the mean is kept.
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


def ghosted(images: Complex, share: float) -> Complex:
    """Images (..., row, column) with a ghost half a field of view away along the rows."""
    return (images + np.float32(share) * np.roll(images, images.shape[-2] // 2, axis=-2)).astype(np.complex64)


def moved(images: Complex, amplitude_pixels: float, cycles: float = 7.3) -> Complex:
    """Images (..., row, column) whose object swung along the rows, `cycles` times, while k-space lines (rows) were taken."""
    rows = images.shape[-2]
    k = np.fft.fftfreq(rows)
    shift = amplitude_pixels * np.sin(2 * np.pi * cycles * k)
    phase = np.exp(-2j * np.pi * k * shift).astype(np.complex64)[:, None]
    return scipy.fft.ifft(scipy.fft.fft(images, axis=-2) * phase, axis=-2).astype(np.complex64)
