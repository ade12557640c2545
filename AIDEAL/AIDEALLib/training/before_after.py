"""What networks do on one's own scans and on simulated slices of known truth: to compare before and after adaptation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from ..choices import Method
from ..echoes import EchoSeries
from ..estimation.estimate import estimate
from ..estimation.phase_correction.plan import NO_CORRECTIONS
from ..models import Networks
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK
from ..simulation.random_slices import SliceBatch, random_slices

SIMULATED = "simulated, held out"
METHODS = ("refined", "one-shot")
SLICES_LOOKED_AT = 8
HELD_OUT_SEED = 10**12
"""Seeds from here on are never trained on."""


@dataclass(frozen=True)
class Figures:
    """Figures of one data set by one method, over its foreground; percent.

    Attributes
    ----------
    data, method, voxels : what and how many.
    residual_percent : median misfit as a share of the signal.
    suspected_percent : voxels whose swap probability exceeds a limit.
    swapped_percent : voxels whose field lies more than half a fat shift off the truth; NaN where there is none.
    """

    data: str
    method: str
    voxels: int
    residual_percent: float
    suspected_percent: float
    swapped_percent: float


def figures(
    networks: Networks, scans: Sequence[EchoSeries], swap_limit: float, batches: int = 12, size: int = 96
) -> list[Figures]:
    """Figures of every scan (from eight of its slices, evenly spread) and of simulated slices, by both methods.

    Parameters
    ----------
    swap_limit : swap probability from which a voxel counts as suspected.
    batches : protocols simulated, four slices each; size : rows and columns of a simulated slice.
    """
    rows = []
    simulated = [random_slices(4, size, torch.Generator().manual_seed(HELD_OUT_SEED + n)) for n in range(batches)]
    for method in METHODS:
        for number, scan in enumerate(scans, start=1):
            maps = estimate(_some_slices(scan), RunOptions(method=Method(method), device="cpu"), networks=lambda _: networks)
            rows.append(_figures(f"scan {number}", method, [maps], swap_limit, []))
        estimates = [_estimate(batch, method, networks) for batch in simulated]
        swapped = [_swapped(maps, batch) for maps, batch in zip(estimates, simulated, strict=True)]
        rows.append(_figures(SIMULATED, method, estimates, swap_limit, swapped))
    return sorted(rows, key=lambda row: (row.data == SIMULATED, row.data))


def _some_slices(scan: EchoSeries) -> EchoSeries:
    n = scan.shape[0]
    chosen = sorted({round(i) for i in np.linspace(0, n - 1, min(n, SLICES_LOOKED_AT))})
    return replace(scan, echoes=scan.echoes[:, chosen])


def _estimate(batch: SliceBatch, method: str, networks: Networks) -> ParameterMaps:
    series = EchoSeries(batch.echoes.movedim(1, 0).numpy(), batch.te_s.numpy(), batch.field_strength_t)
    options = RunOptions(method=Method(method), device="cpu")
    return estimate(series, options, corrections=NO_CORRECTIONS, networks=lambda _: networks)


def _swapped(maps: ParameterMaps, batch: SliceBatch) -> np.ndarray:
    """Bool of every voxel with an estimate and tissue."""
    period = 1.0 / float(np.diff(maps.provenance.te_s).min())

    def wrapped(hz: np.ndarray) -> np.ndarray:
        return np.asarray(hz - period * np.round(hz / period))

    half = abs(float(wrapped(np.asarray(SIX_PEAK.mean_shift_hz(batch.field_strength_t))))) / 2
    inside = maps.mask & batch.tissue.numpy()
    return np.abs(wrapped(maps.field[inside] - batch.field_hz.numpy()[inside])) > half


def _figures(
    data: str, method: str, estimates: Sequence[ParameterMaps], swap_limit: float, swapped: Sequence[np.ndarray]
) -> Figures:
    residual = np.concatenate([maps.residual[maps.mask] for maps in estimates])
    swap = np.concatenate([maps.swap_probability[maps.mask] for maps in estimates])
    return Figures(
        data=data,
        method=method,
        voxels=residual.size,
        residual_percent=float(np.median(residual)) if residual.size else math.nan,
        suspected_percent=float(100 * np.mean(swap > swap_limit)) if swap.size else math.nan,
        swapped_percent=float(100 * np.mean(np.concatenate(swapped))) if swapped else math.nan,
    )
