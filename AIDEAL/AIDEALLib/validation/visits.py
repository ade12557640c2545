"""Two visits: what leaving out vessels and edges does to the mean, false changes, and power for a change of two points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..statistics import OTHER_PROTOCOL, SAME_PROTOCOL
from .bench import Bench
from .cases import Case
from .plan import Plan
from .report import Chapter
from .tables import Column, table
from .visit_patients import (
    ANEW,
    CARRIED,
    CLEANED,
    CONDITIONS,
    DRAWN,
    LEFT_OUT,
    NAMES,
    Difference,
    LobeMean,
    Registered,
    patient_rows,
)
from .voxels import PER_95, percent

KEY, TITLE = "visits", "Two visits: vessels and edges, false changes, power"


@dataclass(frozen=True)
class LobeBias:
    """Bias of the mean of a lobe over the patients.

    Attributes
    ----------
    left_out : str
        What was left out.
    lobe : str
        Lobe.
    patients : int
        Number of patients.
    percent_left : float
        Mean share of the voxels that is left.
    bias : float
        Mean bias, points.
    rms : float
        Root mean square of the bias, points.
    largest : float
        Largest bias of a patient by size, points.
    """

    left_out: str
    lobe: str
    patients: int
    percent_left: float
    bias: float
    rms: float
    largest: float


@dataclass(frozen=True)
class Rate:
    """How often a change was stated.

    Attributes
    ----------
    condition : str
        What differs between the visits.
    reading : str
        How the regions were measured.
    regions : int
        Number of regions.
    mean : float
        Mean measured change, points.
    sd : float
        Standard deviation of the measured changes, points.
    stated : float
        Mean stated standard error, points.
    covered_percent : float
        Share of the 95 % intervals that hold the true change.
    beyond_published_percent : float
        Share beyond the published repeatability (same protocol) or reproducibility (other protocol).
    beyond_own_percent : float
        Share beyond the repeatability that the unchanged pairs of the same reading and protocol show (1.96 root mean square).
    own : float
        That repeatability, points.
    """

    condition: str
    reading: str
    regions: int
    mean: float
    sd: float
    stated: float
    covered_percent: float
    beyond_published_percent: float
    beyond_own_percent: float
    own: float


def cases(plan: Plan) -> list[Case]:
    """None: visits are not cases of the other sections."""
    return []


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables of the section."""
    conditions = CONDITIONS[::2] if plan.quick else CONDITIONS
    found = [row for patient, matrix in plan.visits() for row in patient_rows(patient, matrix, bench, conditions)]
    means = [row for row in found if isinstance(row, LobeMean)]
    differences = [row for row in found if isinstance(row, Difference)]
    registered = [row for row in found if isinstance(row, Registered)]
    return Chapter(
        KEY,
        TITLE,
        (
            f"{len(plan.visits())} patients, {1 + len(conditions)} scans each: baseline, "
            f"and {', '.join(c for c, _, _ in conditions)}. "
            "Breath hold within 10 mm, position within 10 mm, tilt within 3 degrees. Lobes are drawn to the edge with their "
            "vessels, at each visit.",
            table("bias", "Bias of the mean of a lobe, points.", bias_rows(means), BIAS_COLUMNS),
            table("rates", "Measured changes, points.", rate_rows(differences), RATE_COLUMNS),
            table("lobes", "Every lobe", means),
            table("changes", "Every change", differences),
            table("registrations", "Every registration", registered),
        ),
    )


def bias_rows(means: Sequence[LobeMean]) -> list[LobeBias]:
    """Bias of each lobe, by what was left out, over the patients."""
    rows = []
    for left_out in LEFT_OUT:
        for lobe in NAMES.values():
            mine = [m for m in means if (m.left_out, m.lobe) == (left_out, lobe)]
            bias = np.asarray([m.bias for m in mine])
            if mine:
                left = float(np.mean([m.percent_left for m in mine]))
                rms, largest = float(np.sqrt(np.mean(bias**2))), float(np.abs(bias).max())
                rows.append(LobeBias(left_out, lobe, len(mine), left, float(bias.mean()), rms, largest))
    return rows


def rate_rows(differences: Sequence[Difference]) -> list[Rate]:
    """Rates of each condition and reading."""
    rows = []
    for condition, protocol, _ in CONDITIONS:
        for reading in (DRAWN, CLEANED, CARRIED, ANEW):
            mine = [d for d in differences if (d.condition, d.reading) == (condition, reading)]
            same = [c for c, p, change in CONDITIONS if p is protocol and change == 0]
            unchanged = [d.change for d in differences if d.condition in same and d.reading == reading]
            if mine and unchanged:
                rows.append(_rate(mine, PER_95 * float(np.sqrt(np.mean(np.square(unchanged))))))
    return rows


def _rate(mine: Sequence[Difference], own: float) -> Rate:
    change, error, true = (np.asarray([getattr(d, name) for d in mine]) for name in ("change", "standard_error", "true_change"))
    published = OTHER_PROTOCOL if "3 T" in mine[0].condition else SAME_PROTOCOL
    return Rate(
        condition=mine[0].condition,
        reading=mine[0].reading,
        regions=len(mine),
        mean=float(change.mean()),
        sd=float(change.std(ddof=1)) if len(mine) > 1 else float("nan"),
        stated=float(error.mean()),
        covered_percent=percent(np.abs(change - true) <= PER_95 * error),
        beyond_published_percent=percent(np.abs(change) > published.points),
        beyond_own_percent=percent(np.abs(change) > own),
        own=own,
    )


BIAS_COLUMNS = (
    Column("Left out", "left_out"),
    Column("Lobe", "lobe"),
    Column("Voxels left, %", "percent_left", ".0f"),
    Column("Mean bias", "bias", "+.2f"),
    Column("Root mean square", "rms", ".2f"),
    Column("Largest", "largest", ".2f"),
)
RATE_COLUMNS = (
    Column("Visits", "condition"),
    Column("Reading", "reading"),
    Column("Regions", "regions"),
    Column("Mean change", "mean", "+.2f"),
    Column("SD", "sd", ".2f"),
    Column("Stated SE", "stated", ".2f"),
    Column("95 % interval holds the change, %", "covered_percent", ".0f"),
    Column("Beyond published repeatability, %", "beyond_published_percent", ".0f"),
    Column("Own repeatability", "own", ".2f"),
    Column("Beyond own, %", "beyond_own_percent", ".0f"),
)
