"""How far magnitudes alone move the fat fractions of a result, block by block.

Magnitudes determine water, fat and R2* without the phase (but for a second solution with water and fat exchanged), so whatever
is wrong with the phase alone moves a complex estimate away from what they read. From the maps the nearest solution of the
magnitudes is reached by one change of PDFF and one of R2* of all voxels of a block: maximum likelihood under Rician noise, the
amplitude of each voxel free. The comparison of an efficient estimate with one that needs fewer assumptions is that of Hausman
(Econometrica 1978;46:1251).

Magnitudes do not follow the model to the last digit either. What they leave over above noise, the voxels of a block in common
and each by itself, counts as an error that these voxels share, and goes into the standard deviation of the change; so does what
a typical block of the scan leaves over. It does not depend on the phase, so a wrong phase cannot hide itself in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch

from ..physics.magnitude_signal import magnitude_model, rician_information, rician_score
from .estimated_scan import EstimatedScan
from .methods.magnitude import LARGEST_FRACTION, LEAST_FRACTION
from .voxelwise.bright_sample import random_voxels

BLOCKS = 16
"""Blocks along rows and along columns of a slice."""
MOST_SLICES, MOST_VOXELS = 16, 8000
LEAST_VOXELS = 6
"""Of a block."""
STEPS, LONGEST_STEP, LONGEST_R2STAR = 3, 0.1, 200.0
"""Fisher scoring; the longest steps of fat fraction and R2* (1/s)."""
R2STAR_PER_S = (-200.0, 2000.0)
COMMON_SHARE = 1.0
"""Share of the misfit of single voxels that all of a block may have: edges mix tissues and ring over several voxels."""
LEAST_INFORMATION = 0.05
"""Echoes below the noise still restrain a fit."""
MISFIT_OF_THREE_ECHOES = 0.01
"""Share of the signal; three magnitudes leave nothing over that would show it. Four real scans lie at 0.000 to 0.016."""


@dataclass(frozen=True, eq=False)
class MagnitudeShift:
    """What magnitudes alone read, against a result; one entry a block of voxels.

    Attributes
    ----------
    slices : tuple of int
        Slices that were looked at.
    block : numpy.ndarray, shape (3, blocks), int
        Position in `slices`, and place among `BLOCKS` along rows and columns.
    voxels : numpy.ndarray, shape (blocks,), int
        Voxels that were looked at.
    pdff : numpy.ndarray, shape (blocks,), percent
        Median PDFF of the maps.
    change : numpy.ndarray, shape (blocks,), percentage points
        PDFF of the magnitudes minus that of the maps.
    noise_sd, model_sd : numpy.ndarray, shape (blocks,), percentage points
        Standard deviation of the change by noise, and by what magnitudes leave over.
    """

    slices: tuple[int, ...]
    block: npt.NDArray[np.int64]
    voxels: npt.NDArray[np.int64]
    pdff: npt.NDArray[np.float64]
    change: npt.NDArray[np.float64]
    noise_sd: npt.NDArray[np.float64]
    model_sd: npt.NDArray[np.float64]


def find_magnitude_shift(
    scan: EstimatedScan, pdff: npt.NDArray[np.floating], noise_sd: Sequence[float]
) -> MagnitudeShift | None:
    """Compare a result with what its magnitudes alone read.

    Parameters
    ----------
    scan : EstimatedScan
        Scan and result.
    pdff : numpy.ndarray, shape (slice, row, column), percent
        PDFF of the maps before a correction of T1 weighting.
    noise_sd : sequence of float
        Noise per real channel of each slice, in the unit of the echoes, not taken from the fit.

    Returns
    -------
    MagnitudeShift or None
        None where no block has enough voxels.
    """
    series, maps = scan.series, scan.maps
    filled = np.flatnonzero(maps.mask.any(axis=(1, 2)))
    if not filled.size:
        return None
    _, rows, columns = series.shape
    slices = filled[np.linspace(0, filled.size - 1, min(filled.size, MOST_SLICES)).astype(int)]
    magnitudes, start, places, noise = [], [], [], []
    for position, index in enumerate(slices.tolist()):
        here = np.flatnonzero(maps.mask[index])
        here = here[random_voxels(here.size, MOST_VOXELS // slices.size).numpy()]
        corrected = scan.corrected(index).reshape(series.n_echoes, -1)[:, here]
        magnitudes.append(np.abs(corrected))
        start.append(np.stack([pdff[index].ravel()[here] / 100, maps.r2star[index].ravel()[here]]))
        row, column = np.unravel_index(here, (rows, columns))
        places.append(np.stack([np.full(here.size, position), row * BLOCKS // rows, column * BLOCKS // columns]))
        noise.append(np.full(here.size, noise_sd[index]))
    block, of_voxel, voxels = np.unique(np.concatenate(places, axis=1), axis=1, return_inverse=True, return_counts=True)
    of_voxel = of_voxel.ravel()
    start_of = np.concatenate(start, axis=1)
    te = torch.from_numpy(series.te_s)
    blocks = _Blocks(
        torch.from_numpy(np.concatenate(magnitudes, axis=1)).double(),
        torch.from_numpy(start_of).double(),
        torch.from_numpy(np.concatenate(noise)).double().clamp_min(1e-12),
        te - te[0],
        scan.spectrum.modulation(te, series.field_strength_t),
        torch.from_numpy(of_voxel),
        len(voxels),
    )
    change, of_noise, of_model = (x.numpy() for x in blocks.change())
    kept = (voxels >= LEAST_VOXELS) & np.isfinite(change) & np.isfinite(of_noise) & np.isfinite(of_model)
    if not kept.any():
        return None
    order = np.argsort(of_voxel, kind="stable")
    parts = np.split(100 * start_of[0][order], np.cumsum(voxels)[:-1])
    read = np.array([np.median(part) for part in parts])
    return MagnitudeShift(
        tuple(slices.tolist()),
        block[:, kept],
        voxels[kept],
        read[kept],
        *(100 * x[kept] for x in (change, of_noise, of_model)),
    )


@dataclass(frozen=True, eq=False)
class _Linear:
    """Magnitudes at a change, to first order, clear of the amplitude of a voxel.

    Attributes
    ----------
    slopes : torch.Tensor, shape (2, echo, voxels)
        Derivatives with respect to fat fraction and R2*.
    score : torch.Tensor, shape (echo, voxels)
        Derivative of the log-likelihood with respect to the magnitudes.
    amplitude : torch.Tensor, shape (voxels,)
        S.
    information : torch.Tensor, shape (echo, voxels)
        Fisher information of the magnitudes.
    inverse : torch.Tensor, shape (2, 2, blocks)
        Inverse information of the change.
    """

    slopes: torch.Tensor
    score: torch.Tensor
    amplitude: torch.Tensor
    information: torch.Tensor
    inverse: torch.Tensor


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Magnitudes (echo, voxels), fat fraction and R2* (2, voxels), noise (voxels,), and the block of each voxel."""

    magnitudes: torch.Tensor
    start: torch.Tensor
    noise: torch.Tensor
    tau_s: torch.Tensor
    modulation: torch.Tensor
    of_voxel: torch.Tensor
    count: int

    def change(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Change of the fat fraction of each block, its SD by noise, and by what magnitudes leave over."""
        total = self._fitted()
        at = self._at(total)
        effect = torch.einsum("bk,bnk->kn", at.inverse[0], self._sum(at.slopes * at.information * at.amplitude))
        return total[0], at.inverse[0, 0].sqrt(), effect.norm(dim=1) * self._misfit(total)

    def _fitted(self) -> torch.Tensor:
        """Change of fat fraction and R2* of each block, (2, blocks), of most likelihood."""
        total = torch.zeros(2, self.count, dtype=torch.float64)
        for _ in range(STEPS):
            at = self._at(total)
            step = torch.einsum("abk,bk->ak", at.inverse, self._sum((at.slopes * at.score).sum(1)))
            total = total + torch.stack(
                [step[0].clamp(-LONGEST_STEP, LONGEST_STEP), step[1].clamp(-LONGEST_R2STAR, LONGEST_R2STAR)]
            )
        return total

    def _misfit(self, total: torch.Tensor) -> torch.Tensor:
        """Root mean square error of an echo that the voxels of a block may share, as a share of the signal, (blocks,).

        It is what magnitudes leave when each voxel is fitted by itself: fat fractions that a wrong phase moves unevenly are no
        misfit.
        """
        degrees = self.magnitudes.shape[0] - 3
        if degrees == 0:
            return torch.full((self.count,), MISFIT_OF_THREE_ECHOES, dtype=torch.float64)
        voxels = torch.arange(self.of_voxel.numel())
        single = replace(self, start=self.start + total[:, self.of_voxel], of_voxel=voxels, count=voxels.numel())
        at = single._at(single._fitted())
        weight = at.amplitude / self.noise.square()
        energy = self._sum(weight * at.amplitude)
        left = self._sum(weight * at.score / at.information) / energy
        common = (left.square().sum(0) / degrees - 1 / energy).clamp_min(0)
        each = self._sum((at.score.square() / at.information).sum(0) / degrees - 1).clamp_min(0) / energy
        return torch.sqrt(common + torch.nan_to_num(common).median() + COMMON_SHARE**2 * each)

    def _at(self, total: torch.Tensor) -> _Linear:
        """At a change (2, blocks) of fat fraction and R2*."""
        fraction, r2star = self.start + total[:, self.of_voxel]
        fraction, r2star = fraction.clamp(LEAST_FRACTION, LARGEST_FRACTION), r2star.clamp(*R2STAR_PER_S)
        one = torch.ones_like(fraction)
        shape = magnitude_model(one, fraction, r2star, self.tau_s, self.modulation).values
        amplitude = (shape * self.magnitudes).sum(0) / shape.square().sum(0).clamp_min(1e-30)
        model = magnitude_model(amplitude, fraction, r2star, self.tau_s, self.modulation)
        variance = self.noise.square()
        information = rician_information(model.values / self.noise).clamp_min(LEAST_INFORMATION) / variance
        score = rician_score(self.magnitudes, model.values, self.noise) / variance
        along = (information * shape).div((information * shape.square()).sum(0))
        slopes = model.jacobian[1:] - shape * (along * model.jacobian[1:]).sum(1, keepdim=True)
        score = score - information * shape * (shape * score).sum(0) / (information * shape.square()).sum(0)
        matrix = self._sum(torch.einsum("anv,bnv->abv", slopes * information, slopes))
        determinant = (matrix[0, 0] * matrix[1, 1] - matrix[0, 1].square()).clamp_min(1e-300)
        adjoint = torch.stack([torch.stack([matrix[1, 1], -matrix[0, 1]]), torch.stack([-matrix[0, 1], matrix[0, 0]])])
        return _Linear(slopes, score, amplitude, information, adjoint / determinant)

    def _sum(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of values (..., voxels) over the voxels of each block, (..., blocks)."""
        return values.new_zeros((*values.shape[:-1], self.count)).index_add_(-1, self.of_voxel, values)
