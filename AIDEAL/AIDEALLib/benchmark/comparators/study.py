"""Everything that is compared, from one seed: errors, phantoms, shifts out of the domain, real scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ...simulation.protocol import Protocol
from ..real import RealScan
from .accuracy import PartError, part_errors
from .agreement import Agreement, agreements
from .estimates import Estimates
from .scans import (
    ECHO_TIME_SHIFTS,
    FIELD_STRENGTH_SHIFT,
    IN_DISTRIBUTION,
    ROOM_TEMPERATURE,
    SHIFT_SEED,
    SHIFTS,
    Shift,
    TrueScan,
    patients,
    vials,
)
from .system import System
from .uncertainty import RegionPoint, UncertaintyScore, VoxelErrors, region_points, uncertainty_score

ALL_SHIFTS = "all shifts"
PHANTOM, ROOM = "seven vials", "eleven vials, 22 C"
NOISE = {"no noise": 1e4, "SNR 50": 50.0, "SNR 10": 10.0}
"""SNR of the vials; at that of no noise, rounding to single precision is as large as the noise."""


@dataclass(frozen=True)
class StudyPlan:
    """Size of the comparison.

    Attributes
    ----------
    seed : int
        Seed of the first patient, of coils and of noise.
    patients : int
        Patients in distribution.
    shifted_patients : int
        Patients under each other protocol and in each shifted domain.
    matrix : int
        Rows and columns of abdomens; phantoms have twice as many.
    slices : int
        Slices of a patient.
    shifts : tuple of Shift
        Domains besides that of the training.
    protocols : tuple of Protocol
        Protocols of the lobes besides that of the training.
    noise : tuple of str
        Keys of `NOISE` of the seven vials.
    """

    seed: int = 300
    patients: int = 40
    shifted_patients: int = 3
    matrix: int = 96
    slices: int = 3
    shifts: tuple[Shift, ...] = SHIFTS
    protocols: tuple[Protocol, ...] = (*ECHO_TIME_SHIFTS, FIELD_STRENGTH_SHIFT)
    noise: tuple[str, ...] = tuple(NOISE)


QUICK = StudyPlan(patients=1, shifted_patients=1, matrix=64, slices=2, shifts=(SHIFTS[2],), protocols=(), noise=("SNR 50",))


@dataclass(frozen=True)
class Study:
    """Results.

    Attributes
    ----------
    plan : StudyPlan
        Its size.
    systems : tuple of System
        Systems in the order of the tables.
    estimates : Estimates
        Estimates of all scans but the real ones.
    lobes : list of PartError
        Lobes of patients by protocol.
    vials : list of PartError
        Vials of phantoms.
    scores : list of UncertaintyScore
        Uncertainty by domain, and over all shifts together.
    regions : list of RegionPoint
        Regions of lobes, for the regression.
    voxels : dict
        Voxels by (system, domain), and over all shifts.
    agreement : list of Agreement
        Real scans.
    """

    plan: StudyPlan
    systems: tuple[System, ...]
    estimates: Estimates
    lobes: list[PartError] = field(default_factory=list)
    vials: list[PartError] = field(default_factory=list)
    scores: list[UncertaintyScore] = field(default_factory=list)
    regions: list[RegionPoint] = field(default_factory=list)
    voxels: dict[tuple[str, str], VoxelErrors] = field(default_factory=dict)
    agreement: list[Agreement] = field(default_factory=list)


def run_study(
    plan: StudyPlan,
    systems: Sequence[System],
    estimates: Estimates,
    at_room_temperature: System,
    real: Sequence[RealScan],
    progress: Callable[[str], None],
) -> Study:
    """Compare the systems.

    Parameters
    ----------
    plan : StudyPlan
        Size of the comparison.
    systems : sequence of System
        Systems; those that cannot be run keep their reason.
    estimates : Estimates
        Estimates the scans.
    at_room_temperature : System
        One more for the phantom at room temperature, which is given the shift of fat there.
    real : sequence of RealScan
        Real scans, one slice each.
    progress : callable
        Called with a sentence as each part begins.

    Returns
    -------
    Study
    """
    study = Study(plan, tuple(systems), estimates)
    with_pdff = [system for system in systems if system.own_pdff]
    conditions = [(PAPER_CONDITION, IN_DISTRIBUTION.protocol, plan.patients)]
    conditions += [(p.name, p, plan.shifted_patients) for p in plan.protocols]
    for condition, protocol, number in conditions:
        progress(f"Lobes: {condition}")
        scans = patients(number, plan.seed, plan.matrix, protocol, plan.slices)
        study.lobes.extend(part_errors(condition, scans, with_pdff, estimates))
    for condition, scan in _phantoms(plan):
        progress(f"Vials: {condition}")
        compared = [*with_pdff, at_room_temperature] if condition == ROOM else with_pdff
        study.vials.extend(part_errors(condition, [scan], compared, estimates, list(scan.segments)))
    for domain in (IN_DISTRIBUTION, *plan.shifts):
        progress(f"Uncertainty: {domain.name}")
        _domain(study, domain)
    _all_shifts(study)
    progress("Real scans")
    study.agreement.extend(agreements(systems, real))
    return study


PAPER_CONDITION = IN_DISTRIBUTION.protocol.name


def _phantoms(plan: StudyPlan) -> Iterator[tuple[str, TrueScan]]:
    for name in plan.noise:
        yield f"{PHANTOM}, {name}", vials("1", NOISE[name], plan.seed, 2 * plan.matrix)
    yield ROOM, vials("multi-site", 50.0, plan.seed, 2 * plan.matrix, ROOM_TEMPERATURE)


def _domain(study: Study, domain: Shift) -> None:
    plan = study.plan
    number = 0 if domain is IN_DISTRIBUTION else 1 + [shift.name for shift in plan.shifts].index(domain.name)
    first = plan.seed + SHIFT_SEED + 20 * number
    parts: dict[str, list[VoxelErrors]] = {}
    for patient in range(first, first + plan.shifted_patients):
        scan = domain.scan(patient, plan.matrix, plan.slices)
        for system in study.systems:
            if system.refusal(scan.series.n_echoes) or system.estimate is None:
                continue
            found = study.estimates.estimate(system, scan)
            parts.setdefault(system.name, []).append(VoxelErrors.of(found, scan))
            study.regions.extend(region_points(system.name, domain.name, found, scan))
    for system in study.systems:
        if system.name not in parts:
            study.scores.append(UncertaintyScore(system.name, domain.name, system.uncertainty, reason=system.refusal(6)))
            continue
        voxels = VoxelErrors.joined(parts[system.name])
        study.voxels[system.name, domain.name] = voxels
        study.scores.append(uncertainty_score(system.name, domain.name, system.uncertainty, voxels))


def _all_shifts(study: Study) -> None:
    """The voxels of all shifted domains together."""
    names = [shift.name for shift in study.plan.shifts]
    for system in study.systems:
        parts = [study.voxels[system.name, name] for name in names if (system.name, name) in study.voxels]
        if not parts:
            study.scores.append(UncertaintyScore(system.name, ALL_SHIFTS, system.uncertainty, reason=system.refusal(6)))
            continue
        voxels = VoxelErrors.joined(parts)
        study.voxels[system.name, ALL_SHIFTS] = voxels
        study.scores.append(uncertainty_score(system.name, ALL_SHIFTS, system.uncertainty, voxels))
