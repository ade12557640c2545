"""Which slices and voxel of a region are shown."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry
from ..parameter_maps import ParameterMaps

Mask = npt.NDArray[np.bool_]
DOME_SHARE = 0.2
"""The dome is the highest slice with this share of the largest area."""


def middle_slice(region: Mask) -> int:
    """Slice through the centre of a region, one that the region meets."""
    area = region.sum(axis=(1, 2))
    centre = float(np.average(np.arange(len(area)), weights=area))
    met = np.flatnonzero(area)
    return int(met[np.argmin(np.abs(met - centre))])


def dome_slice(region: Mask, geometry: Geometry) -> int | None:
    """Highest slice of a region; None where slices do not lie above each other, or the region is in one slice."""
    up = np.asarray(geometry.direction).reshape(3, 3)[2, 2]
    area = region.sum(axis=(1, 2))
    large = np.flatnonzero(area >= DOME_SHARE * area.max())
    if abs(up) < np.sqrt(0.5) or large.size < 2:
        return None
    found = int(large[-1] if up > 0 else large[0])
    return None if found == middle_slice(region) else found


def typical_voxel(maps: ParameterMaps, region: Mask) -> tuple[int, int, int] | None:
    """Voxel of the middle slice whose PDFF and residual are nearest to the region's medians; None outside the foreground."""
    inside = region & maps.mask
    if not inside.any():
        return None
    index = middle_slice(inside)
    rows, columns = np.nonzero(inside[index])
    distance = np.zeros(rows.size)
    for values in (maps.pdff, maps.residual):
        middle, spread = float(np.median(values[inside])), float(np.std(values[inside])) or 1.0
        distance += ((values[index, rows, columns] - middle) / spread) ** 2
    best = int(np.argmin(distance))
    return index, int(rows[best]), int(columns[best])


def bounding_box(mask: Mask, margin: int = 3) -> tuple[slice, slice]:
    """Rows and columns that the foreground fills in any slice, with a margin; everything where there is none."""
    if not mask.any():
        return slice(None), slice(None)
    box = []
    for axis in (1, 2):
        other = tuple(a for a in range(3) if a != axis)
        filled = np.flatnonzero(mask.any(axis=other))
        box.append(slice(max(int(filled[0]) - margin, 0), int(filled[-1]) + margin + 1))
    return box[0], box[1]
