"""The maps that statistics are taken from, as an interface."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating]
BoolArray = npt.NDArray[np.bool_]


class MapArrays(Protocol):
    """What statistics need of a `ParameterMaps`, or of arrays taken out of volumes; every array is (slice, row, column)."""

    @property
    def pdff(self) -> FloatArray:
        """PDFF in percent, signed."""

    @property
    def pdff_sd(self) -> FloatArray:
        """Stated standard deviation of the PDFF in percentage points, given the right water-fat mode."""

    @property
    def pdff_total_sd(self) -> FloatArray:
        """Stated standard deviation of the PDFF in percentage points, the risk of a swap included."""

    @property
    def swap_probability(self) -> FloatArray:
        """Probability of a fat-water swap, 0 to 1."""

    @property
    def r2star(self) -> FloatArray:
        """R2* in 1/s."""

    @property
    def water(self) -> FloatArray:
        """Amplitude of water at t = 0."""

    @property
    def fat(self) -> FloatArray:
        """Amplitude of fat at t = 0."""

    @property
    def residual(self) -> FloatArray:
        """Root mean square misfit in percent of the signal."""

    @property
    def mask(self) -> BoolArray:
        """Voxels with an estimate."""
