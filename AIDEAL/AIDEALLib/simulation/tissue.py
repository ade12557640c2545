"""True maps of a simulated object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import Geometry

FloatMap = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TissueMaps:
    """True maps of a simulated object; every array is (slice, row, column).

    Attributes
    ----------
    proton_density : np.ndarray, float32
        Signal of water + fat at t = 0 before coil and noise, arbitrary unit; 0 in air.
    pdff_percent : np.ndarray, float32
        fat / (fat + water), 0 to 100.
    r2star_per_s : np.ndarray, float32
        R2*.
    field_hz : np.ndarray, float32
        Off-resonance at `field_strength_t`.
    body : np.ndarray, bool
        Tissue with signal.
    labels : np.ndarray, uint8
        Segment of each voxel, 0 for none; segments lie inside `body`.
    label_names : dict[int, str]
        Name of each segment.
    geometry : Geometry
        Voxel spacing, origin and direction.
    field_strength_t : float, tesla
        Main field; R2* and the field depend on it.
    reference_labels : tuple of int
        Segments whose signal defines SNR (the liver); empty for the whole body.

    Raises
    ------
    ValueError
        Arrays differ in shape, or a segment has no name.
    """

    proton_density: FloatMap
    pdff_percent: FloatMap
    r2star_per_s: FloatMap
    field_hz: FloatMap
    body: npt.NDArray[np.bool_]
    labels: npt.NDArray[np.uint8]
    label_names: dict[int, str]
    geometry: Geometry
    field_strength_t: float
    reference_labels: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("proton_density", "pdff_percent", "r2star_per_s", "field_hz", "labels"):
            if getattr(self, name).shape != self.body.shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}, the body mask {self.body.shape}")
        missing = set(np.unique(self.labels).tolist()) - {0} - set(self.label_names)
        if missing:
            raise ValueError(f"segments {sorted(missing)} have no name")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along (slice, row, column)."""
        slices, rows, columns = self.body.shape
        return slices, rows, columns

    def segment(self, *names: str) -> npt.NDArray[np.bool_]:
        """Voxels of segments.

        Parameters
        ----------
        *names : str
            Names of the segments.

        Returns
        -------
        np.ndarray, shape (slice, row, column), bool

        Raises
        ------
        KeyError
            There is no segment of that name.
        """
        by_name = {name: number for number, name in self.label_names.items()}
        return np.isin(self.labels, [by_name[name] for name in names])

    @property
    def reference(self) -> npt.NDArray[np.bool_]:
        """Voxels whose signal defines the signal-to-noise ratio, bool (slice, row, column)."""
        if not self.reference_labels:
            return self.body
        return np.isin(self.labels, self.reference_labels)

    def coarsened(self, factor: int, layers: int = 1) -> TissueMaps:
        """The truth on wider pixels in the slice plane and in thicker slices, averaged as in a scan at that resolution.

        Parameters
        ----------
        factor : int
            Width of the new pixels in old ones.
        layers : int
            Thickness of the new slices in old ones.

        Returns
        -------
        TissueMaps
            Water and fat are averaged and PDFF computed from the averages; R2* and the field are averaged with the signal as
            weight. A voxel keeps its segment where all its parts share it, and is body where at least half of it is.

        Raises
        ------
        ValueError
            The matrix is not divisible by the factor, or the number of slices by that of the layers.
        """
        if factor == layers == 1:
            return self
        slices, rows, columns = self.shape
        if rows % factor or columns % factor or slices % layers:
            raise ValueError(f"{self.shape} voxels cannot be merged {layers} x {factor} x {factor}")
        parts = (1, 3, 5)

        def blocks(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
            return array.reshape(slices // layers, layers, rows // factor, factor, columns // factor, factor)

        density = blocks(self.proton_density).mean(parts)
        weight = np.maximum(blocks(self.proton_density).sum(parts), 1e-12)

        def weighted(array: FloatMap) -> FloatMap:
            return ((blocks(array) * blocks(self.proton_density)).sum(parts) / weight).astype(np.float32)

        field_hz = np.where(density > 0, weighted(self.field_hz), blocks(self.field_hz).mean(parts))
        first = blocks(self.labels)[:, :1, :, :1, :, :1]
        pure = (blocks(self.labels) == first).all(parts)
        body = (blocks(self.body).mean(parts) >= 0.5) & (density > 0)
        spacing = self.geometry.spacing_mm
        matrix = np.asarray(self.geometry.direction).reshape(3, 3)
        middle = (np.array([factor, factor, layers]) - 1) / 2
        shift = matrix @ (middle * spacing)
        origin = tuple(float(v) for v in np.asarray(self.geometry.origin_mm) + shift)
        return TissueMaps(
            proton_density=density.astype(np.float32),
            pdff_percent=np.clip(weighted(self.pdff_percent), 0, 100),
            r2star_per_s=weighted(self.r2star_per_s),
            field_hz=field_hz.astype(np.float32),
            body=body,
            labels=np.where(pure & body, first[:, 0, :, 0, :, 0], 0).astype(np.uint8),
            label_names=self.label_names,
            geometry=Geometry(
                (spacing[0] * factor, spacing[1] * factor, spacing[2] * layers),
                (origin[0], origin[1], origin[2]),
                self.geometry.direction,
            ),
            field_strength_t=self.field_strength_t,
            reference_labels=self.reference_labels,
        )
