"""Joint estimate of a region, as an interface."""

from __future__ import annotations

from typing import Protocol

from .map_arrays import FloatArray


class JointFit(Protocol):
    """One PDFF and one R2* of all voxels of a region (`estimation.joint_estimate`)."""

    @property
    def pdff(self) -> float:
        """Signed fat fraction in percent."""

    @property
    def pdff_error(self) -> float:
        """Its standard error from independent noise, percentage points."""

    @property
    def r2star_per_s(self) -> float:
        """R2* in 1/s."""

    @property
    def weights(self) -> FloatArray:
        """Weight of each voxel, (slice, row, column), 0 in those not used."""
