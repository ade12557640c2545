"""Which steps a voxel may take towards a smooth field: to its next local minimum, a fat shift, or a few bins."""

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
    up, down : bins from each bin of each voxel to its next minimum that is no nearer than `Jumps.of` was told, (K, voxels); 0
        where the voxel has no minimum to jump to.
    """

    up: npt.NDArray[np.int16]
    down: npt.NDArray[np.int16]

    @classmethod
    def of(cls, minima: npt.NDArray[np.bool_], nearest: int) -> Jumps:
        """Tabulate for minima (K, voxels) on the circle of K bins; minima nearer than `nearest` bins are stepped over."""
        return cls(_next(minima, nearest), _next(minima[::-1], nearest)[::-1])

    def step(self, labels: Labels, upwards: bool, otherwise: int) -> Labels:
        """Steps of all voxels, (voxels,), in one direction; `otherwise` (not negative) for voxels without a minimum."""
        table = self.up if upwards else self.down
        distance = np.take_along_axis(table, (labels % table.shape[0])[None], 0)[0].astype(np.int64)
        distance = np.where(distance == 0, otherwise, distance)
        return distance if upwards else -distance


def local_minima(residual: Profile, mask: npt.NDArray[np.bool_], deepest_share: float) -> npt.NDArray[np.bool_]:
    """Minima over the circle of bins that lie in the lowest share of a voxel's range, (K, voxels); none outside the mask.

    Parameters
    ----------
    residual : J, (K, voxels); mask : voxels with signal, (voxels,).
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
    for k in range(2 * bins - 1, -1, -1):  # twice around the circle: the second time every bin knows what lies ahead
        running = np.where(minima[k % bins], np.int16(0), running + np.int16(1))
        ahead[k % bins] = running
    found = np.roll(ahead, -nearest, 0) + np.int16(nearest)
    found[:, ~minima.any(0)] = 0
    return found
