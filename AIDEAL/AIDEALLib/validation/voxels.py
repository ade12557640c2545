"""Estimate and truth of every voxel, from which all figures of the validation are computed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from ..parameter_maps import ParameterMaps
from ..simulation.tissue import TissueMaps

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

PER_68, PER_95 = 0.9945, 1.9600
"""Half widths of the central 68 and 95 % of a normal distribution, in standard deviations."""
CHANCE_SDS = 4.0
"""Noise alone exceeds this many standard deviations in 1 of 16 000 voxels."""
LARGE_ERROR_POINTS = 20.0
LOBES = ("Right lobe", "Left lobe")
LIVER = (*LOBES, "Liver dome")
"""Segments of the liver in a simulated abdomen."""


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels with a known truth and an estimate; every array is of shape (voxel,).

    Attributes
    ----------
    pdff : numpy.ndarray, percent
        Estimated PDFF.
    true_pdff : numpy.ndarray, percent
        True PDFF.
    pdff_sd : numpy.ndarray, points
        Stated SD within the mode.
    total_sd : numpy.ndarray, points
        Stated SD of the mixture.
    swap_probability : numpy.ndarray
        Stated P(swap).
    field_off_hz : numpy.ndarray, Hz
        Estimated minus true field, within half a period of 0.
    swap_hz : numpy.ndarray, Hz
        Distance of a swapped field: the fat shift within half a period.
    r2star : numpy.ndarray, 1/s
        Estimated R2*.
    true_r2star : numpy.ndarray, 1/s
        True R2*.
    pdff_bound : numpy.ndarray, points
        Cramer-Rao bound on the SD of PDFF at the true values; NaN where unknown.
    field_bound : numpy.ndarray, Hz
        Cramer-Rao bound on the SD of the field at the true values; NaN where unknown.
    label : numpy.ndarray
        Number of the segment.
    place : numpy.ndarray
        Index of the voxel in the flattened grid.
    shape : tuple of int
        Grid (slice, row, column).
    label_names : dict of int to str
        Segments by number.
    method : str
        Name of the method.
    left_out : int
        Voxels of the region without an estimate, which the arrays do not contain; kept by `where`, added up by `joined`.
    """

    pdff: Floats
    true_pdff: Floats
    pdff_sd: Floats
    total_sd: Floats
    swap_probability: Floats
    field_off_hz: Floats
    swap_hz: Floats
    r2star: Floats
    true_r2star: Floats
    pdff_bound: Floats
    field_bound: Floats
    label: npt.NDArray[np.uint8]
    place: npt.NDArray[np.int64]
    shape: tuple[int, int, int]
    label_names: dict[int, str]
    method: str
    left_out: int

    @classmethod
    def of(
        cls,
        maps: ParameterMaps,
        truth: TissueMaps,
        fat_shift_hz: float,
        region: Bools | None = None,
        bounds: tuple[Floats, Floats] | None = None,
    ) -> Voxels:
        """Voxels of the body, or of a region, that have an estimate.

        Parameters
        ----------
        maps : ParameterMaps
            Estimate.
        truth : TissueMaps
            True maps.
        fat_shift_hz : float
            Mean fat shift at the field strength, Hz.
        region : numpy.ndarray, shape (slice, row, column), bool, optional
            Region; the body when None.
        bounds : tuple of numpy.ndarray, each (slice, row, column), optional
            Cramer-Rao bounds on the SD of PDFF (points) and field (Hz).

        Returns
        -------
        Voxels
            The voxels.
        """
        requested = truth.body if region is None else region
        inside = requested & maps.mask
        period = 1.0 / float(np.diff(maps.provenance.te_s).min())
        swap_hz = abs(float(wrapped(np.asarray(fat_shift_hz), period)))
        unknown = np.full(int(inside.sum()), np.nan, np.float32)
        return cls(
            pdff=maps.pdff[inside],
            true_pdff=truth.pdff_percent[inside],
            pdff_sd=maps.pdff_sd[inside],
            total_sd=maps.pdff_total_sd[inside],
            swap_probability=maps.swap_probability[inside],
            field_off_hz=wrapped(maps.field[inside] - truth.field_hz[inside], period),
            swap_hz=np.full(unknown.shape, swap_hz, np.float32),
            r2star=maps.r2star[inside],
            true_r2star=truth.r2star_per_s[inside],
            pdff_bound=unknown if bounds is None else bounds[0][inside],
            field_bound=unknown if bounds is None else bounds[1][inside],
            label=truth.labels[inside],
            place=np.flatnonzero(inside),
            shape=truth.shape,
            label_names=dict(truth.label_names),
            method=maps.provenance.method,
            left_out=int((requested & ~maps.mask).sum()),
        )

    def __len__(self) -> int:
        return int(self.pdff.size)

    def where(self, chosen: Bools) -> Voxels:
        """Subset of the voxels; `chosen` is (voxel,)."""
        return replace(self, **{name: values[chosen] for name, values in self.arrays().items()})

    def arrays(self) -> dict[str, Any]:
        """The arrays by name."""
        values = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        return {name: value for name, value in values if isinstance(value, np.ndarray)}

    def segment(self, *names: str) -> Voxels:
        """Voxels of the named segments; unknown names are ignored."""
        numbers = [number for number, name in self.label_names.items() if name in names]
        return self.where(np.isin(self.label, numbers))

    def image(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values (voxel,) back on the grid (slice, row, column); NaN where there is no voxel."""
        image = np.full(self.shape, np.nan)
        image.ravel()[self.place] = values
        return image

    @property
    def error(self) -> Floats:
        """Estimated minus true PDFF, points."""
        return self.pdff - self.true_pdff

    @property
    def swapped(self) -> Bools:
        """Voxels whose field is more than half a fat shift off, whatever the cause."""
        return np.abs(self.field_off_hz) > self.swap_hz / 2

    @property
    def wrong_mode(self) -> Bools:
        """Swapped voxels whose error exceeds `CHANCE_SDS` Cramer-Rao bounds, so that another minimum was chosen."""
        return self.swapped & (np.abs(self.field_off_hz) > CHANCE_SDS * self.field_bound)

    def in_swapped_region(self, fewest: int) -> Bools:
        """Swapped voxels of which at least `fewest` adjoin in a slice; not of voxels that were `joined`."""
        swapped = self.image(self.swapped.astype(float)) == 1
        in_slice = np.zeros((3, 3, 3), bool)
        in_slice[1] = scipy.ndimage.generate_binary_structure(2, 1)
        labels = scipy.ndimage.label(swapped, in_slice)[0].ravel()[self.place]
        return np.asarray(self.swapped & (np.bincount(labels)[labels] >= fewest))

    @property
    def confidently_wrong(self) -> Bools:
        """Voxels whose error exceeds `LARGE_ERROR_POINTS` and `CHANCE_SDS` stated SDs of the mixture."""
        error = np.abs(self.error)
        return (error > LARGE_ERROR_POINTS) & (error > CHANCE_SDS * self.total_sd)

    def covered_percent(self, sds: float) -> float:
        """Share of voxels whose error is at most `sds` stated SDs within the mode."""
        return percent(np.abs(self.error) <= sds * self.pdff_sd)


def joined(parts: list[Voxels]) -> Voxels:
    """Voxels of several scans as one sample, for counts only: grid and names are those of the first scan."""
    pieces = [part.arrays() for part in parts]
    arrays: dict[str, Any] = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
    return replace(parts[0], **arrays, left_out=sum(part.left_out for part in parts))


def percent(chosen: npt.NDArray[Any]) -> float:
    """Share of True in percent; NaN of an empty array."""
    return float(100 * np.mean(chosen)) if chosen.size else float("nan")


def wrapped(hz: npt.NDArray[Any], period_hz: float) -> npt.NDArray[np.float32]:
    """Frequencies within half a period of 0."""
    return np.asarray(hz - period_hz * np.round(hz / period_hz), np.float32)
