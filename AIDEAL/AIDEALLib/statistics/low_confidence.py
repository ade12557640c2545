"""Voxels whose PDFF is not to be relied on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .map_arrays import BoolArray, MapArrays


@dataclass(frozen=True)
class LowConfidence:
    """Limits above which a voxel's PDFF is not to be relied on; one exceeded is enough.

    Attributes
    ----------
    swap_probability : float
        Probability of a fat-water swap, 0 to 1. The default flags 3 % of the body in the scenes of `aideal validate`
        (section limits).
    total_sd_points : float
        Stated standard deviation of the PDFF in percentage points, the risk of a swap included.
    """

    swap_probability: float = 0.02
    total_sd_points: float = 5.0

    def select(self, maps: MapArrays) -> BoolArray:
        """Voxels of low confidence, bool (slice, row, column); NaN counts as low confidence."""
        sure = (maps.swap_probability <= self.swap_probability) & (maps.pdff_total_sd <= self.total_sd_points)
        return np.asarray(~sure, dtype=np.bool_)
