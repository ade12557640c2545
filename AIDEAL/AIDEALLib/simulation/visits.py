"""Two visits of one patient: known change of the liver's fat, another breath hold and position, another protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries, Geometry
from .abdomen import FIELD_VIEW_MM, abdomen
from .artefacts import Artefacts
from .protocol import Protocol
from .scan import acquire
from .tissue import TissueMaps

LOBES, VESSELS = (1, 2), 4
LEAST_DENSITY = 0.02
"""Voxels with less signal are air."""
SLICE_MM = 10.0
LAYERS = 2
"""Layers that are averaged to a slice."""


@dataclass(frozen=True)
class Movement:
    """Where the patient lies and breathes relative to the first visit.

    Attributes
    ----------
    breath_mm : float
        Shift of the liver towards the feet, less towards the spine and the sides.
    belly_mm : float
        Growth of the depth of the belly, from the spine forwards.
    offset_mm : tuple of 2 float
        Position on the table, along columns and rows.
    tilt_rad : float
        Rotation about the long axis.
    """

    breath_mm: float = 0.0
    belly_mm: float = 0.0
    offset_mm: tuple[float, float] = (0.0, 0.0)
    tilt_rad: float = 0.0

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Movement:
        """A movement as between two examinations: breath hold within 10 mm, position within 10 mm, tilt within 3 degrees."""
        return cls(
            float(rng.uniform(-10, 10)),
            float(rng.uniform(-8, 8)),
            (float(rng.uniform(-10, 10)), float(rng.uniform(-10, 10))),
            float(rng.uniform(-0.05, 0.05)),
        )


@dataclass(frozen=True, eq=False)
class VisitScan:
    """A simulated visit.

    Attributes
    ----------
    series : EchoSeries
        The scan.
    truth : TissueMaps
        Truth on its voxels; lobes and vessels are segments, voxels that mix them belong to none.
    lobes : np.ndarray, shape (slice, row, column), int32
        Right (1) and left lobe (2) as people draw them: to the edge, with the vessels.
    """

    series: EchoSeries
    truth: TissueMaps
    lobes: npt.NDArray[np.int32]


def visit(
    seed: int,
    protocol: Protocol,
    noise: tuple[int, ...],
    matrix: tuple[int, int, int],
    *,
    pdff: float,
    change: float = 0.0,
    movement: Movement | None = None,
) -> VisitScan:
    """Simulate one visit.

    Parameters
    ----------
    seed : int
        Patient; the same at every visit.
    protocol : Protocol
        Protocol of this visit.
    noise : tuple of int
        Seed of coil and noise.
    matrix : tuple of int
        Voxels along (slice, row, column).
    pdff : float
        PDFF of the right lobe in percent at the first visit; the left lobe has nine tenths of it.
    change : float
        Added to the PDFF of the whole liver, percentage points.
    movement : Movement, optional
        Relative to the first visit.

    Returns
    -------
    VisitScan
        Simulated on pixels half as wide, and with slices averaged of two layers.
    """
    slices, rows, columns = matrix
    spacing = (FIELD_VIEW_MM / (2 * columns), FIELD_VIEW_MM / (2 * rows), SLICE_MM / LAYERS)
    tissue = abdomen(
        seed, protocol.field_strength_t, (LAYERS * slices, 2 * rows, 2 * columns), spacing,
        liver_pdff=(pdff, 0.9 * pdff), separate_dome=False,
    )  # fmt: skip
    liver = np.isin(tissue.labels, LOBES)
    changed = np.where(liver, np.clip(tissue.pdff_percent + np.float32(change), 0, 100), tissue.pdff_percent)
    tissue = replace(tissue, pdff_percent=changed.astype(np.float32))
    lobes = _filled_lobes(tissue)
    if movement is not None:
        index = _source_index(tissue, movement)
        tissue, lobes = _moved_tissue(tissue, index), _taken(lobes, index, 0).astype(np.uint8)
    thick = _thick_slices(tissue)
    series = acquire(thick, protocol, np.random.default_rng(noise), Artefacts(oversampling=2))
    return VisitScan(replace(series, source=f"simulated patient {seed}"), thick.coarsened(2), _majority(lobes, (LAYERS, 2, 2)))


def _moved_tissue(tissue: TissueMaps, index: npt.NDArray[np.float64]) -> TissueMaps:
    """Every map taken along a displacement; beyond the top and the bottom slice, these are repeated."""
    water = _taken(tissue.proton_density * (1 - tissue.pdff_percent / 100), index, 1)
    fat = _taken(tissue.proton_density * tissue.pdff_percent / 100, index, 1)
    density = water + fat
    body = density > LEAST_DENSITY

    def weighted(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """With the signal as weight: no border has a value between those of tissue and of air."""
        signal = _taken(array * tissue.proton_density, index, 1)
        return np.where(density > 0, signal / np.maximum(density, 1e-12), _taken(array, index, 1)).astype(np.float32)

    return replace(
        tissue,
        proton_density=density,
        pdff_percent=np.where(body, 100 * fat / np.maximum(density, 1e-9), 0).astype(np.float32),
        r2star_per_s=weighted(tissue.r2star_per_s),
        field_hz=weighted(tissue.field_hz),
        body=body,
        labels=np.where(body, _taken(tissue.labels, index, 0), 0).astype(np.uint8),
    )


def _taken(array: npt.NDArray[Any], index: npt.NDArray[np.float64], order: int) -> npt.NDArray[np.float32]:
    """An array at fractional indices, interpolated by splines of an order."""
    from scipy.ndimage import map_coordinates

    return np.asarray(map_coordinates(np.asarray(array, np.float32), index, order=order, mode="nearest"), np.float32)


def _source_index(tissue: TissueMaps, movement: Movement) -> npt.NDArray[np.float64]:
    """Index, before the movement, of what lies at each voxel after it, (axis, slice, row, column)."""
    dx, dy, dz = tissue.geometry.spacing_mm
    origin = tissue.geometry.origin_mm
    z, y, x = np.meshgrid(
        *[o + d * np.arange(n) for o, d, n in zip(origin[::-1], (dz, dy, dx), tissue.shape, strict=True)], indexing="ij"
    )
    cos, sin = np.cos(movement.tilt_rad), np.sin(movement.tilt_rad)
    xs, ys = x - movement.offset_mm[0], y - movement.offset_mm[1]
    xr, yr = cos * xs + sin * ys, -sin * xs + cos * ys
    # organs slide along the wall: the shift fades towards the spine (y > 60 mm) and the sides
    fade = np.exp(-((xr / 120) ** 4)) / (1 + np.exp((yr - 60) / 12))
    before = (z + movement.breath_mm * fade, yr + movement.belly_mm * np.clip((60 - yr) / 160, 0, 1), xr)
    return np.stack([(b - o) / d for b, o, d in zip(before, origin[::-1], (dz, dy, dx), strict=True)])


def _filled_lobes(tissue: TissueMaps) -> npt.NDArray[np.uint8]:
    """Lobes with their vessels, as people draw them: each voxel of a vessel belongs to the nearer lobe."""
    from scipy.ndimage import distance_transform_edt

    lobe = np.isin(tissue.labels, LOBES)
    spacing = tissue.geometry.spacing_mm[::-1]
    nearest = distance_transform_edt(~lobe, sampling=spacing, return_distances=False, return_indices=True)
    vessels = tissue.labels == VESSELS
    filled = np.where(lobe, tissue.labels, 0).astype(np.uint8)
    filled[vessels] = tissue.labels[tuple(nearest)][vessels]
    return filled


def _majority(labels: npt.NDArray[np.uint8], factors: tuple[int, int, int]) -> npt.NDArray[np.int32]:
    """Labels on wider voxels: that of the lobe which has at least half of the voxel."""
    found = np.zeros([n // f for n, f in zip(labels.shape, factors, strict=True)], np.int32)
    blocks = labels.reshape([size for n, f in zip(labels.shape, factors, strict=True) for size in (n // f, f)])
    for lobe in LOBES:
        found[(blocks == lobe).mean(axis=(1, 3, 5)) >= 0.5] = lobe
    return found


def _thick_slices(tissue: TissueMaps) -> TissueMaps:
    """Average layers to slices, as `TissueMaps.coarsened` does within the slice; mixed voxels have no label."""

    def layers(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return np.asarray(array, np.float32).reshape(-1, LAYERS, *array.shape[1:])

    density = layers(tissue.proton_density)
    weight = np.maximum(density.sum(1), 1e-12)

    def weighted(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        return np.asarray((layers(array) * density).sum(1) / weight, np.float32)

    spacing, origin = tissue.geometry.spacing_mm, tissue.geometry.origin_mm
    mean = density.mean(1)
    body = mean > LEAST_DENSITY
    pure = (layers(tissue.labels) == layers(tissue.labels)[:, :1]).all(1)
    geometry = Geometry(
        (spacing[0], spacing[1], spacing[2] * LAYERS), (origin[0], origin[1], origin[2] + spacing[2] * (LAYERS - 1) / 2)
    )
    return replace(
        tissue,
        proton_density=mean,
        pdff_percent=np.clip(weighted(tissue.pdff_percent), 0, 100),
        r2star_per_s=weighted(tissue.r2star_per_s),
        field_hz=np.where(mean > 0, weighted(tissue.field_hz), layers(tissue.field_hz).mean(1)).astype(np.float32),
        body=body,
        labels=np.where(body & pure, layers(tissue.labels)[:, 0], 0).astype(np.uint8),
        geometry=geometry,
    )
