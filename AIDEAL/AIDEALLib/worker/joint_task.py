"""Joint estimates of regions that the panel requests: what goes into the folder, what comes back, and the task itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries
from ..io.interchange import read_maps, read_series, write_maps, write_series
from ..options import RunOptions
from ..parameter_maps import ParameterMaps

Bools = npt.NDArray[np.bool_]
REGIONS, FITS = "regions.npz", "fits.npz"


@dataclass(frozen=True, eq=False)
class StoredFit:
    """Joint estimate of a region (`statistics.JointFit`).

    Attributes
    ----------
    pdff : float, percent
        Signed fat fraction.
    pdff_error : float, percentage points
        Its standard error from independent noise.
    r2star_per_s : float, 1/s
        Decay rate.
    region : np.ndarray, bool
        The region.
    of_voxels : np.ndarray, float64
        Weight of each voxel of the region.
    """

    pdff: float
    pdff_error: float
    r2star_per_s: float
    region: Bools
    of_voxels: npt.NDArray[np.float64]

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """Weight of each voxel in the shape of the region, 0 outside it."""
        weights = np.zeros(self.region.shape)
        weights[self.region] = self.of_voxels
        return weights


def write_request(folder: Path, series: EchoSeries, maps: ParameterMaps, regions: Sequence[Bools]) -> None:
    """Write what the task needs into a folder.

    Parameters
    ----------
    folder : Path
        Existing folder.
    series : EchoSeries
        The scan.
    maps : ParameterMaps
        Its maps.
    regions : sequence of np.ndarray, bool (slice, row, column)
        Regions on their grid.
    """
    write_series(series, folder)
    write_maps(maps, folder)
    np.savez(folder / REGIONS, *(np.packbits(region) for region in regions))


def read_fits(folder: Path, regions: Sequence[Bools]) -> list[StoredFit | None]:
    """Joint estimate of each region, None where it failed."""
    found: list[StoredFit | None] = []
    with np.load(folder / FITS) as stored:
        for number, region in enumerate(regions):
            values, weights = stored[f"values_{number}"], stored[f"weights_{number}"]
            pdff, error, r2star = (float(v) for v in values) if values.size else (0.0, 0.0, 0.0)
            found.append(StoredFit(pdff, error, r2star, region, weights) if values.size else None)
    return found


def run(folder: Path) -> None:
    """Estimate the regions of a request."""
    from ..pipeline import Outcome, region_fit_of

    series, maps = read_series(folder), read_maps(folder)
    options = RunOptions.from_dict(maps.provenance.options.get("run", {}))
    fit = region_fit_of(Outcome(series, maps, options))
    found: dict[str, npt.NDArray[np.float64]] = {}
    with np.load(folder / REGIONS) as stored:
        for number, name in enumerate(stored.files):
            region = np.unpackbits(stored[name], count=maps.mask.size).reshape(maps.mask.shape).astype(np.bool_)
            estimate = fit(region) if fit is not None else None
            values = (estimate.pdff, estimate.pdff_error, estimate.r2star_per_s) if estimate is not None else ()
            found[f"values_{number}"] = np.asarray(values, np.float64)
            found[f"weights_{number}"] = estimate.weights[region] if estimate is not None else np.zeros(0)
    np.savez(folder / FITS, **found)  # type: ignore[arg-type]
