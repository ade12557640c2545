"""Energy of a field map, data misfit plus smoothness, minimised by moves of all voxels at once.

    E(n) = sum_v J_v(n_v mod K) + sum_pairs w_vu (n_v - n_u)^2,

n the field in bins (any integer: J repeats with the period of K bins, smoothness does not), J the residual profile. In a
move every voxel either stays or takes its own step, all steps upwards or all downwards. The pair costs are then submodular,
because the two mixed choices cost 2 w step_v step_u >= 0 more than the two equal ones, so that the best of all 2^voxels moves
is found exactly by one minimum cut.

References
----------
Hernando, Kellman, Haldar, Liang, Magn Reson Med 2010;63:79 (energy, spatially varying weights, jump moves).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .minimum_cut import BinaryEnergy, Floats, Indices

Labels = npt.NDArray[np.int64]
Profile = npt.NDArray[np.floating]
OFFSETS = ((0, 1, 1.0), (1, 0, 1.0), (1, 1, 2**0.5), (1, -1, 2**0.5))
"""Row, column and distance of one half of the eight neighbours."""


@dataclass(frozen=True, eq=False)
class FieldEnergy:
    """Energy E of one slice.

    Attributes
    ----------
    residual : ndarray, shape (K, voxels)
        Residual energy J, all voxels of a rectangle in row-major order.
    first : ndarray, shape (pairs,), int
        Index of the first voxel of each pair.
    second : ndarray, shape (pairs,), int
        Index of the second voxel of each pair.
    weight : ndarray, shape (pairs,)
        Cost of their squared difference in bins.
    """

    residual: Profile
    first: Indices
    second: Indices
    weight: Floats

    @classmethod
    def of(cls, residual: Profile, smoothness: float, extra: float) -> FieldEnergy:
        """Energy with pairs weighted by the smaller curvature of J at the minima of their two voxels.

        Parameters
        ----------
        residual : ndarray, shape (K, row, column)
            Residual energy J.
        smoothness : float
            Weight in units of that curvature, divided by the distance of the voxels.
        extra : float
            Share of the mean curvature added everywhere, so that the field extends across voxels without signal.

        Returns
        -------
        FieldEnergy
            Energy.
        """
        bins, rows, columns = residual.shape
        best = residual.argmin(0)[None]
        around = [np.take_along_axis(residual, (best + step) % bins, 0)[0].astype(np.float64) for step in (-1, 0, 1)]
        curvature = np.abs(around[0] + around[2] - 2 * around[1])
        curvature = (curvature + extra * curvature.mean()).ravel()
        voxel = np.arange(rows * columns).reshape(rows, columns)
        first, second, weight = [], [], []
        for down, right, distance in OFFSETS:
            own = voxel[: rows - down, max(0, -right) : columns - max(0, right)].ravel()
            neighbour = voxel[down:, max(0, right) : columns + min(0, right)].ravel()
            first.append(own)
            second.append(neighbour)
            weight.append(smoothness / distance * np.minimum(curvature[own], curvature[neighbour]))
        flat = np.ascontiguousarray(residual.reshape(bins, -1))
        return cls(flat, np.concatenate(first), np.concatenate(second), np.concatenate(weight))

    @property
    def bins(self) -> int:
        """Number of bins K of one period."""
        return int(self.residual.shape[0])

    def misfit(self, labels: Labels) -> Floats:
        """J of each voxel at its label, (voxels,)."""
        return np.take_along_axis(self.residual, (labels % self.bins)[None], 0)[0].astype(np.float64)

    def value(self, labels: Labels) -> float:
        """E of labels (voxels,)."""
        apart = labels[self.first] - labels[self.second]
        return float(self.misfit(labels).sum() + (self.weight * (apart * apart)).sum())

    def largest_jump(self, labels: Labels) -> int:
        """Largest difference between neighbours in bins; 0 without neighbours."""
        return int(np.abs(labels[self.first] - labels[self.second]).max(initial=0))

    def best_move(self, labels: Labels, step: Labels) -> Labels:
        """Best of all moves in which each voxel stays or takes its step.

        Parameters
        ----------
        labels : ndarray, shape (voxels,), bins
            Present field.
        step : ndarray, shape (voxels,), bins
            Step of each voxel; all >= 0 or all <= 0.

        Returns
        -------
        ndarray, shape (voxels,), bins
            Field after the move; unchanged if none lowers E.
        """
        moved = np.where(self._of_move(labels, step).minimiser(), labels + step, labels)
        return moved if self.value(moved) < self.value(labels) else labels

    def _of_move(self, labels: Labels, step: Labels) -> BinaryEnergy:
        """E over x = 0 (stay) or 1 (move), minus E of the labels.

        With apart = n_v - n_u a pair costs w (apart + step_v x_v - step_u x_u)^2; multiplied out, x^2 = x and
        x_v x_u = (x_v + x_u - |x_v - x_u|) / 2 leave terms in x_v, x_u and |x_v - x_u| alone.
        """
        apart = labels[self.first] - labels[self.second]
        step_v, step_u = step[self.first], step[self.second]
        of_v = self.weight * step_v * (step_v - step_u + 2 * apart)
        of_u = self.weight * step_u * (step_u - step_v - 2 * apart)
        unary = self.misfit(labels + step) - self.misfit(labels)
        unary += np.bincount(self.first, of_v, unary.size) + np.bincount(self.second, of_u, unary.size)
        return BinaryEnergy(unary, self.first, self.second, self.weight * step_v * step_u)
