"""Regions whose numbers mean nothing: no number is given, but the reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .map_arrays import BoolArray, FloatArray, MapArrays
from .segment_row import NO_SIGNAL, SegmentStatistics

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
    """

    everywhere: str = ""
    doubtful: bool = False
    noise_left: float = 0.0
    te_s: tuple[float, ...] = ()
    read_percent: tuple[float, ...] = ()
    true_percent: tuple[float, ...] = ()

    @classmethod
    def of(cls, provenance: Mapping[str, Any]) -> Usability:
        """Usability that a provenance, as plain types, states; runs without a check state none."""
        stated = provenance.get("usability") or {}
        bias = stated.get("bias") or {}
        return cls(
            str(stated.get("everywhere", "")),
            bool(stated.get("doubtful", False)),
            float(stated.get("noise_left", 0.0)),
            tuple(float(t) for t in provenance.get("te_s", ())),
            tuple(float(v) for v in bias.get("read", ())),
            tuple(float(v) for v in bias.get("true", ())),
        )

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
        if not self.noise_left:
            return ""
        growth = float(np.median(maps.r2star[used]))
        if growth < GROWTH_R2STAR_PER_S:
            return f"signal grows from echo to echo (R2* {growth:.0f} 1/s)"
        percent, times = misfit(maps, used, expected_residual(maps, self.noise_left, self.te_s, used))
        unusable = percent > REGION_PERCENT and times > UNUSABLE_TIMES_EXPECTED
        if unusable or (self.doubtful and percent > SOUND_PERCENT and times > SOUND_TIMES_EXPECTED):
            return f"echoes do not follow the model (misfit {percent:.0f} %)"
        return ""


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
    te = np.asarray(te_s)[:, None]
    # root mean square signal over the echoes, from amplitude and decay: what the residual is a percentage of
    decay = np.exp(-2 * np.maximum(maps.r2star[where], 0)[None] * te).mean(0)
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


def without_numbers(row: SegmentStatistics, reason: str) -> SegmentStatistics:
    """Row of a region whose numbers are withheld: only its size and how much of it is in doubt are kept."""
    kinds = {entry.name: entry.type for entry in fields(row) if entry.name not in _KEPT}
    empty: dict[str, Any] = {name: {"float": float("nan"), "str": ""}.get(str(kind), 0) for name, kind in kinds.items()}
    return replace(row, **empty, withheld=reason)
