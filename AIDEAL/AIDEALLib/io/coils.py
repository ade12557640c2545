"""Combine several receive coils into one complex image with the phase evolution over the echoes unchanged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMOOTHING_VOXELS = 7
"""Width of the square over which a voxel's coil sensitivities are taken as constant."""


def combine_coils(echoes: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    """Combine coils by the local matched filter.

    Parameters
    ----------
    echoes : np.ndarray, shape (coil, echo, slice, row, column), complex
        Echoes of each coil.

    Returns
    -------
    np.ndarray, shape (echo, slice, row, column), complex64
        Combined echoes, with the phase of the strongest coil removed from the sensitivities.

    Notes
    -----
    The coil covariance over all echoes, averaged over a small square in the slice, has the sensitivities as its first
    eigenvector. One set of weights serves all echoes of a voxel, so that field, R2* and fat fraction are unchanged.

    References
    ----------
    Walsh et al., Magn Reson Med 2000;43:682-690.
    """
    from scipy.ndimage import uniform_filter

    _, n_echoes, slices, rows, columns = echoes.shape
    combined = np.empty((n_echoes, slices, rows, columns), dtype=np.complex64)
    reference = int(np.argmax([np.vdot(coil, coil).real for coil in echoes]))
    for s in range(slices):
        signal = echoes[:, :, s].astype(np.complex64)
        covariance = np.einsum("anxy,bnxy->abxy", signal, signal.conj())
        size = (1, 1, SMOOTHING_VOXELS, SMOOTHING_VOXELS)
        smooth = uniform_filter(covariance.real, size) + 1j * uniform_filter(covariance.imag, size)
        _, vectors = np.linalg.eigh(np.moveaxis(smooth, (0, 1), (2, 3)))
        weights = vectors[..., -1]
        phase = np.exp(-1j * np.angle(weights[..., reference : reference + 1]))
        combined[:, s] = np.einsum("xyc,cnxy->nxy", (weights * phase).conj(), signal)
    return combined
