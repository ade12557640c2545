"""What the magnitudes of a scan alone read in a region, where they contradict the phase (`estimation.magnitude_shift`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .map_arrays import BoolArray

CLEAR_ERRORS = 3.0
"""Standard errors from which a difference between magnitudes and maps is one."""


@dataclass(frozen=True, eq=False)
class MagnitudeReadings:
    """PDFF of magnitudes alone minus that of the maps, block by block.

    Attributes
    ----------
    across : int
        Blocks along rows and along columns of a slice.
    place : np.ndarray, shape (3, blocks), int
        Slice, and place of the block along rows and columns.
    change : np.ndarray, shape (blocks,), percentage points
        PDFF of the magnitudes minus that of the maps.
    weight : np.ndarray, shape (blocks,), 1 / points^2
        Inverse variance of the change by noise, of one voxel.
    model_sd : np.ndarray, shape (blocks,), percentage points
        Standard deviation of the change by errors that voxels share.
    widespread : bool
        Whether so much of the body differs that a region has a number only where both clearly agree.
    """

    across: int
    place: npt.NDArray[np.int64]
    change: npt.NDArray[np.float64]
    weight: npt.NDArray[np.float64]
    model_sd: npt.NDArray[np.float64]
    widespread: bool = False

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> MagnitudeReadings | None:
        """Readings from plain types; None where none are stated."""
        if not stated:
            return None
        slices, row, column, change, weight, model_sd = np.asarray(stated["blocks"], dtype=np.float64).T
        place = np.stack([slices, row, column]).astype(np.int64)
        return cls(int(stated["across"]), place, change, weight, model_sd, bool(stated.get("widespread")))

    def reason(self, region: BoolArray, pdff: float, largest_bias: float) -> str:
        """Why a region has no number.

        Parameters
        ----------
        region : np.ndarray, shape (slice, row, column), bool
            Voxels of the region.
        pdff : float, percent
            PDFF of the maps in the region.
        largest_bias : float, percentage points
            Largest error of a number that is shown.

        Returns
        -------
        str
            A few words; '' where the region has a number.
        """
        change, error = self.change_in(region)
        if abs(change) > max(largest_bias, CLEAR_ERRORS * error):
            return f"phase and magnitudes disagree: {pdff:.0f} % as read, {pdff + change:.0f} % by magnitudes alone"
        if self.widespread and abs(change) + error > largest_bias:
            return "phase and magnitudes disagree in much of the body, and are not shown to agree here"
        return ""

    def change_in(self, region: BoolArray) -> tuple[float, float]:
        """Change in a region, from the blocks that it shares voxels with.

        Parameters
        ----------
        region : np.ndarray, shape (slice, row, column), bool
            Voxels of the region.

        Returns
        -------
        change, error : float, percentage points
            Mean change of its voxels, weighted by their precision, and its error; 0 and infinity without a known block.
        """
        _, rows, columns = region.shape
        layer, row, column = np.nonzero(region)
        known = np.unique(self.place[0])
        nearest = known[np.abs(layer[:, None] - known).argmin(1)] if known.size else layer
        wanted = np.stack([nearest, row * self.across // rows, column * self.across // columns])
        number = {tuple(place): index for index, place in enumerate(self.place.T.tolist())}
        found = np.array([number.get(tuple(place), -1) for place in wanted.T.tolist()])
        blocks, voxels = np.unique(found[found >= 0], return_counts=True)
        return joined(self.change[blocks], voxels * self.weight[blocks], self.model_sd[blocks])


def joined(
    change: npt.NDArray[np.float64], weight: npt.NDArray[np.float64], model_sd: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Change of several blocks together.

    Parameters
    ----------
    change : np.ndarray, shape (blocks,), percentage points
        Change of each.
    weight : np.ndarray, shape (blocks,), 1 / points^2
        Inverse variance by noise.
    model_sd : np.ndarray, shape (blocks,), percentage points
        Standard deviation by errors that all share.

    Returns
    -------
    change, error : float, percentage points
        Mean by precision and its standard error, from noise or from the scatter of the blocks, whichever is larger; 0 and
        infinity without a block.
    """
    total = float(weight.sum())
    if not total > 0:
        return 0.0, float("inf")
    share = weight / total
    mean = float(share @ change)
    scatter = float(share**2 @ (change - mean) ** 2)
    return mean, float(np.sqrt(max(1 / total, scatter) + (share @ model_sd) ** 2))
