"""Patients of the section on two visits: simulated, estimated at each visit, and read in several ways."""

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
from ..statistics import segments_of
from .bench import Bench

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
        drawn = measure_segments(maps, lobes.segments, RegionOptions(circles=CircleRules()))
        return cls(maps, lobes, drawn, measure_segments(maps, lobes.segments, RegionOptions(LEFT_OUT[CLEAN])))

    def visit(self, reading: str) -> Visit:
        """The visit with the rows of one reading."""
        rows = [row for row in (self.cleaned if reading == CLEANED else self.drawn).rows if row.name in self._names(reading)]
        circles = Segmentation.of(self.drawn.circles) if self.drawn.circles else None
        return Visit(reading, self.maps, rows, self.lobes, circles)

    def _names(self, reading: str) -> set[str]:
        return set(NAMES.values()) if reading in (DRAWN, CLEANED) else {circle.name for circle in self.drawn.circles}


def _estimated(scan: VisitScan, bench: Bench) -> ParameterMaps:
    options = RunOptions(device=bench.device, conjugate=Conjugate.AS_STORED, bipolar=Bipolar.AS_STORED)
    monitor = Monitor(cancelled=bench.cancel)
    return run(scan.series, options, check=False, networks=lambda _: bench.networks, monitor=monitor).maps


def _lobe_means(patient: int, scan: VisitScan, maps: ParameterMaps) -> Iterator[LobeMean]:
    tissue = scan.truth
    for left_out, options in LEFT_OUT.items():
        rows = measure_segments(maps, segments_of(scan.lobes, NAMES), RegionOptions(options)).rows
        for number, lobe in NAMES.items():
            row = next(row for row in rows if row.name == lobe)
            truth = float(tissue.pdff_percent[tissue.labels == number].mean())
            left = 100 * row.used_voxels / max(row.voxels, 1)
            yield LobeMean(patient, lobe, left_out, left, truth, row.pdff_mean - truth)


def _differences(patient: int, condition: str, reading: str, change: float, found: Comparison) -> Iterator[Difference]:
    for row in found.changes:
        if np.isfinite(row.change):
            yield Difference(patient, condition, reading, row.name, change, row.change, row.standard_error)
