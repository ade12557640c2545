"""Regions whose numbers mean nothing: no number is given, but the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .interval import Interval
from .magnitude_readings import MagnitudeReadings
from .map_arrays import BoolArray, FloatArray, MapArrays
from .segment_row import NO_SIGNAL, SegmentStatistics

Box = tuple[slice, slice, slice]
UNUSABLE_PERCENT, UNUSABLE_TIMES_EXPECTED = 20.0, 2.0
"""When the residual of a typical voxel is above this many percent and this many times what noise explains, numbers mean
nothing: echoes in the wrong order, of another scan, or with wrong times."""
REGION_PERCENT = 12.0
"""The same limit for a region, whose tissue is more even than the body. Lobes of clean simulated scans (`make silent`) reach
18 % by noise alone, and 1.3 times what noise explains."""
GROWTH_R2STAR_PER_S = -10.0
"""A typical R2* below this is no decay: the signal grows from echo to echo."""
LOWEST_PDFF, HIGHEST_PDFF = -15.0, 115.0
"""A median fat fraction (percent) beyond these is none: noise moves single voxels so far, but no region."""
SOUND_PERCENT, SOUND_TIMES_EXPECTED = 6.0, 1.5
"""In a scan whose body does not follow the model, a region has a number only where its residual is below one of these."""
MOST_VOXEL_SD = 25.0
"""Median SD of the voxels, points, from which the mean of a region is no number: errors are so skewed that it is off by more
than 3 points in simulated livers. A joint estimate has no such limit."""
LARGEST_MISFIT_POINTS, LEAST_TIMES_EXPECTED = 7.0, 1.25
"""Misfit above noise, taken for noise, may not let PDFF vary by more than so many points; below so many times what noise
explains there is none. Water-like tissue of four real scans lies at 0 to 3.8 points, their bodies up to 6.7."""
HIGHEST_OF_LIVER = 65.0
"""Percent, assumed: a liver with fat in all its cells has about 50 %, and what a swap lets it read is mostly above this."""
LOWEST_OF_LIVER = -3.0
"""Percent: small errors of phase and spectrum move a liver without fat so far below 0, noise is in its interval."""
LARGEST_BIAS = 3.0
"""Points by which the fat fraction of a region may be off without its number being withheld."""
_KEPT = ("name", "withheld", "voxels", "volume_ml", "outside_percent", "low_confidence_percent", "swap_suspect_percent")


@dataclass(frozen=True)
class Usability:
    """What is known of a run about regions without a number.

    Attributes
    ----------
    everywhere : str
        Why no region has a number, in a few words; '' where regions are judged one by one.
    doubtful : bool
        The body as a whole does not follow the model.
    noise_left : float
        Root mean square per echo of what noise alone leaves of a fit, in the unit of the echoes.
    te_s : tuple of float, seconds
        Echo times.
    read_percent, true_percent : tuple of float, percent
        Fat fractions that a wrong protocol lets read, rising, and the true ones; () where the protocol is right.
    error_name : str
        Error of whole echoes that the maps hold; '' for none.
    error_change : tuple of float
        Coefficients of the change of PDFF that it brings (`change_terms`).
    magnitudes : MagnitudeReadings or None
        What magnitudes alone read, where they contradict the phase.
    sensitivity : tuple of (float, float, float)
        PDFF (percent), R2* (1/s), and the SD of PDFF (points) that a misfit of one percent, taken for noise, stands for.
    box, shape : tuple, optional
        Place of the maps in those of the scan (slices along its axes), and shape of the latter; None where they
        are the same.
    """

    everywhere: str = ""
    doubtful: bool = False
    noise_left: float = 0.0
    te_s: tuple[float, ...] = ()
    read_percent: tuple[float, ...] = ()
    true_percent: tuple[float, ...] = ()
    error_name: str = ""
    error_change: tuple[float, ...] = ()
    magnitudes: MagnitudeReadings | None = None
    sensitivity: tuple[tuple[float, float, float], ...] = ()
    box: Box | None = None
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> Usability:
        """Usability that a provenance, as plain types, states; runs without a check state none."""
        stated = provenance.get("usability") or {}
        bias = stated.get("bias") or {}
        error = stated.get("echo_error") or {}
        return cls(
            str(stated.get("everywhere", "")),
            bool(stated.get("doubtful", False)),
            float(stated.get("noise_left", 0.0)),
            tuple(float(t) for t in provenance.get("te_s", ())),
            tuple(float(v) for v in bias.get("read", ())),
            tuple(float(v) for v in bias.get("true", ())),
            str(error.get("name", "")),
            tuple(float(v) for v in error.get("coefficients", ())),
            MagnitudeReadings.of(stated.get("magnitudes") or {}),
            tuple((float(p), float(r), float(s)) for p, r, s in stated.get("sensitivity", ())),
        )

    def within(self, box: Box, shape: tuple[int, ...]) -> Usability:
        """The same for maps cropped to a box of those of the scan, whose shape is given."""
        return replace(self, box=box, shape=shape)

    def reason(self, maps: MapArrays, used: BoolArray) -> str:
        """Why a region has no number.

        Parameters
        ----------
        maps : MapArrays
            The maps.
        used : np.ndarray, shape (slice, row, column), bool
            Voxels of the region with an estimate.

        Returns
        -------
        str
            A few words; '' where the region has a number.
        """
        if not used.any():
            return NO_SIGNAL
        if self.everywhere:
            return self.everywhere
        typical = float(np.median(maps.pdff[used]))
        if not LOWEST_PDFF < typical < HIGHEST_PDFF:
            return f"fat fraction of {typical:.0f} % is impossible"
        if self.read_percent:
            off = typical - float(np.interp(typical, self.read_percent, self.true_percent))
            if abs(off) > LARGEST_BIAS:
                return f"echo times or field strength are wrong, and PDFF is off by about {off:+.0f} points"
        if self.error_change:
            off = self._change(maps, used)
            if abs(off) > LARGEST_BIAS:
                return f"{self.error_name}: {typical:.0f} % as read, about {typical - off:.0f} % without it"
        if self.magnitudes is not None and (reason := self.magnitudes.reason(self._in_scan(used), typical, LARGEST_BIAS)):
            return reason
        return self._misfit_reason(maps, used, typical)

    def _misfit_reason(self, maps: MapArrays, used: BoolArray, typical: float) -> str:
        if not self.noise_left:
            return ""
        growth = float(np.median(maps.r2star[used]))
        if growth < GROWTH_R2STAR_PER_S:
            return f"signal grows from echo to echo (R2* {growth:.0f} 1/s)"
        percent, times = misfit(maps, used, expected_residual(maps, self.noise_left, self.te_s, used))
        unusable = percent > REGION_PERCENT and times > UNUSABLE_TIMES_EXPECTED
        if unusable or (self.doubtful and percent > SOUND_PERCENT and times > SOUND_TIMES_EXPECTED):
            return f"echoes do not follow the model (misfit {percent:.0f} %)"
        points = misfit_points(self.sensitivity, typical, growth, percent, times)
        if points > LARGEST_MISFIT_POINTS:
            return f"echoes do not follow the model (misfit {percent:.0f} %, errors of about {points:.0f} points)"
        return ""

    def _change(self, maps: MapArrays, used: BoolArray) -> float:
        """Change of PDFF, points, that the error of whole echoes brings in a region."""
        in_scan = self._in_scan(used)
        rows, columns = in_scan.shape[1:]
        _, row, column = np.nonzero(in_scan)
        place = np.stack([row / rows - 0.5, column / columns - 0.5])
        return float(np.median(change_terms(maps.pdff[used], place) @ np.asarray(self.error_change)))

    def _in_scan(self, used: BoolArray) -> BoolArray:
        """Voxels of a region in the maps of the scan."""
        if self.box is None:
            return used
        whole = np.zeros(self.shape, dtype=bool)
        whole[self.box] = used
        return whole


def noise_reason(maps: MapArrays, used: BoolArray) -> str:
    """Why a region without a joint estimate has no number, where that is noise; '' where it has one.

    Parameters
    ----------
    maps : MapArrays
        The maps.
    used : np.ndarray, shape (slice, row, column), bool
        Voxels of the region with an estimate.

    Returns
    -------
    str
    """
    spread = float(np.median(maps.pdff_sd[used]))
    return f"too noisy (SD of a voxel {spread:.0f} points)" if spread > MOST_VOXEL_SD else ""


def liver_reason(reported: Interval) -> str:
    """Why a region of the liver has no number, where its PDFF (percent) is one that no liver has; '' where it has one."""
    if reported.value > HIGHEST_OF_LIVER:
        return f"no liver has {reported.value:.0f} % fat, water and fat may be exchanged"
    if reported.value < LOWEST_OF_LIVER and not reported.high >= LOWEST_OF_LIVER:  # nor where there is no interval
        return f"no liver has {reported.value:.0f} % fat, echo times or phase may be wrong"
    return ""


def change_terms(pdff: FloatArray, place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Terms of a change of PDFF over fat fraction and place: powers of PDFF times (1, row, column).

    Parameters
    ----------
    pdff : np.ndarray, shape (voxels,), percent
        Fat fractions as read.
    place : np.ndarray, shape (2, voxels)
        Place along rows and columns, from -1/2 to 1/2.

    Returns
    -------
    np.ndarray, shape (voxels, 9)
    """
    fraction = np.clip(pdff, -20, 50) / 100
    along = np.stack([np.ones_like(fraction), *place], axis=1)
    powers = fraction[:, None] ** np.arange(3)
    return np.asarray((powers[:, :, None] * along[:, None, :]).reshape(len(fraction), 9))


def expected_residual(
    maps: MapArrays, noise_left: float | FloatArray, te_s: Sequence[float], where: BoolArray
) -> npt.NDArray[np.float64]:
    """Residual in percent of the signal that noise explains.

    Parameters
    ----------
    maps : MapArrays
        The maps.
    noise_left : float, or np.ndarray, shape (voxels,)
        Root mean square per echo of what noise leaves of a fit.
    te_s : sequence of float, seconds
        Echo times.
    where : np.ndarray, shape (slice, row, column), bool
        Voxels.

    Returns
    -------
    np.ndarray, shape (voxels,), percent
    """
    # root mean square signal over the echoes, from amplitude and decay: what the residual is a percentage of
    r2star, decay = np.maximum(maps.r2star[where], 0), np.zeros(int(np.count_nonzero(where)))
    for te in te_s:  # one echo after the other, since all of a large scan take much memory
        decay += np.exp(-2 * te * r2star) / len(te_s)
    signal = np.abs(maps.water[where] + maps.fat[where]) * np.sqrt(decay)
    return np.asarray(100 * noise_left / np.maximum(signal, 1e-12))


def misfit(maps: MapArrays, where: BoolArray, expected: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Residual of a typical voxel.

    Parameters
    ----------
    maps : MapArrays
        The maps.
    where : np.ndarray, shape (slice, row, column), bool
        Voxels.
    expected : np.ndarray, shape (voxels,), percent
        What noise explains (`expected_residual`).

    Returns
    -------
    percent : float
        Median residual in percent of the signal.
    times : float
        Median residual as a multiple of what noise explains.
    """
    residual = maps.residual[where]
    return float(np.median(residual)), float(np.median(residual / np.maximum(expected, 1e-6)))


def misfit_points(sensitivity: Sequence[Sequence[float]], pdff: float, r2star: float, percent: float, times: float) -> float:
    """SD of PDFF that the misfit above noise stands for, if it is taken for noise.

    Parameters
    ----------
    sensitivity : sequence of (float, float, float)
        As `Usability.sensitivity`.
    pdff, r2star : float, percent and 1/s
        Typical PDFF and R2* of the voxels.
    percent, times : float
        Their misfit (`misfit`).

    Returns
    -------
    float, percentage points
        0 where noise explains the misfit.
    """
    if not sensitivity or times < LEAST_TIMES_EXPECTED:
        return 0.0
    nearest = min(sensitivity, key=lambda row: abs(row[0] - pdff) / 10 + abs(np.log(row[1] / max(r2star, 10.0))))
    return float(nearest[2] * percent * np.sqrt(1 - 1 / times**2))


def without_numbers(row: SegmentStatistics, reason: str) -> SegmentStatistics:
    """Row of a region whose numbers are withheld: only its size and how much of it is in doubt are kept."""
    kinds = {entry.name: entry.type for entry in fields(row) if entry.name not in _KEPT}
    empty: dict[str, Any] = {name: {"float": float("nan"), "str": ""}.get(str(kind), 0) for name, kind in kinds.items()}
    return replace(row, **empty, withheld=reason)
