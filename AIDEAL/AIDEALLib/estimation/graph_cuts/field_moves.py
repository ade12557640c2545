"""Steps of a voxel towards a smooth field: to its next local minimum, by a fat shift, or by a few bins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .field_energy import Labels, Profile

FINE_STEPS = (8, -8, 4, -4, 2, -2, 1, -1)
"""Bins; the last ones leave the field at its best bin."""


@dataclass(frozen=True, eq=False)
class Jumps:
    """Distances to the next local minimum.

    Attributes
    ----------
    up : ndarray, shape (K, voxels), bins
        Distance upwards from each bin of each voxel to its next minimum; 0 where the voxel has none.
    down : ndarray, shape (K, voxels), bins
        The same downwards.
    """

    up: npt.NDArray[np.int16]
    down: npt.NDArray[np.int16]

    @classmethod
    def of(cls, minima: npt.NDArray[np.bool_], nearest: int) -> Jumps:
        """Tabulate distances; minima (K, voxels) on the circle of K bins nearer than `nearest` bins are skipped."""
        return cls(_next(minima, nearest), _next(minima[::-1], nearest)[::-1])

    def step(self, labels: Labels, upwards: bool, otherwise: int) -> Labels:
        """Steps of all voxels in one direction.

        Parameters
        ----------
        labels : ndarray, shape (voxels,), bins
            Present field.
        upwards : bool
            Direction.
        otherwise : int, bins
            Step of voxels without a minimum, not negative.

        Returns
        -------
        ndarray, shape (voxels,), bins
            Steps.
        """
        table = self.up if upwards else self.down
        distance = np.take_along_axis(table, (labels % table.shape[0])[None], 0)[0].astype(np.int64)
        distance = np.where(distance == 0, otherwise, distance)
        return distance if upwards else -distance


def local_minima(residual: Profile, mask: npt.NDArray[np.bool_], deepest_share: float) -> npt.NDArray[np.bool_]:
    """Local minima over the circle of bins in the lowest share of a voxel's range.

    Parameters
    ----------
    residual : ndarray, shape (K, voxels)
        Residual energy J.
    mask : ndarray, shape (voxels,), bool
        Voxels with signal; the others get no minima.
    deepest_share : float
        Share of the range of J of a voxel, from its minimum.

    Returns
    -------
    ndarray, shape (K, voxels), bool
        Minima.
    """
    least, most = residual.min(0), residual.max(0)
    deep = residual <= least + deepest_share * (most - least)
    lower = (residual < np.roll(residual, 1, 0)) & (residual <= np.roll(residual, -1, 0))
    return deep & lower & mask


def _next(minima: npt.NDArray[np.bool_], nearest: int) -> npt.NDArray[np.int16]:
    """Distance upwards to the next minimum at least `nearest` bins away, 0 where there is none."""
    bins = minima.shape[0]
    ahead = np.full(minima.shape, 2 * bins, np.int16)
    running = np.full(minima.shape[1], 2 * bins, np.int16)
    for k in range(2 * bins - 1, -1, -1):  # twice around: in the second turn the minimum ahead is known to every bin
        running = np.where(minima[k % bins], np.int16(0), running + np.int16(1))
        ahead[k % bins] = running
    found = np.roll(ahead, -nearest, 0) + np.int16(nearest)
    found[:, ~minima.any(0)] = 0
    return found
