"""Arrays of the maps in a scene."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ..nodes import FOREGROUND, MapNodes
from ..volumes import array_of

BoolArray = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, eq=False)
class MapArrays:
    """Arrays that statistics need of the maps in a scene; views on the volumes, shape (slice, row, column).

    Attributes
    ----------
    pdff : array, percent
        PDFF.
    pdff_sd : array, percentage points
        SD of the PDFF given the right mode.
    pdff_total_sd : array, percentage points
        SD of the PDFF, swap included.
    swap_probability : array
        Probability of a swap.
    r2star : array, 1/s
        R2*.
    water, fat : array
        Amplitudes.
    residual : array, percent
        Misfit.
    mask : array of bool
        Voxels with an estimate.
    """

    pdff: npt.NDArray[np.floating]
    pdff_sd: npt.NDArray[np.floating]
    pdff_total_sd: npt.NDArray[np.floating]
    swap_probability: npt.NDArray[np.floating]
    r2star: npt.NDArray[np.floating]
    water: npt.NDArray[np.floating]
    fat: npt.NDArray[np.floating]
    residual: npt.NDArray[np.floating]
    mask: BoolArray

    def cropped(self, box: Box) -> MapArrays:
        """The part of the maps inside a box."""
        return MapArrays(*(getattr(self, entry.name)[box] for entry in fields(self)))


def map_arrays(maps: MapNodes) -> MapArrays:
    """Arrays of the maps of a run. A map that was deleted counts as 0; the foreground then is where the SD is above 0."""
    pdff = array_of(maps.pdff)

    def array(name: str) -> npt.NDArray[np.floating]:
        return array_of(maps[name]) if name in maps and array_of(maps[name]).shape == pdff.shape else np.zeros_like(pdff)

    sd = array("pdff_total_sd")
    mask = array(FOREGROUND) > 0 if FOREGROUND in maps else sd > 0
    names = [entry.name for entry in fields(MapArrays) if entry.name not in ("pdff", "pdff_total_sd", "mask")]
    return MapArrays(pdff=pdff, pdff_total_sd=sd, mask=mask, **{name: array(name) for name in names})


def contrasts(maps: MapNodes, arrays: MapArrays) -> list[npt.NDArray[np.floating]]:
    """Maps in which vessels differ; water is left out where its map was deleted."""
    water = [array_of(maps["water"])] if "water" in maps else []
    return [*water, arrays.r2star, arrays.pdff]
