"""Noise per real channel of a slice, and which voxels carry signal."""

from __future__ import annotations

import torch

from ...physics.signal import residual_degrees_of_freedom
from .neighbours import Neighbours

NORMAL_MAD = 0.674489750196082
"""Median absolute value of a standard normal variable."""
FEWEST_PAIRS = 200
"""Of adjacent voxels, for a median that tells the noise to some percent."""
DETERMINED_PER_S = 80.0
"""SD up to which an R2* of tissue hardly ever ends at the lower limit of its range, which would hide part of its spread."""
FOREGROUND_SNR = 4.0
FOREGROUND_SHARE = 0.02


def noise_from_differences(echoes: torch.Tensor) -> torch.Tensor:
    """Noise standard deviation per real channel from a second difference of neighbouring voxels, scalar.

    x[i,j] - x[i,j+1] - x[i+1,j] + x[i+1,j+1] has standard deviation 2 sigma; its median absolute value over the slice
    (zero-filled voxels left out), the least over echoes, because late echoes carry the least structure. Needs no fit; too high
    where the slice is all texture.

    Parameters
    ----------
    echoes : complex (echo, row, column).
    """
    x = torch.view_as_real(echoes)
    upper, lower = x[:, :-1:2], x[:, 1::2]  # every second pair of rows is enough for a median
    difference = (upper[:, :, :-1] - upper[:, :, 1:] - lower[:, :, :-1] + lower[:, :, 1:]).abs().flatten(1)
    estimates = []
    for values in difference:
        zero = values == 0
        values = values[~zero] if torch.any(zero) else values  # indexing copies, and few scans are filled with zeros
        if values.numel():
            estimates.append(values.median())
    if not estimates:
        return echoes.real.new_zeros(())
    return torch.stack(estimates).min() / (2 * NORMAL_MAD)


def noise_from_residual(residual_energy: torch.Tensor, degrees_of_freedom: int) -> torch.Tensor:
    """Noise standard deviation per real channel from what voxelwise fits leave over, scalar.

    The residual energy over sigma^2 is chi-square with 2 N - 6 degrees of freedom (N complex echoes; water, fat, field and R2*
    fitted); its median is used, so that a minority of voxels with motion or flow does not count.

    Parameters
    ----------
    residual_energy : J of the foreground voxels, (voxels,); n_echoes : N, at least 4.
    """
    return torch.sqrt(residual_energy.median() / chi_square_median(degrees_of_freedom))


def noise_from_decay(
    r2star_per_s: torch.Tensor, curvature: torch.Tensor, neighbours: Neighbours, rough_noise: torch.Tensor
) -> torch.Tensor:
    """Noise standard deviation per real channel from how much R2* differs between adjacent voxels, scalar.

    The variance of a fitted R2* is sigma^2 / w (`physics.variable_projection`), and few tissues differ in R2* by as much, so
    that (R2*_i - R2*_j) / sqrt(1 / w_i + 1 / w_j) is normal with standard deviation sigma but for edges, which the median
    passes over. For three echoes, whose fits leave no residual; spatial differences of the echoes themselves contain the
    texture of the tissue. Voxels whose R2* is hardly determined would end at a limit of its range, and are left out.

    Parameters
    ----------
    r2star_per_s, curvature : R2* and w of the chosen fits, (voxels,).
    rough_noise : from spatial differences; never exceeded (strong iron at high SNR has texture in R2* above the noise), and the
        answer where fewer than `FEWEST_PAIRS` voxels adjoin each other.
    """
    first, second = neighbours.adjacent_pairs()
    determined = rough_noise / curvature.sqrt() < DETERMINED_PER_S
    both = determined[first] & determined[second]
    first, second = first[both], second[both]
    if first.numel() < FEWEST_PAIRS:
        return rough_noise
    spread = (1 / curvature[first] + 1 / curvature[second]).sqrt()
    found = ((r2star_per_s[first] - r2star_per_s[second]).abs() / spread).median() / NORMAL_MAD
    return torch.minimum(found, rough_noise)


def noise_of_fits(residual_energy: torch.Tensor, n_echoes: int, rough_noise: torch.Tensor) -> torch.Tensor:
    """Noise per real channel from the residual of voxelwise fits, scalar; for three echoes, which leave none, `rough_noise`."""
    return rough_noise if n_echoes == 3 else noise_from_residual(residual_energy, residual_degrees_of_freedom(n_echoes))


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
    """Voxels whose strongest echo stands clear of the noise and of 2 % of the brightest tissue, bool (row, column).

    Lone voxels (fewer than four of the nine in their neighbourhood) are dropped.

    Parameters
    ----------
    echoes : complex (echo, row, column); noise_sd : scalar.
    """
    strongest = (echoes.real.square() + echoes.imag.square()).amax(0).sqrt()
    bright = _high_quantile(strongest.flatten()[:: max(1, strongest.numel() // 100_000)], 0.995)
    mask = strongest > torch.maximum(FOREGROUND_SNR * noise_sd, FOREGROUND_SHARE * bright)
    crowd = torch.nn.functional.avg_pool2d(mask[None, None].float(), 3, 1, 1, count_include_pad=True)[0, 0]
    return mask & (crowd > 3.5 / 9)


def _high_quantile(values: torch.Tensor, share: float) -> torch.Tensor:
    """What `torch.quantile` gives, by sorting the largest values only."""
    rank = share * (values.numel() - 1)
    below = int(rank)
    top = values.topk(values.numel() - below).values
    return torch.lerp(top[-1], top[-2] if top.numel() > 1 else top[-1], rank - below)
