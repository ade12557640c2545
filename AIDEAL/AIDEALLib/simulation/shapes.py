"""Solid shapes and smooth random textures on a grid in millimetres, for tissue models.

A shape is given by its depth: millimetres below the surface, positive inside, near the surface about the distance to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
AnyFloats = npt.NDArray[np.floating[Any]]
Point = Sequence[float] | AnyFloats


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centres in mm.

    Attributes
    ----------
    z : np.ndarray, shape (slice,)
        Towards the head.
    y : np.ndarray, shape (row,)
        Towards the back.
    x : np.ndarray, shape (column,)
        Towards the patient's left.
    """

    z: AnyFloats
    y: AnyFloats
    x: AnyFloats

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (slice, row, column)."""
        return self.z.size, self.y.size, self.x.size

    def mesh(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Arrays x, y, z that broadcast to (slice, row, column)."""
        z, y, x = np.meshgrid(self.z, self.y, self.x, indexing="ij", sparse=True)
        return x.astype(np.float32), y.astype(np.float32), z.astype(np.float32)


def ellipsoid(grid: Grid, centre: Point, semi_axes: Point, turn_deg: float = 0.0, power: float = 2.0) -> FloatArray:
    """Depth in a (super)ellipsoid.

    Parameters
    ----------
    grid : Grid
        Voxel centres.
    centre : sequence of float
        Centre in mm along (x, y, z).
    semi_axes : sequence of float
        Semi-axes in mm along (x, y, z).
    turn_deg : float
        Rotation about z, from x towards y.
    power : float
        2 is an ellipsoid; more is boxier.

    Returns
    -------
    np.ndarray, broadcastable to (slice, row, column), float32, mm
    """
    x, y, z = grid.mesh()
    x, y, z = x - centre[0], y - centre[1], z - centre[2]
    if turn_deg:
        c, s = np.float32(np.cos(np.radians(turn_deg))), np.float32(np.sin(np.radians(turn_deg)))
        x, y = c * x + s * y, c * y - s * x
    return radial_depth((x, y, z), semi_axes, power)


def radial_depth(offsets: Sequence[AnyFloats], semi_axes: Point, power: float = 2.0) -> FloatArray:
    """Depth in a (super)ellipsoid along the ray from its centre, in 2 or 3 dimensions.

    Parameters
    ----------
    offsets : sequence of np.ndarray
        Distances from the centre along each axis in mm.
    semi_axes : sequence of float
        Semi-axes in mm.
    power : float
        2 is an ellipsoid; more is boxier.

    Returns
    -------
    np.ndarray, shape of the offsets broadcast together, float32, mm
    """
    p = np.float32(power)
    ratio = sum(np.abs(u / np.float32(a)) ** p for u, a in zip(offsets, semi_axes, strict=True)) ** (1 / p)
    ratio = np.maximum(ratio, np.float32(0.05))
    radius = np.sqrt(sum(u * u for u in offsets))
    return np.asarray(radius / ratio - radius, dtype=np.float32)


@dataclass(frozen=True)
class Segment:
    """A straight, tapering piece of a tube.

    Attributes
    ----------
    start : tuple of float
        First end in mm along (x, y, z).
    end : tuple of float
        Second end in mm along (x, y, z).
    start_radius : float
        Radius at the first end in mm.
    end_radius : float
        Radius at the second end in mm.
    """

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    start_radius: float
    end_radius: float


def tubes(grid: Grid, segments: Sequence[Segment], floor: float = -8.0) -> FloatArray:
    """Depth in the union of tubes.

    Parameters
    ----------
    grid : Grid
        Voxel centres.
    segments : sequence of Segment
        Pieces of tube.
    floor : float
        Depth (negative, mm) where no tube is near.

    Returns
    -------
    np.ndarray, shape (slice, row, column), float32, mm
    """
    depth = np.full(grid.shape, floor, np.float32)
    for piece in segments:
        reach = max(piece.start_radius, piece.end_radius) - floor
        low = np.minimum(piece.start, piece.end) - reach
        high = np.maximum(piece.start, piece.end) + reach
        part = tuple(
            slice(int(np.searchsorted(axis, low[i])), int(np.searchsorted(axis, high[i], side="right")))
            for axis, i in ((grid.z, 2), (grid.y, 1), (grid.x, 0))
        )
        if any(s.start >= s.stop for s in part):
            continue
        x, y, z = Grid(grid.z[part[0]], grid.y[part[1]], grid.x[part[2]]).mesh()
        offset = [v - np.float32(a) for v, a in zip((x, y, z), piece.start, strict=True)]
        axis = np.asarray(piece.end, np.float32) - np.asarray(piece.start, np.float32)
        along = sum(o * a for o, a in zip(offset, axis, strict=True)) / max(float(axis @ axis), 1e-6)
        along = np.clip(along, 0, 1).astype(np.float32)
        distance = np.sqrt(sum((o - along * a) ** 2 for o, a in zip(offset, axis, strict=True)))
        radius = piece.start_radius + (piece.end_radius - piece.start_radius) * along
        depth[part] = np.maximum(depth[part], radius - distance)
    return depth


def polyline(points: Sequence[Point], radius: float | Sequence[float]) -> list[Segment]:
    """Tube segments through points in mm, with one radius or one per point."""
    radii = [radius] * len(points) if isinstance(radius, int | float) else list(radius)
    ends = [(float(p[0]), float(p[1]), float(p[2])) for p in points]
    return [Segment(a, b, float(r), float(s)) for a, b, r, s in zip(ends[:-1], ends[1:], radii[:-1], radii[1:], strict=True)]


class Texture:
    """A smooth random field of mean 0 and variance 1, the same function of position on every grid.

    Parameters
    ----------
    rng : np.random.Generator
        Source of randomness.
    scale_mm : float
        Correlation length.
    waves : int
        Number of plane waves.

    Notes
    -----
    A sum of plane waves with Gaussian wave vectors; its correlation falls as exp(-d^2 / (2 scale^2)).
    """

    def __init__(self, rng: np.random.Generator, scale_mm: float, waves: int = 40) -> None:
        self._k = rng.standard_normal((waves, 3)) / scale_mm
        self._phase = rng.uniform(0, 2 * np.pi, waves)

    def on(self, grid: Grid) -> FloatArray:
        """Values on a grid, float32 (slice, row, column)."""
        x = np.exp(1j * (self._k[:, :1] * grid.x)).astype(np.complex64)
        y = np.exp(1j * (self._k[:, 1:2] * grid.y)).astype(np.complex64)
        z = np.exp(1j * (self._k[:, 2:] * grid.z + self._phase[:, None])).astype(np.complex64)
        zy = (z[:, :, None] * y[:, None, :]).reshape(len(x), -1)
        waves = zy.real.T @ x.real - zy.imag.T @ x.imag
        return np.asarray(waves.reshape(grid.shape) * np.sqrt(2 / len(x)), dtype=np.float32)
