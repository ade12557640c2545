"""Two visits: what leaving out vessels and edges does to the mean, false changes, and power for a change of two points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..choices import Bipolar, Conjugate
from ..comparison.compare import Comparison, Visit, compare
from ..io.segmentation import Segmentation
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..pipeline import run
from ..progress import Monitor
from ..regions.exclude import LeaveOut
from ..regions.measure import Measured, RegionOptions, measure_segments
from ..regions.suggest import CircleRules
from ..simulation.protocol import PAPER, PROTOCOLS, Protocol
from ..simulation.visits import Movement, VisitScan, visit
from ..statistics import OTHER_PROTOCOL, SAME_PROTOCOL
from .bench import Bench
from .cases import Case
from .plan import Plan
from .report import Chapter
from .tables import Column, table
from .voxels import PER_95, percent

KEY, TITLE = "visits", "Two visits: vessels and edges, false changes, power"
NAMES = {1: "Right lobe", 2: "Left lobe"}
OTHER = next(p for p in PROTOCOLS if p.name == "3T 6 echoes 1.2+1.0n")
CHANGE_POINTS = 2.0
DRAWN, CLEANED = "lobes as drawn", "lobes without edges and vessels"
CARRIED, ANEW = "circles carried over", "circles suggested anew"
PLAIN, CLEAN = "as drawn", "5 mm of edge and vessels left out"
LEFT_OUT = {
    PLAIN: LeaveOut(),
    "5 mm of edge left out": LeaveOut(5.0),
    "vessels left out": LeaveOut(0.0, True),
    CLEAN: LeaveOut(5.0, True),
}


@dataclass(frozen=True)
class LobeMean:
    """Mean of a lobe against that of its tissue without vessels.

    Attributes
    ----------
    patient : int
        Patient.
    lobe : str
        Lobe.
    left_out : str
        What was left out.
    percent_left : float
        Share of the voxels that is left.
    truth : float
        True mean PDFF of its tissue, percent.
    bias : float
        Estimated mean minus it, points.
    """

    patient: int
    lobe: str
    left_out: str
    percent_left: float
    truth: float
    bias: float


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
class Difference:
    """Measured change of a region.

    Attributes
    ----------
    patient : int
        Patient.
    condition : str
        What differs between the visits.
    reading : str
        How the region was measured.
    region : str
        Region.
    true_change : float
        True change of the PDFF, points.
    change : float
        Measured change, points.
    standard_error : float
        Stated standard error.
    """

    patient: int
    condition: str
    reading: str
    region: str
    true_change: float
    change: float
    standard_error: float


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


@dataclass(frozen=True)
class Registered:
    """Checks of a registration.

    Attributes
    ----------
    patient : int
        Patient.
    condition : str
        What differs between the visits.
    moved_mm : float
        Median displacement of the liver.
    least_jacobian : float
        Least determinant of the Jacobian.
    folded_percent : float
        Share of voxels that fold.
    residual_mm : float
        Median shift left.
    residual_95_mm : float
        95th percentile of it.
    """

    patient: int
    condition: str
    moved_mm: float
    least_jacobian: float
    folded_percent: float
    residual_mm: float
    residual_95_mm: float


Condition = tuple[str, Protocol, float]
"""What differs at a follow-up: in words, its protocol, the change in points."""
CONDITIONS: tuple[Condition, ...] = (
    ("no change, moved", PAPER, 0.0),
    ("no change, moved, 3 T", OTHER, 0.0),
    (f"+{CHANGE_POINTS:g} points, moved", PAPER, CHANGE_POINTS),
)
"""Follow-ups of each patient."""


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


def patient_rows(
    patient: int, matrix: tuple[int, int, int], bench: Bench, conditions: Sequence[Condition]
) -> Iterator[LobeMean | Difference | Registered]:
    """Rows of one patient.

    Parameters
    ----------
    patient : int
        Seed of the patient.
    matrix : tuple of int
        Voxels along (slice, row, column).
    bench : Bench
        Networks, device, progress and cancellation.
    conditions : sequence of Condition
        Follow-ups.

    Yields
    ------
    LobeMean, Difference or Registered
    """
    bench.progress(f"Visits of patient {patient}", 0)
    rng = np.random.default_rng([patient, 8])
    pdff = float(rng.uniform(3, 25))
    scan = visit(patient, PAPER, (patient, 0), matrix, pdff=pdff)
    maps = _estimated(scan, bench)
    yield from _lobe_means(patient, scan, maps)
    first = Readings.of(scan, maps)
    for number, (condition, protocol, change) in enumerate(conditions, start=1):
        later = visit(patient, protocol, (patient, number), matrix, pdff=pdff, change=change, movement=Movement.drawn(rng))
        second = Readings.of(later, _estimated(later, bench))
        for reading in (DRAWN, CLEANED, ANEW):
            found = compare(first.visit(reading), second.visit(reading), registration=False)
            yield from _differences(patient, condition, reading, change, found)
        found = compare(first.visit(CARRIED), Visit(CARRIED, second.maps, [], second.lobes))
        yield from _differences(patient, condition, CARRIED, change, found)
        if found.registration is not None:
            check = found.registration.check
            yield Registered(
                patient,
                condition,
                check.moved_mm,
                check.least_jacobian,
                check.folded_percent,
                check.residual_mm,
                check.residual_95_mm,
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


@dataclass(frozen=True, eq=False)
class Readings:
    """Ways to measure a visit.

    Attributes
    ----------
    maps : ParameterMaps
        Maps of the visit.
    lobes : Segmentation
        Lobes as drawn.
    drawn : Measured
        Lobes as drawn, and circles.
    cleaned : Measured
        Lobes without edges and vessels.
    """

    maps: ParameterMaps
    lobes: Segmentation
    drawn: Measured
    cleaned: Measured

    @classmethod
    def of(cls, scan: VisitScan, maps: ParameterMaps) -> Readings:
        """Measure a visit."""
        lobes = Segmentation(scan.lobes, NAMES)
        drawn = measure_segments(maps, scan.lobes, NAMES, RegionOptions(circles=CircleRules()))
        return cls(maps, lobes, drawn, measure_segments(maps, scan.lobes, NAMES, RegionOptions(LEFT_OUT[CLEAN])))

    def visit(self, reading: str) -> Visit:
        """The visit with the rows of one reading."""
        rows = [row for row in (self.cleaned if reading == CLEANED else self.drawn).rows if row.name in self._names(reading)]
        circles = Segmentation(self.drawn.circle_labels, self.drawn.circle_names)
        return Visit(reading, self.maps, rows, self.lobes, circles)

    def _names(self, reading: str) -> set[str]:
        return set(NAMES.values()) if reading in (DRAWN, CLEANED) else set(self.drawn.circle_names.values())


def _estimated(scan: VisitScan, bench: Bench) -> ParameterMaps:
    options = RunOptions(device=bench.device, conjugate=Conjugate.AS_STORED, bipolar=Bipolar.AS_STORED)
    monitor = Monitor(cancelled=bench.cancel)
    return run(scan.series, options, check=False, networks=lambda _: bench.networks, monitor=monitor).maps


def _lobe_means(patient: int, scan: VisitScan, maps: ParameterMaps) -> Iterator[LobeMean]:
    tissue = scan.truth
    for left_out, options in LEFT_OUT.items():
        rows = measure_segments(maps, scan.lobes, NAMES, RegionOptions(options)).rows
        for number, lobe in NAMES.items():
            row = next(row for row in rows if row.name == lobe)
            truth = float(tissue.pdff_percent[tissue.labels == number].mean())
            left = 100 * row.used_voxels / max(row.voxels, 1)
            yield LobeMean(patient, lobe, left_out, left, truth, row.pdff_mean - truth)


def _differences(patient: int, condition: str, reading: str, change: float, found: Comparison) -> Iterator[Difference]:
    for row in found.changes:
        if np.isfinite(row.change):
            yield Difference(patient, condition, reading, row.name, change, row.change, row.standard_error)


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
