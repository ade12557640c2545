"""Agreement with graph cuts on real scans, which have no truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import InputError
from ..plain_maps import foreground_mask
from ..real import RealScan
from .system import System
from .systems import GRAPH_CUTS


@dataclass(frozen=True)
class Agreement:
    """PDFF of a system against that of graph cuts over the foreground of one slice.

    Attributes
    ----------
    system : str
        Name of the system.
    scan : str
        Name of the scan.
    median_difference : float
        Median of (system - graph cuts), points.
    within_5_percent : float
        Share of the foreground that differs by less than 5 points.
    reason : str
        Why there are no figures; empty where there are.
    """

    system: str
    scan: str
    median_difference: float = math.nan
    within_5_percent: float = math.nan
    reason: str = ""


def agreements(systems: Sequence[System], scans: Sequence[RealScan]) -> list[Agreement]:
    """Compare every system with graph cuts on every scan."""
    reference = next(system for system in systems if system.name == GRAPH_CUTS)
    assert reference.estimate is not None
    rows = []
    for scan in scans:
        inside = foreground_mask(scan.series)
        cuts = reference.estimate(scan.series).pdff[inside]
        for system in systems:
            if system.name.startswith(GRAPH_CUTS):
                continue
            reason = system.refusal(scan.series.n_echoes)
            if reason or system.estimate is None:
                rows.append(Agreement(system.name, scan.name, reason=reason))
                continue
            try:
                found = system.estimate(scan.series).pdff[inside]
            except InputError as refused:
                rows.append(Agreement(system.name, scan.name, reason=str(refused)))
                continue
            difference = np.nan_to_num(found - cuts, nan=100.0)
            within = float(100 * (np.abs(difference) < 5).mean())
            rows.append(Agreement(system.name, scan.name, float(np.median(difference)), within))
    return rows
