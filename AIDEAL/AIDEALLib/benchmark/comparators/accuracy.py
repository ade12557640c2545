"""Errors of every system: lobes of patients and vials of phantoms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .estimates import Estimates
from .scans import LOBES, TrueScan
from .system import System


@dataclass(frozen=True)
class PartError:
    """Error of the median PDFF of a part, a lobe or a vial, over its scans.

    Attributes
    ----------
    system : str
        Name of the system.
    condition : str
        Scans: protocol or phantom.
    part : str
        Name of the part.
    truth : float
        Mean of the true medians, percent.
    scans : int
        Number of scans.
    bias : float
        Mean of (estimated - true median), points.
    sd : float
        Standard deviation (n - 1) of it over the scans; over the voxels of the part where there is one scan.
    reason : str
        Why there are no figures; empty where there are.
    """

    system: str
    condition: str
    part: str
    truth: float = math.nan
    scans: int = 0
    bias: float = math.nan
    sd: float = math.nan
    reason: str = ""


def part_errors(
    condition: str, scans: Iterable[TrueScan], systems: Sequence[System], estimates: Estimates, parts: Sequence[str] = LOBES
) -> list[PartError]:
    """Errors of every system over scans.

    Parameters
    ----------
    condition : str
        Name of the scans.
    scans : iterable of TrueScan
        Scans with equal number of echoes.
    systems : sequence of System
        Systems.
    estimates : Estimates
        Estimates the scans.
    parts : sequence of str
        Segments of the scans; by default the lobes.

    Returns
    -------
    list of PartError
        A row per system and part.
    """
    refusals: dict[str, str] = {}
    medians: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for scan in scans:
        for system in systems:
            refusals[system.name] = system.refusal(scan.series.n_echoes)
            if refusals[system.name]:
                continue
            found = estimates.estimate(system, scan).pdff
            for part in parts:
                inside = scan.segments[part]
                pair = (float(np.median(found[inside])), float(np.median(scan.pdff[inside])), float(np.std(found[inside])))
                medians.setdefault((system.name, part), []).append(pair)
    rows = []
    for system in systems:
        for part in parts:
            values = np.array(medians.get((system.name, part), ())).reshape(-1, 3)
            if not len(values):
                rows.append(PartError(system.name, condition, part, reason=refusals.get(system.name, "")))
                continue
            errors = values[:, 0] - values[:, 1]
            sd = float(errors.std(ddof=1)) if len(errors) > 1 else float(values[0, 2])
            rows.append(
                PartError(system.name, condition, part, float(values[:, 1].mean()), len(errors), float(errors.mean()), sd)
            )
    return rows
