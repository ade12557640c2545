"""Ringing of truncated k-space (`truncation`) in the images, and the SD of PDFF that it adds.

Beside an edge, ringing changes its sign from one sampling distance to the next and decays slowly. A third difference along an
axis keeps what alternates and removes what is smooth; of its two sides the one with less energy does not reach across the
edge. The change of PDFF when that part is taken off the echoes measures the error of a neighbourhood: on simulated scans it
decays with the distance from edges as the error does. It is no correction: in single voxels it differs too much from the error.

References
----------
Truncation: Gibbs, Nature 1898;59:200. Windows on one side of an edge: Kellner et al., Magn Reson Med 2016;76:1574.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...physics.variable_projection import EchoBasis, LinearFit, fit
from .fat_fraction import pdff_signed
from .least_squares import weighted_least_squares
from .mode import Mode
from .neighbours import Neighbours
from .truncation import echo_energy, third_difference

ABOVE_NOISE = 1.2
"""Means over neighbours below so many times what noise gives are chance."""
NEAREST_RINGS = 2
"""Rings of neighbours that are averaged: ringing decays within few voxels."""
LARGEST_CHANGE = 100.0
"""Limit of the change of PDFF, percentage points, where there is hardly any signal."""


@dataclass(frozen=True)
class Ringing:
    """The part of the echoes that alternates from voxel to voxel, of images that ring.

    Attributes
    ----------
    part : torch.Tensor, shape (echo, row, column) or (echo, voxels), complex
        Sum of the alternating parts along rows and columns.
    noise_share : float
        Its variance over that of the noise in images of nothing but noise, before the side of less energy is chosen.
    """

    part: torch.Tensor
    noise_share: float

    @classmethod
    def of(cls, echoes: torch.Tensor, filled: npt.NDArray[np.bool_]) -> Ringing:
        """Find the ringing of a slice.

        Parameters
        ----------
        echoes : torch.Tensor, shape (echo, row, column), complex
            Whole images.
        filled : np.ndarray, shape (row, column), bool
            Part of k-space that was not truncated (`truncation.truncated_k_space`).

        Returns
        -------
        Ringing
            The alternating part.

        Notes
        -----
        Truncation at k_max cycles per voxel rings with that wave number; images without zero filling alternate from voxel to
        voxel. A third difference over h voxels, h next to 1 / (2 k_max), returns sin^3(pi k_max h) of it, which is divided out,
        and has a variance of mean_S sin^6(pi k h) times that of white noise on the part S of k-space that was filled.
        """
        part, noise_share = torch.zeros_like(echoes), 0.0
        for axis, cycles in enumerate(np.meshgrid(*(np.fft.fftfreq(n) for n in filled.shape), indexing="ij")):
            highest = float(filled.any(1 - axis).mean()) / 2
            step = round(1 / (2 * highest))
            gain = math.sin(math.pi * highest * step) ** 3
            part += alternating_part(echoes, axis + 1, step) / gain
            noise_share += float((np.sin(np.pi * cycles[filled] * step) ** 6).mean()) / gain**2
        return cls(part, noise_share)

    def within(self, mask: torch.Tensor) -> Ringing:
        """Ringing of the True voxels of `mask` (row, column), in its order."""
        return Ringing(self.part[:, mask], self.noise_share)


def alternating_part(echoes: torch.Tensor, dim: int, step: int = 1) -> torch.Tensor:
    """Part of images that alternates along one axis.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        Images, continued periodically.
    dim : int
        1 from row to row, 2 from column to column.
    step : int
        Voxels after which the sign changes.

    Returns
    -------
    torch.Tensor, shape (echo, row, column), complex
        Third differences, in each voxel to the side where all echoes together have less of it.
    """
    before, after = third_difference(echoes, dim, -step), third_difference(echoes, dim, step)
    return torch.where(echo_energy(before) < echo_energy(after), before, after)


def ringing_variance_factor(
    best: Mode, voxels: torch.Tensor, ringing: Ringing, noise_sd: torch.Tensor, basis: EchoBasis, neighbours: Neighbours
) -> torch.Tensor:
    """Variance of PDFF by noise and ringing together over that by noise.

    Parameters
    ----------
    best : Mode
        Reported mode.
    voxels : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    ringing : Ringing
        Alternating part of these echoes.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    basis : EchoBasis
        Constants of the protocol.
    neighbours : Neighbours
        Neighbourhood of the voxels.

    Returns
    -------
    torch.Tensor, shape (voxels,)
        1 or more: 1 + the mean square change of PDFF over each voxel and its nearest neighbours, in stated variances, above
        what noise gives. The change is that of the weighted least-squares solution at the field and R2* of the mode, under the
        prior of the field that its variance implies.
    """

    def solved(echoes: torch.Tensor) -> LinearFit:
        return fit(echoes, best.field_hz, best.r2star_per_s, basis)

    with_part, without = solved(voxels), solved(voxels - ringing.part)
    own_precision = 4 * torch.pi**2 * with_part.curvature / noise_sd**2
    prior_variance = 1 / (1 / best.field_variance - own_precision).clamp_min(1e-12)
    change = torch.zeros_like(best.pdff)
    for sign, linear_fit in ((1, with_part), (-1, without)):
        solution = weighted_least_squares(linear_fit, noise_sd, prior_variance)
        change = change + sign * pdff_signed(solution.water, solution.fat)
    ratio = change.nan_to_num().clamp(-LARGEST_CHANGE, LARGEST_CHANGE) ** 2 / best.pdff_variance
    ratio = torch.where(torch.isfinite(ratio), ratio, 0.0)  # not where there is no signal, or no noise
    return 1 + (neighbours.mean_around(ratio, NEAREST_RINGS) - ABOVE_NOISE * ringing.noise_share).clamp_min(0)
