"""Noise SD per real channel of a slice, and its foreground."""

from __future__ import annotations

import math
from functools import cache

import torch

from ...physics.signal import residual_degrees_of_freedom
from .neighbours import Neighbours

NORMAL_MAD = 0.674489750196082
"""Median absolute value of a standard normal variable."""
ENOUGH_DIFFERENCES = 20_000
"""Their median determines the noise to one percent."""
FEWEST_PAIRS = 200
"""Of adjacent voxels, for a median that determines the noise to a few percent."""
DETERMINED_PER_S = 80.0
"""SD of R2* above which it may end at the lower limit of its range, which hides part of its spread."""
FOREGROUND_SNR = 4.0
FOREGROUND_SHARE = 0.02


def noise_from_differences(echoes: torch.Tensor, difference_share: float = 1.0) -> torch.Tensor:
    """Noise SD per real channel from a second difference of neighbouring voxels.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        One slice.
    difference_share : float
        Variance of the second difference over that of white noise (`zero_filling.difference_share`).

    Returns
    -------
    torch.Tensor, scalar
        Noise SD; too high where the slice is all texture.

    Notes
    -----
    x[i,j] - x[i,j+1] - x[i+1,j] + x[i+1,j+1] has a standard deviation of 2 sigma, estimated by its median absolute value over
    the slice (zero-filled voxels excluded); the minimum over echoes, because late echoes have the least structure.
    """
    x = torch.view_as_real(echoes)
    apart = 2 * max(1, echoes[0].numel() // ENOUGH_DIFFERENCES)  # not all rows are needed for a median
    upper, lower = x[:, :-1:apart], x[:, 1::apart]
    difference = (upper[:, :, :-1] - upper[:, :, 1:] - lower[:, :, :-1] + lower[:, :, 1:]).abs().flatten(1)
    estimates = []
    for values in difference:
        zero = values == 0
        values = values[~zero] if torch.any(zero) else values  # indexing copies, and few scans are zero-filled
        if values.numel():
            estimates.append(values.median())
    if not estimates:
        return echoes.real.new_zeros(())
    return torch.stack(estimates).min() / (2 * NORMAL_MAD * math.sqrt(difference_share))


def noise_from_residual(residual_energy: torch.Tensor, degrees_of_freedom: int) -> torch.Tensor:
    """Noise SD per real channel from the residual of voxelwise fits.

    Parameters
    ----------
    residual_energy : torch.Tensor, shape (voxels,)
        J of the foreground voxels.
    degrees_of_freedom : int
        Of the residual, at least 1 (`physics.signal.residual_degrees_of_freedom`).

    Returns
    -------
    torch.Tensor, scalar
        Noise SD.

    Notes
    -----
    J / sigma^2 is chi-square distributed; its median is used, so that a minority of voxels with motion or flow does not count.
    """
    return torch.sqrt(residual_energy.median() / chi_square_median(degrees_of_freedom))


def noise_from_decay(
    r2star_per_s: torch.Tensor,
    curvature: torch.Tensor,
    neighbours: Neighbours,
    rough_noise: torch.Tensor,
    difference_shares: tuple[float, float] = (1.0, 1.0),
) -> torch.Tensor:
    """Noise SD per real channel from the differences of R2* between adjacent voxels, for fits of three echoes.

    Parameters
    ----------
    r2star_per_s : torch.Tensor, shape (voxels,), 1/s
        R2* of the chosen fits.
    curvature : torch.Tensor, shape (voxels,)
        Curvature w of the chosen fits.
    neighbours : Neighbours
        Neighbourhood of the voxels.
    rough_noise : torch.Tensor, scalar
        Noise SD from spatial differences: an upper limit (strong iron at high SNR has texture in R2* above the noise), and the
        result where fewer than `FEWEST_PAIRS` pairs of voxels are adjacent.
    difference_shares : tuple of float
        Variance of a difference along rows, and along columns, over that of white noise (`zero_filling.difference_share`).

    Returns
    -------
    torch.Tensor, scalar
        Noise SD.

    Notes
    -----
    The variance of a fitted R2* is sigma^2 / w (`physics.variable_projection`), and few tissues differ in R2* by as much, so
    that (R2*_i - R2*_j) / sqrt(1 / w_i + 1 / w_j) is normal with standard deviation sigma except at edges, to which the median
    is robust. Fits of three echoes leave no residual, and spatial differences of the echoes contain the texture of the tissue.
    Voxels whose R2* is poorly determined are excluded: it would end at a limit of its range.
    """
    first, second = neighbours.adjacent_pairs()
    determined = rough_noise / curvature.sqrt() < DETERMINED_PER_S
    both = determined[first] & determined[second]
    first, second = first[both], second[both]
    if first.numel() < FEWEST_PAIRS:
        return rough_noise
    share = torch.where(second == first + 1, difference_shares[1], difference_shares[0])  # numbered from column to column
    spread = (share * (1 / curvature[first] + 1 / curvature[second])).sqrt()
    found = ((r2star_per_s[first] - r2star_per_s[second]).abs() / spread).median() / NORMAL_MAD
    return torch.minimum(found, rough_noise)


def noise_of_fits(residual_energy: torch.Tensor, n_echoes: int, rough_noise: torch.Tensor) -> torch.Tensor:
    """Noise SD per real channel from the residual of voxelwise fits; `rough_noise` for three echoes, which leave no residual.

    Parameters
    ----------
    residual_energy : torch.Tensor, shape (voxels,)
        J of the foreground voxels.
    n_echoes : int
        Number of echoes.
    rough_noise : torch.Tensor, scalar
        Noise SD from spatial differences.

    Returns
    -------
    torch.Tensor, scalar
        Noise SD.
    """
    return rough_noise if n_echoes == 3 else noise_from_residual(residual_energy, residual_degrees_of_freedom(n_echoes))


@cache
def chi_square_median(degrees: int) -> float:
    """Median of the chi-square distribution by bisection on the regularised incomplete gamma function."""
    low, high = torch.tensor(0.0, dtype=torch.float64), torch.tensor(2.0 * degrees + 10, dtype=torch.float64)
    shape = torch.tensor(degrees / 2, dtype=torch.float64)
    for _ in range(60):
        middle = (low + high) / 2
        if torch.special.gammainc(shape, middle / 2) < 0.5:
            low = middle
        else:
            high = middle
    return float(middle)


def foreground(echoes: torch.Tensor, noise_sd: torch.Tensor) -> torch.Tensor:
    """Voxels whose strongest echo exceeds the noise and 2 % of the brightest tissue.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        One slice.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.

    Returns
    -------
    torch.Tensor, shape (row, column), bool
        Foreground, without isolated voxels (fewer than four in their 3x3 neighbourhood).
    """
    strongest = (echoes.real.square() + echoes.imag.square()).amax(0).sqrt()
    bright = _high_quantile(strongest.flatten()[:: max(1, strongest.numel() // 100_000)], 0.995)
    mask = strongest > torch.maximum(FOREGROUND_SNR * noise_sd, FOREGROUND_SHARE * bright)
    share = torch.nn.functional.avg_pool2d(mask[None, None].float(), 3, 1, 1, count_include_pad=True)[0, 0]
    return mask & (share > 3.5 / 9)


def masked_parts(echoes: torch.Tensor) -> torch.Tensor:
    """Voxels of areas that are exactly zero in one of the echoes: masked, or lost in part.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        One slice.

    Returns
    -------
    torch.Tensor, shape (row, column), bool
        Areas of at least 3x3 voxels; single zeros are small values that were rounded.
    """
    zero = echoes == 0
    if not torch.any(zero):
        return zero[0]
    eroded = -torch.nn.functional.max_pool2d(-zero.float()[:, None], 3, 1, 1)
    return torch.nn.functional.max_pool2d(eroded, 3, 1, 1)[:, 0].amax(0) > 0


def _high_quantile(values: torch.Tensor, share: float) -> torch.Tensor:
    """Result of `torch.quantile`, by sorting the largest values only."""
    rank = share * (values.numel() - 1)
    below = int(rank)
    top = values.topk(values.numel() - below).values
    return torch.lerp(top[-1], top[-2] if top.numel() > 1 else top[-1], rank - below)
