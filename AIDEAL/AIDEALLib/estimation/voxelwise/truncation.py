"""Whether k-space was truncated, so that images ring: zero filling, or an alternation from voxel to voxel beyond chance.

How a scan was reconstructed is the same for all its slices, so that a few of them decide for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..zero_filling import filled_part
from .noise import noise_from_differences

EXAMINED = (0.25, 0.5, 0.75)
"""Places in the stack of the slices that decide for all."""
THIRD_DIFFERENCE = (1 / 8, -3 / 8, 3 / 8, -1 / 8)
"""Returns values that alternate in sign, and 0 for values that change linearly or quadratically."""
LAGS = ((4, 1), (5, -1), (6, 1))
"""Distances at which third differences have no voxel in common, and the sign of their product in ringing."""
LEAST_COHERENCE = 0.015
"""Sum of the correlations at `LAGS` from which images ring. It is within 0.01 of 0 in simulated images that do not, and 0.1 or
more at SNR 30 in images that do; at SNR 10, where ringing is below the noise, it is 0.01."""
CLEAR_ERRORS = 5.5
"""Standard errors that the sum has to be above 0. They are those of independent voxels, and third differences overlap: images
that do not ring reach 5.0."""


def truncated_k_space_of_scan(
    echoes_of: Callable[[int], npt.NDArray[np.complex64]], n_slices: int
) -> npt.NDArray[np.bool_] | None:
    """Part of k-space that was not truncated, of a scan.

    Parameters
    ----------
    echoes_of : callable
        Corrected echoes (echo, row, column) of a slice.
    n_slices : int
        Number of slices.

    Returns
    -------
    np.ndarray, shape (row, column), bool, or None
        As `truncated_k_space` returns it for the slices at `EXAMINED`.
    """
    slices = [torch.from_numpy(echoes_of(z)) for z in sorted({round(share * (n_slices - 1)) for share in EXAMINED})]
    return truncated_k_space(slices, float(min(noise_from_differences(echoes) for echoes in slices)))


def truncated_k_space(slices: Sequence[torch.Tensor], noise_sd: float) -> npt.NDArray[np.bool_] | None:
    """Part of k-space that was not truncated.

    Parameters
    ----------
    slices : sequence of torch.Tensor, shape (echo, row, column), complex
        Whole images of some slices.
    noise_sd : float
        Noise SD per real channel.

    Returns
    -------
    np.ndarray, shape (row, column), bool, or None
        In the order of the discrete Fourier transform; None where nothing shows that k-space was truncated: it is not zero
        filled, and nothing alternates beyond chance.
    """
    filled = filled_part((echoes.cpu().numpy() for echoes in slices), noise_sd)
    if filled is None and Coherence.of(slices).rings:
        return np.ones(slices[0].shape[1:], np.bool_)
    return filled


@dataclass(frozen=True)
class Coherence:
    """How far the alternating part continues from voxel to voxel, as ringing does and noise, edges and texture do not.

    Attributes
    ----------
    value : float
        Sum over `LAGS` of the mean over voxels and both axes of 2 Re(x^H y) / (|x|^2 + |y|^2), x and y the third differences
        (echo,) of two voxels at that distance, times the sign of ringing. Strong edges count no more than other voxels.
    error : float
        Its standard error if voxels were independent.
    """

    value: float
    error: float

    @classmethod
    def of(cls, slices: Sequence[torch.Tensor]) -> Coherence:
        """Measure it in images of some slices, (echo, row, column), complex."""
        values = torch.cat([_alternation(echoes) for echoes in slices])
        if not values.numel():
            return cls(0.0, math.inf)
        return cls(float(values.mean()), float(values.std() / math.sqrt(values.numel())))

    @property
    def rings(self) -> bool:
        """Whether the images ring beyond chance."""
        return self.value > max(LEAST_COHERENCE, CLEAR_ERRORS * self.error)


def _alternation(echoes: torch.Tensor) -> torch.Tensor:
    """Terms of `Coherence.value` of the voxels of a slice that are not all 0, (voxels,)."""
    total = torch.zeros(echoes.shape[1:], device=echoes.device)
    counted = torch.zeros_like(total)
    for dim in (1, 2):
        x = third_difference(echoes, dim, 1)
        energy = echo_energy(x)
        for lag, sign in LAGS:
            both = energy + energy.roll(-lag, dim - 1)
            product = 2 * (x.conj() * x.roll(-lag, dim)).real.sum(0)
            known = both > 0  # not where the background was set to 0
            total += torch.where(known, sign * product / both, 0.0)
            counted += known
    known = counted > 0
    return len(LAGS) * total[known] / counted[known]


def third_difference(images: torch.Tensor, dim: int, step: int) -> torch.Tensor:
    """Third difference along an axis, continued periodically.

    Parameters
    ----------
    images : torch.Tensor, shape (echo, row, column), complex
        Images.
    dim : int
        1 from row to row, 2 from column to column.
    step : int
        Distance of its terms in voxels; below 0 towards the other side.

    Returns
    -------
    torch.Tensor, shape (echo, row, column), complex
        The difference, scaled so that what alternates in sign is returned as it is.
    """
    return sum((weight * images.roll(-k * step, dim) for k, weight in enumerate(THIRD_DIFFERENCE)), torch.zeros_like(images))


def echo_energy(images: torch.Tensor) -> torch.Tensor:
    """Sum of the squares over the echoes, (row, column)."""
    return images.real.square().sum(0) + images.imag.square().sum(0)
