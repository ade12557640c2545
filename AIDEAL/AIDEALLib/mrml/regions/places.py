"""Slices to inspect: those of low confidence, and the dome of the liver."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...statistics import LowConfidence
from ..nodes import MapNodes
from ..volumes import array_of, geometry_of, world_position
from .map_arrays import BoolArray, map_arrays
from .region import Region

Position = tuple[float, float, float]
LEAST_VOXELS = 20


def next_low_confidence_slice(
    maps: MapNodes, regions: list[Region], after: int, limits: LowConfidence, least_share: float = 0.02
) -> int | None:
    """The next slice, cyclically, where a share of the voxels is of low confidence.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    regions : list of Region
        Regions whose voxels count; the whole foreground where they have none.
    after : int
        Number of the slice to start behind, from 0.
    limits : LowConfidence
        Limits of low confidence.
    least_share : float
        Least share of voxels of low confidence.

    Returns
    -------
    int or None
        Number of the slice, None when there is no such slice.
    """
    arrays = map_arrays(maps)
    area = _union(regions, arrays.pdff.shape)
    area = (area if area.any() else np.ones_like(area)) & arrays.mask
    low = limits.select(arrays) & area
    counts, lows = area.sum((1, 2)), low.sum((1, 2))
    slices = arrays.pdff.shape[0]
    for step in range(1, slices + 1):
        index = (after + step) % slices
        if lows[index] and lows[index] >= least_share * counts[index]:
            return int(index)
    return None


def dome(maps: MapNodes, regions: list[Region]) -> Position | None:
    """Position (RAS) of the liver's dome: the middle of the uppermost slice in which the regions have at least 20 voxels.

    None where the regions have no voxels.
    """
    area = _union(regions, array_of(maps.pdff).shape)
    counts = area.sum((1, 2))
    if not counts.any():
        return None
    enough = np.flatnonzero(counts >= min(LEAST_VOXELS, counts.max()))
    middles = []
    for index in enough:
        rows, columns = np.nonzero(area[index])
        middles.append(world_position(maps.pdff, float(index), float(rows.mean()), float(columns.mean())))
    return max(middles, key=lambda ras: ras[2])


def dome_by_field(maps: MapNodes) -> Position | None:
    """Guess the dome (RAS) without regions, by the field in the upper right quarter of the body; None without a field map.

    Notes
    -----
    The susceptibility of air distorts the field most just below the lung, where the liver's dome lies on the patient's right.
    Among the slices that hold at least half as much of the quarter as the fullest slice, the one with the largest mean field
    gradient (Hz/mm within the slice) is taken, and in it the mean position weighted by the gradient.
    """
    if "field" not in maps:
        return None
    arrays = map_arrays(maps)
    quarter = arrays.mask & _upper_right(maps, arrays.mask)
    counts = quarter.sum((1, 2))
    if counts.max(initial=0) < LEAST_VOXELS:
        return None
    steepness = np.where(quarter, _gradient(array_of(maps["field"]), arrays.mask, geometry_of(maps.pdff).spacing_mm), 0.0)
    mean = np.where(counts >= counts.max() / 2, steepness.sum((1, 2)) / np.maximum(counts, 1), -1.0)
    index = int(mean.argmax())
    weights = steepness[index]
    total = max(float(weights.sum()), float(np.finfo(float).tiny))
    rows, columns = np.indices(weights.shape)
    return world_position(maps.pdff, index, float((weights * rows).sum() / total), float((weights * columns).sum() / total))


def middle_of_region(maps: MapNodes, region: Region) -> Position:
    """Position (RAS) of the voxel of a region nearest to its middle, in its fullest slice."""
    slice_ = int(np.argmax(region.voxels.sum((1, 2))))
    inside = np.argwhere(region.voxels[slice_])
    row, column = inside[np.argmin(((inside - inside.mean(axis=0)) ** 2).sum(axis=1))]
    first = [part.start for part in region.box]
    return world_position(maps.pdff, first[0] + slice_, first[1] + int(row), first[2] + int(column))


def _union(regions: list[Region], shape: tuple[int, ...]) -> BoolArray:
    area = np.zeros(shape, bool)
    for region in regions:
        area[region.box] |= region.voxels
    return area


def _upper_right(maps: MapNodes, mask: BoolArray) -> BoolArray:
    """Voxels above and on the patient's right of the middle of the foreground (RAS: R and S rise)."""
    first = np.asarray(world_position(maps.pdff, 0, 0, 0))
    steps = np.stack([np.asarray(world_position(maps.pdff, *np.eye(3)[axis])) - first for axis in range(3)], axis=1)
    index = np.indices(mask.shape).reshape(3, -1)
    right, _, up = (steps @ index).reshape(3, *mask.shape)
    if not mask.any():
        return np.zeros_like(mask)
    return (right > right[mask].mean()) & (up >= (up[mask].min() + up[mask].max()) / 2)


def _gradient(
    field_hz: npt.NDArray[np.floating], mask: BoolArray, spacing_mm: tuple[float, float, float]
) -> npt.NDArray[np.float64]:
    """Size of the in-plane gradient (Hz/mm), 0 where a neighbour is outside the foreground; wraps count as noise, capped."""
    column, row, _ = spacing_mm
    inner = np.zeros_like(mask)
    inner[:, 1:-1, 1:-1] = mask[:, 1:-1, 1:-1] & mask[:, :-2, 1:-1] & mask[:, 2:, 1:-1] & mask[:, 1:-1, :-2] & mask[:, 1:-1, 2:]
    size = np.zeros(field_hz.shape)
    if inner.any():
        along_rows, along_columns = np.gradient(field_hz.astype(np.float64), row, column, axis=(1, 2))
        size = np.where(inner, np.hypot(along_rows, along_columns), 0.0)
        size = np.minimum(size, np.percentile(size[inner], 99))
    return size
