"""Estimate beside truth, voxel by voxel: what every figure of the validation is counted from."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..parameter_maps import ParameterMaps
from ..simulation.tissue import TissueMaps

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

PER_68, PER_95 = 0.9945, 1.9600
"""Half widths of the central 68 and 95 % of a normal distribution, in standard deviations."""
CHANCE_SDS = 4.0
"""Beyond this many standard deviations noise alone hardly explains an error: 1 in 16 000."""
LARGE_ERROR_POINTS = 20.0
LOBES = ("Right lobe", "Left lobe")
LIVER = (*LOBES, "Liver dome")
"""Segments of the liver in a simulated abdomen."""


@dataclass(frozen=True, eq=False)
class Voxels:
    """Voxels with a known truth and an estimate; every array is (voxel,).

    Attributes
    ----------
    pdff, true_pdff : percent. pdff_sd, total_sd : stated SD within the mode and of the mixture, points.
    swap_probability : stated.
    field_off_hz : estimated minus true field, within half a period of 0.
    swap_hz : distance of a swapped field, the fat shift within half a period.
    r2star, true_r2star : 1/s.
    pdff_bound, field_bound : Cramer-Rao bounds on SD at the true values (points, Hz); NaN where they were not worked out.
    label : segment. place : index of the voxel in the flattened grid.
    shape : of the grid (slice, row, column). label_names : segments by number.
    method : of the estimate.
    left_out : voxels of the region that have no estimate, so are not here (kept by `where`, added up by `joined`).
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
        fat_shift_hz : mean fat shift at the field strength.
        region : bool (slice, row, column).
        bounds : Cramer-Rao bounds on the SD of PDFF and field, (slice, row, column) each.
        """
        asked = truth.body if region is None else region
        inside = asked & maps.mask
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
            left_out=int((asked & ~maps.mask).sum()),
        )

    def __len__(self) -> int:
        return int(self.pdff.size)

    def where(self, chosen: Bools) -> Voxels:
        """Those voxels alone; `chosen` is (voxel,)."""
        return replace(self, **{name: values[chosen] for name, values in self.arrays().items()})

    def arrays(self) -> dict[str, Any]:
        """The arrays by name."""
        values = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        return {name: value for name, value in values if isinstance(value, np.ndarray)}

    def segment(self, *names: str) -> Voxels:
        """The voxels of the named segments; a name that the object does not have adds none."""
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
        """Field more than half a fat shift off, for whatever reason."""
        return np.abs(self.field_off_hz) > self.swap_hz / 2

    @property
    def wrong_mode(self) -> Bools:
        """Swapped, and further off than noise alone explains (`CHANCE_SDS` Cramer-Rao bounds): another minimum was taken."""
        return self.swapped & (np.abs(self.field_off_hz) > CHANCE_SDS * self.field_bound)

    @property
    def confidently_wrong(self) -> Bools:
        """PDFF more than `LARGE_ERROR_POINTS` off, and more than `CHANCE_SDS` times the stated SD of the mixture."""
        error = np.abs(self.error)
        return (error > LARGE_ERROR_POINTS) & (error > CHANCE_SDS * self.total_sd)

    def covered_percent(self, sds: float) -> float:
        """Share of voxels whose error lies within so many stated SDs (within the mode)."""
        return percent(np.abs(self.error) <= sds * self.pdff_sd)


def joined(parts: list[Voxels]) -> Voxels:
    """Voxels of several scans as one sample; grid and names are the first one's, so only counts make sense of it."""
    pieces = [part.arrays() for part in parts]
    arrays: dict[str, Any] = {name: np.concatenate([p[name] for p in pieces]) for name in pieces[0]}
    return replace(parts[0], **arrays, left_out=sum(part.left_out for part in parts))


def percent(chosen: npt.NDArray[Any]) -> float:
    """Share of True in percent; NaN of nothing."""
    return float(100 * np.mean(chosen)) if chosen.size else float("nan")


def wrapped(hz: npt.NDArray[Any], period_hz: float) -> npt.NDArray[np.float32]:
    """Frequencies within half a period of 0."""
    return np.asarray(hz - period_hz * np.round(hz / period_hz), np.float32)
