"""Values in air, which are noise: it is of one scale in all echoes, unless these were scaled against each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries
from .voxelwise.noise import foreground, noise_from_differences

MOST_SLICES = 8
BORDER_VOXELS = 3
LEAST_AIR = 1000
"""Values of air that are needed."""
CHUNKS = 16
"""Parts of the air whose scatter gives the error of its noise."""
LARGEST_CORRELATION = 0.1
"""Noise is independent from echo to echo, ghosts and ringing are not: four real scans have correlations of 0.02, 0.06, 0.23 and
0.24, clean simulations up to 0.06."""
LEAST_LOG_SCALE, CLEAR_ERRORS = 0.06, 5.0
"""Difference of scales that counts, and in its standard errors. The two real scans with noise in air lie below 0.04."""
Mask = npt.NDArray[np.bool_]
Echoes = npt.NDArray[np.complex64]


def values_in_air(echoes: Echoes, body: Mask) -> Echoes:
    """Values (echo, voxels) of echoes (echo, slice, row, column) outside the body, where no echo is 0."""
    from scipy.ndimage import binary_dilation, binary_fill_holes

    filled = np.stack([binary_fill_holes(mask) for mask in body])
    values = echoes[:, ~binary_dilation(filled, np.ones((1, 3, 3), dtype=bool), BORDER_VOXELS + 1)]
    return values[:, np.all(values != 0, axis=0)]


def noise_scales(series: EchoSeries) -> npt.NDArray[np.float64] | None:
    """Scales of echoes against each other, from their noise in air.

    Parameters
    ----------
    series : EchoSeries
        A scan.

    Returns
    -------
    numpy.ndarray, shape (echo,), or None
        Scale of each, that of a typical one 1; None where there is too little air, where it holds more than noise, and where
        the scales do not differ clearly.
    """
    slices = np.linspace(0, series.shape[0] - 1, min(series.shape[0], MOST_SLICES)).astype(int)
    echoes = series.echoes[:, slices]
    by_slice = [torch.from_numpy(echoes[:, n]) for n in range(len(slices))]
    body = np.stack([foreground(one, noise_from_differences(one)).numpy() for one in by_slice])
    values = values_in_air(echoes, body)
    if values.shape[1] < LEAST_AIR:
        return None
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    between = np.abs(unit @ unit.conj().T)[~np.eye(len(values), dtype=bool)]
    if between.max() > LARGEST_CORRELATION:
        return None
    levels = np.stack([np.log(np.median(np.abs(part), axis=1)) for part in np.array_split(values, CHUNKS, axis=1)])
    relative = levels - levels.mean(1, keepdims=True)
    scales, errors = relative.mean(0), relative.std(0, ddof=1) / np.sqrt(CHUNKS)
    if not np.any(np.abs(scales) > np.maximum(LEAST_LOG_SCALE, CLEAR_ERRORS * errors)):
        return None
    return np.asarray(np.exp(scales - np.median(scales)), dtype=np.float64)
