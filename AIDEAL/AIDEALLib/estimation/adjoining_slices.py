"""Slices with a region that is swapped against the adjoining slice are estimated again, under the field of that slice.

Where echoes hardly tell water from fat (few echoes, noise) large parts of a slice may be swapped while its neighbours are
right. Of two adjoining slices that disagree the less sure one is estimated again with the field of the other as a prior, the
surest pair first, so that a right field propagates. The new estimate is kept if the two agree then and much less doubt is left;
otherwise the field does differ there and the slice stays as it was. All other slices keep the maps that they have alone, so
that a scan without such regions costs no further estimate. The order follows from the maps, not from the number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..errors import Cancelled
from ..parameter_maps import FloatMap
from .result_check import slices_in_words
from .voxelwise.slice_input import Scan

REGION_MM = 12.0
"""Two slices disagree where all voxels of a square of this side do: noise and edges do not fill it."""
LEAST_SIDE = 3
DOUBT_LEFT = 2 / 3
"""A new estimate is kept where it leaves at most this share of the mean P(swap): the field of the other slice has resolved the
doubt, and not only been imposed on a slice that was right (as motion may make it seem)."""
TYPICAL_SHARE = 1 / 6
"""Slices count as adjoining where their field typically differs by less than this share of the distance to a swapped field:
not over wide gaps, nor where the body has moved between two breath-holds."""


def note_of(settled: Collection[int]) -> tuple[str, ...]:
    """Note on the slices that were estimated again (indices), if any."""
    if not settled:
        return ()
    listed = slices_in_words(sorted(settled))
    return (
        f"Of {listed} a region was swapped against the adjoining slice, and agrees with it after an estimate under its field.",
    )


@dataclass(frozen=True, eq=False)
class FieldBeside:
    """Field of the adjoining slice.

    Attributes
    ----------
    field_hz : array, shape (row, column), float32, Hz
        Field.
    weight : array, shape (row, column), float32
        Probability that it is right; 0 outside its foreground.
    typical_change_hz : float, Hz
        How much the field typically changes between the two slices.
    """

    field_hz: FloatMap
    weight: FloatMap
    typical_change_hz: float


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Maps of all slices, which `settle` updates in place.

    Attributes
    ----------
    maps : mapping of str to array, shape (slice, row, column), float32
        Maps by their names in `ParameterMaps`.
    mask : array, shape (slice, row, column), bool
        Foreground.
    scan : Scan
        Protocol.
    spacing_mm : tuple of float
        Voxel size along (column, row, slice).
    """

    maps: Mapping[str, FloatMap]
    mask: npt.NDArray[np.bool_]
    scan: Scan
    spacing_mm: tuple[float, float, float]

    def settle(
        self, estimate_again: Callable[[int, FieldBeside], float], cancelled: Callable[[], bool] = lambda: False
    ) -> dict[int, float]:
        """Estimate slices again that disagree with an adjoining one, where that makes them agree.

        Parameters
        ----------
        estimate_again : callable
            Estimates the slice of an index under the field beside it, stores its maps, and returns its noise.
        cancelled : callable
            Asked before each of these estimates.

        Returns
        -------
        dict of int to float
            Noise of the slices whose new estimate was kept, by index.

        Raises
        ------
        Cancelled
            `cancelled` returned True.
        """
        kept: dict[int, float] = {}
        adjoining = [(z, z + 1) for z in range(len(self.mask) - 1) if self._adjoin(z, z + 1)]
        apart = {pair for pair in adjoining if not self.agree(*pair)}
        tried: set[tuple[int, int]] = set()
        while left := {self._surer_first(*pair) for pair in apart} - tried:
            known, z = min(left, key=lambda pair: (self._doubt(pair[0]), pair))
            tried.add((known, z))
            if cancelled():
                raise Cancelled
            doubt, before = self._doubt(z), {name: values[z].copy() for name, values in self.maps.items()}
            noise = estimate_again(z, self._beside(known, z))
            if self.agree(known, z) and self._doubt(z) < DOUBT_LEFT * doubt:
                kept[z] = noise
                apart = {pair for pair in adjoining if (not self.agree(*pair) if z in pair else pair in apart)}
            else:
                for name, values in before.items():
                    self.maps[name][z] = values
        return kept

    def agree(self, first: int, second: int) -> bool:
        """Whether no square of `REGION_MM` differs throughout by more than half the distance to a swapped field."""
        sides = [max(round(REGION_MM / mm), LEAST_SIDE) for mm in self.spacing_mm[1::-1]]
        jumps = (self._change_hz(first, second) > self.scan.swap_hz / 2) & self.mask[first] & self.mask[second]
        for axis, side in enumerate(sides):
            if jumps.shape[axis] < side:
                return True
            jumps = np.lib.stride_tricks.sliding_window_view(jumps, side, axis).all(-1)
        return not jumps.any()

    def typical_change_hz(self, first: int, second: int) -> float:
        """Median difference of the fields of two slices; infinite where they have no voxel in common."""
        both = self.mask[first] & self.mask[second]
        return float(np.median(self._change_hz(first, second)[both])) if both.any() else float("inf")

    def _adjoin(self, first: int, second: int) -> bool:
        return self.typical_change_hz(first, second) < TYPICAL_SHARE * self.scan.swap_hz

    def _surer_first(self, first: int, second: int) -> tuple[int, int]:
        return (first, second) if self._doubt(first) <= self._doubt(second) else (second, first)

    def _doubt(self, z: int) -> float:
        """Mean P(swap) of a slice."""
        inside = self.mask[z]
        return float(self.maps["swap_probability"][z][inside].mean()) if inside.any() else 1.0

    def _change_hz(self, first: int, second: int) -> FloatMap:
        apart = self.maps["field"][first] - self.maps["field"][second]
        return np.abs(apart - self.scan.period_hz * np.round(apart / self.scan.period_hz))

    def _beside(self, known: int, z: int) -> FieldBeside:
        weight = np.where(self.mask[known], 1 - self.maps["swap_probability"][known], 0).astype(np.float32)
        return FieldBeside(self.maps["field"][known], weight, self.typical_change_hz(known, z))
