"""Misfit and swaps of networks on scans and on simulated slices of known truth, before and after adaptation."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..choices import Method
from ..echoes import EchoSeries
from ..estimation.estimate import estimate
from ..estimation.phase_correction.corrections import NO_CORRECTIONS
from ..models import Networks
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..physics.spectrum import SIX_PEAK
from ..simulation.random_slices import SliceBatch, random_slices

SIMULATED = "simulated, held out"
METHODS = ("refined", "one-shot")
SLICES_OF_A_SCAN = 8
HELD_OUT_SEED = 10**12
"""Seeds from here on are not used in training."""


@dataclass(frozen=True)
class Metrics:
    """Metrics of one data set by one method, over its foreground.

    Attributes
    ----------
    data : str
        Name of the data set.
    method : str
        Method of the estimate.
    voxels : int
        Voxels of the foreground.
    residual_percent : float
        Median misfit as a share of the signal.
    suspected_percent : float
        Share of voxels whose swap probability exceeds the limit.
    swapped_percent : float
        Share of voxels whose field is more than half a fat shift off the truth; NaN without truth.
    """

    data: str
    method: str
    voxels: int
    residual_percent: float
    suspected_percent: float
    swapped_percent: float


def metrics(
    networks: Networks, scans: Sequence[EchoSeries], swap_limit: float, batches: int = 12, size: int = 96
) -> list[Metrics]:
    """Metrics of each scan (from eight of its slices, evenly spread) and of simulated slices, by both methods.

    Parameters
    ----------
    networks : Networks
        The networks.
    scans : sequence of EchoSeries
        The scans.
    swap_limit : float
        Swap probability above which a voxel counts as suspected.
    batches : int
        Simulated protocols, four slices each.
    size : int
        Rows and columns of a simulated slice.

    Returns
    -------
    list of Metrics
        Scans first, in their order; each by both methods.
    """
    rows = []
    simulated = [random_slices(4, size, torch.Generator().manual_seed(HELD_OUT_SEED + n)) for n in range(batches)]
    for method in METHODS:
        for number, scan in enumerate(scans, start=1):
            maps = estimate(_some_slices(scan), RunOptions(method=Method(method), device="cpu"), networks=lambda _: networks)
            rows.append(_metrics(f"scan {number}", method, [maps], swap_limit, []))
        estimates = [_estimate(batch, method, networks) for batch in simulated]
        swapped = [_swapped(maps, batch) for maps, batch in zip(estimates, simulated, strict=True)]
        rows.append(_metrics(SIMULATED, method, estimates, swap_limit, swapped))
    return sorted(rows, key=lambda row: (row.data == SIMULATED, row.data))


def _some_slices(scan: EchoSeries) -> EchoSeries:
    n = scan.shape[0]
    chosen = sorted({round(i) for i in np.linspace(0, n - 1, min(n, SLICES_OF_A_SCAN))})
    return replace(scan, echoes=scan.echoes[:, chosen])


def _estimate(batch: SliceBatch, method: str, networks: Networks) -> ParameterMaps:
    series = EchoSeries(batch.echoes.movedim(1, 0).numpy(), batch.te_s.numpy(), batch.field_strength_t)
    options = RunOptions(method=Method(method), device="cpu")
    return estimate(series, options, corrections=NO_CORRECTIONS, networks=lambda _: networks)


def _swapped(maps: ParameterMaps, batch: SliceBatch) -> np.ndarray:
    """Whether each voxel with an estimate and tissue is swapped, bool (voxels,)."""
    period = 1.0 / float(np.diff(maps.provenance.te_s).min())

    def wrapped(hz: np.ndarray) -> np.ndarray:
        return np.asarray(hz - period * np.round(hz / period))

    half = abs(float(wrapped(np.asarray(SIX_PEAK.mean_shift_hz(batch.field_strength_t))))) / 2
    inside = maps.mask & batch.tissue.numpy()
    return np.abs(wrapped(maps.field[inside] - batch.field_hz.numpy()[inside])) > half


def _metrics(
    data: str, method: str, estimates: Sequence[ParameterMaps], swap_limit: float, swapped: Sequence[np.ndarray]
) -> Metrics:
    residual = np.concatenate([maps.residual[maps.mask] for maps in estimates])
    swap = np.concatenate([maps.swap_probability[maps.mask] for maps in estimates])
    return Metrics(
        data=data,
        method=method,
        voxels=residual.size,
        residual_percent=float(np.median(residual)) if residual.size else math.nan,
        suspected_percent=float(100 * np.mean(swap > swap_limit)) if swap.size else math.nan,
        swapped_percent=float(100 * np.mean(np.concatenate(swapped))) if swapped else math.nan,
    )


def save_comparison(before: Sequence[Metrics], after: Sequence[Metrics], path: Path) -> None:
    """Write metrics before and after adaptation side by side as CSV.

    Parameters
    ----------
    before : sequence of Metrics
        Metrics of the networks before.
    after : sequence of Metrics
        Metrics of the adapted networks, in the same order.
    path : Path
        File, replaced only when complete.
    """
    columns = ("residual_percent", "suspected_percent", "swapped_percent")
    unfinished = path.with_suffix(".part")
    with unfinished.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["data", "method", "voxels", *(f"{c}_{when}" for c in columns for when in ("before", "after"))])
        for a, b in zip(before, after, strict=True):
            values = [x for c in columns for x in (getattr(a, c), getattr(b, c))]
            writer.writerow([a.data, a.method, a.voxels, *("" if x != x else f"{x:.4f}" for x in values)])
    unfinished.replace(path)
