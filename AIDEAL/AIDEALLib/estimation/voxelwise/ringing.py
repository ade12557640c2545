"""What truncated k-space (`truncation`) does to PDFF beside edges, and the SD that it adds: ringing and mixed voxels.

An edge loses what lies beyond the highest wave number k_max of the scan. The loss itself cannot be seen, but the spectrum of an
edge falls as 1/k, so that what an image holds next to k_max measures it. A second difference of neighbouring voxels retains
that part. The change of PDFF when it is taken off the echoes is large where the error is, at edges and in the ringing beside
them. It is no correction: in single voxels it differs too much from the error.

References
----------
Truncation: Gibbs, Nature 1898;59:200. Ringing of edges: Kellner et al., Magn Reson Med 2016;76:1574.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...physics.variable_projection import EchoBasis, fit
from .fat_fraction import pdff_signed
from .least_squares import weighted_least_squares
from .mode import Mode
from .neighbours import Neighbours

ABOVE_NOISE = 1.2
"""Means over neighbours below so many times what noise gives are chance."""
NEAREST_RINGS = 1
"""Rings of neighbours that are averaged: the error changes from voxel to voxel."""
LOST_SHARE = 0.4
"""Mean square error over that of the part next to k_max, per voxel of the image in one of the scan. The best coverage in
simulated patients (five protocols, SNR 15 and 50) has 0.33, 0.49, 0.65 and 0.74 where 1, 1.25, 1.6 and 2 voxels are one of
the scan, an ideal edge in one dimension 0.18, 0.36, 0.65 and 0.96."""
LARGEST_CHANGE = 100.0
"""Limit of the change of PDFF, percentage points, where there is hardly any signal."""


@dataclass(frozen=True)
class Ringing:
    """The part of the echoes next to the highest wave number of truncated k-space.

    Attributes
    ----------
    parts : torch.Tensor, shape (axis, echo, row, column) or (axis, echo, voxels), complex
        That part along rows and along columns.
    lost_shares : tuple of float, one per axis
        Mean square of what is lost over that of the part, in images of edges.
    noise_share : float
        Variance of the parts over that of the noise in images of nothing but noise, summed with `lost_shares` as weights.
    """

    parts: torch.Tensor
    lost_shares: tuple[float, ...]
    noise_share: float

    @classmethod
    def of(cls, echoes: torch.Tensor, filled: npt.NDArray[np.bool_]) -> Ringing:
        """Find the part of a slice.

        Parameters
        ----------
        echoes : torch.Tensor, shape (echo, row, column), complex
            Whole images.
        filled : np.ndarray, shape (row, column), bool
            Part of k-space that was not truncated (`truncation.truncated_k_space`).

        Returns
        -------
        Ringing
            The part next to k_max along each axis.

        Notes
        -----
        The second difference of adjacent voxels, over 4, has the gain sin^2(pi k); it is scaled to 1 at k_max cycles per voxel.
        On noise its variance is mean_S sin^4(pi k) / sin^4(pi k_max) of that of white noise on the part S of k-space that was
        filled. One voxel of the scan is 1 / (2 k_max) voxels wide.
        """
        parts, shares, noise_share = [], [], 0.0
        for axis, cycles in enumerate(np.meshgrid(*(np.fft.fftfreq(n) for n in filled.shape), indexing="ij")):
            highest = float(filled.any(1 - axis).mean()) / 2
            gain = math.sin(math.pi * highest) ** 2
            parts.append(second_difference(echoes, axis + 1) / gain)
            shares.append(LOST_SHARE / (2 * highest))
            noise_share += shares[-1] * float((np.sin(np.pi * cycles[filled]) ** 4).mean()) / gain**2
        return cls(torch.stack(parts), tuple(shares), noise_share)

    def within(self, mask: torch.Tensor) -> Ringing:
        """The part in the True voxels of `mask` (row, column), in its order."""
        return Ringing(self.parts[..., mask], self.lost_shares, self.noise_share)


def second_difference(echoes: torch.Tensor, dim: int) -> torch.Tensor:
    """Second difference of adjacent voxels along one axis.

    Parameters
    ----------
    echoes : torch.Tensor, shape (echo, row, column), complex
        Images, continued periodically.
    dim : int
        1 from row to row, 2 from column to column.

    Returns
    -------
    torch.Tensor, shape (echo, row, column), complex
        (2 s(x) - s(x - 1) - s(x + 1)) / 4, which returns what alternates from voxel to voxel as it is.
    """
    return (2 * echoes - echoes.roll(1, dim) - echoes.roll(-1, dim)) / 4


def ringing_variance_factor(
    best: Mode, voxels: torch.Tensor, ringing: Ringing, noise_sd: torch.Tensor, basis: EchoBasis, neighbours: Neighbours
) -> torch.Tensor:
    """Variance of PDFF by noise and truncation together over that by noise.

    Parameters
    ----------
    best : Mode
        Reported mode.
    voxels : torch.Tensor, shape (echo, voxels), complex
        Echoes.
    ringing : Ringing
        Part of these echoes next to k_max.
    noise_sd : torch.Tensor, scalar
        Noise SD per real channel.
    basis : EchoBasis
        Constants of the protocol.
    neighbours : Neighbours
        Neighbourhood of the voxels.

    Returns
    -------
    torch.Tensor, shape (voxels,)
        1 or more: 1 + the mean square change of PDFF over each voxel and its nearest neighbours, times the share that is lost,
        in stated variances, above what noise gives. The change is that of the weighted least-squares solution at the field and
        R2* of the mode, under the prior of the field that its variance implies.
    """
    whole = fit(voxels, best.field_hz, best.r2star_per_s, basis)
    own_precision = 4 * torch.pi**2 * whole.curvature / noise_sd**2
    prior_variance = 1 / (1 / best.field_variance - own_precision).clamp_min(1e-12)
    solution = weighted_least_squares(whole, noise_sd, prior_variance)
    pdff = pdff_signed(solution.water, solution.fat)
    lost = torch.zeros_like(pdff)
    for share, part in zip(ringing.lost_shares, ringing.parts, strict=True):
        without = fit(voxels - part, best.field_hz, best.r2star_per_s, basis)
        solution = weighted_least_squares(without, noise_sd, prior_variance)
        change = (pdff - pdff_signed(solution.water, solution.fat)).nan_to_num().clamp(-LARGEST_CHANGE, LARGEST_CHANGE)
        lost = lost + share * change**2
    ratio = lost / best.pdff_variance
    ratio = torch.where(torch.isfinite(ratio), ratio, 0.0)  # not where there is no signal, or no noise
    return 1 + (neighbours.mean_around(ratio, NEAREST_RINGS) - ABOVE_NOISE * ringing.noise_share).clamp_min(0)
