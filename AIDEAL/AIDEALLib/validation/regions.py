"""Section on regions: coverage of the intervals of lobes and circles, their width, and strong iron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .bench import Bench
from .cases import Case
from .pictures import COLOURS, Drawing, Picture, legend_below, style_axes
from .plan import Plan
from .region_patients import STRONG_IRON_PER_S, RegionRow, patients, rows_of
from .report import Chapter
from .tables import Column, Table, table
from .voxels import LOBES, PER_68, PER_95

Floats = npt.NDArray[np.floating[Any]]

KEY, TITLE = "regions", "Regions: coverage and width of the intervals of lobes and circles"
ESTIMATES = ("mean", "median", "reported")
AIM_95, AIM_68 = (93.0, 97.0), (64.0, 72.0)


@dataclass(frozen=True)
class RegionCoverage:
    """Coverage of the intervals of regions of one kind.

    Attributes
    ----------
    group : str
        Protocol, 'all', or another group.
    kind : str
        'lobe', or the diameter of circles.
    regions : int
        Number of regions.
    patients : int
        Number of patients.
    mean_68 : float
        Regions whose truth is inside the 68 % interval of the mean, percent.
    mean_95 : float
        The same of the 95 % interval.
    median_68 : float
        The same of the median, 68 %.
    median_95 : float
        95 %.
    reported_68 : float
        The same of the reported value, 68 %.
    reported_95 : float
        95 %.
    mean_off : float
        Mean error of the mean, points.
    reported_off : float
        The same of the reported value.
    standard_error_95 : float
        Standard error of a coverage of 95 % at so many regions, percentage points.
    rms_error : float
        Root mean square error of the mean, points.
    median_stated_error : float
        Median standard error of the mean, points.
    over_best : float
        Median of the standard error of the mean over the best possible.
    """

    group: str
    kind: str
    regions: int
    patients: int
    mean_68: float
    mean_95: float
    median_68: float
    median_95: float
    reported_68: float
    reported_95: float
    mean_off: float
    reported_off: float
    standard_error_95: float
    rms_error: float
    median_stated_error: float
    over_best: float


@dataclass(frozen=True)
class IronError:
    """Error of the estimates of a lobe with strong iron, PDFF in points.

    Attributes
    ----------
    liver_r2star : float, 1/s
        R2* of the liver.
    regions : int
        Number of lobes.
    median_off : float
        Mean error of the median.
    mean_off : float
        Mean error of the mean.
    joint_off : float
        Mean error of the joint estimate.
    joint_off_error : float
        Standard error of that.
    joint_worst : float
        Largest error of a joint estimate.
    joint_stated : float
        Mean standard error of the joint estimates.
    joint_95 : float
        Lobes whose truth is inside the 95 % interval of the joint estimate, percent.
    """

    liver_r2star: float
    regions: int
    median_off: float
    mean_off: float
    joint_off: float
    joint_off_error: float
    joint_worst: float
    joint_stated: float
    joint_95: float


def cases(plan: Plan) -> list[Case]:
    """None: its patients are kept apart, since regions need the echoes."""
    return []


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and picture of the section."""
    rows: list[RegionRow] = []
    for number, patient in enumerate(patients(plan.seed, plan.region_patients, plan.quick), start=1):
        bench.progress(f"{TITLE}: patient {number}, {patient.protocol.name}", 0)
        rows += rows_of(patient, bench)
    strong = [row for row in rows if row.protocol.startswith("strong iron")]
    plain = [row for row in rows if not row.protocol.startswith("strong iron") and np.isfinite(row.mean_error)]
    kinds = list(dict.fromkeys(row.kind for row in sorted(plain, key=lambda row: (row.kind != "lobe", row.kind))))
    groups: list[tuple[str, Callable[[RegionRow], bool]]] = [("all", lambda row: True)]
    groups += [(name, lambda row, n=name: row.protocol == n) for name in dict.fromkeys(row.protocol for row in plain)]  # type: ignore[misc]
    groups += [(name, lambda row, n=name: row.name == n) for name in LOBES]  # type: ignore[misc]
    groups += [(f"interpolated {zoom:g}", lambda row, z=zoom: row.zoom == z) for zoom in sorted({r.zoom for r in plain})]  # type: ignore[misc]
    groups += [(f"SNR {snr:.0f}", lambda row, s=snr: row.snr == s) for snr in sorted({r.snr for r in plain})]  # type: ignore[misc]
    found = [
        _coverage(name, kind, part)
        for name, belongs in groups
        for kind in kinds
        if (part := [row for row in plain if row.kind == kind and belongs(row)])
    ]
    unknown = sum(not np.isfinite(row.mean_error) for row in rows)
    return Chapter(
        KEY,
        TITLE,
        (
            f"{plan.region_patients} patients over protocols, SNR 8 to 60 of the interpolated images, zero filling by 1 to 2 "
            "(k-space cropped as much), R2* of the liver up to 600 1/s where the Cramer-Rao bound of a voxel is below 10 "
            "points. A lobe stands for itself, a circle for its lobe. Reported is the median, or the joint estimate where "
            f"voxels are noisy. {unknown} of {len(rows)} regions have no interval.",
            _aims(found),
            _table("coverage", "All: truth inside the interval, percent.", found, [f for f in found if f.group == "all"]),
            _table("", "By lobe.", (), [f for f in found if f.group in LOBES]),
            _table("", "By protocol, interpolation and SNR: lobes.", (), [f for f in found if f.kind == "lobe"]),
            _table("", "By protocol: circles of 2 cm.", (), [f for f in found if f.kind == "2 cm"]),
            _iron(strong),
            table("rows", "All regions", rows),
            _picture(plain),
        ),
    )


def _coverage(group: str, kind: str, rows: Sequence[RegionRow]) -> RegionCoverage:
    inside = {f"{e}_{level}": _inside(rows, e, sds) for e in ESTIMATES for level, sds in ((68, PER_68), (95, PER_95))}
    error, reported = (_errors(rows, estimate)[0] for estimate in ("mean", "reported"))
    return RegionCoverage(
        group=group,
        kind=kind,
        regions=len(rows),
        patients=len({row.seed for row in rows}),
        **inside,
        mean_off=_mean(error),
        reported_off=_mean(reported),
        standard_error_95=float(100 * np.sqrt(0.95 * 0.05 / len(rows))),
        rms_error=float(np.sqrt(np.mean(error**2))),
        median_stated_error=float(np.median([row.mean_error for row in rows])),
        over_best=float(np.median([row.mean_error / row.best_error for row in rows])),
    )


def _errors(rows: Sequence[RegionRow], estimate: str) -> tuple[Floats, Floats]:
    """Errors of an estimate and their standard errors, points; without regions that have no interval."""
    pairs = []
    for row in rows:
        of_median = estimate == "median" or (estimate == "reported" and row.reported == row.median)
        truth = row.true_median if of_median else row.true_mean
        pairs.append((getattr(row, estimate) - truth, getattr(row, f"{estimate}_error")))
    error, stated = np.array(pairs, float).reshape(-1, 2).T
    known = np.isfinite(stated)
    return error[known], stated[known]


def _inside(rows: Sequence[RegionRow], estimate: str, sds: float) -> float:
    """Share of regions whose truth lies within so many standard errors, percent; without those that have no interval."""
    error, stated = _errors(rows, estimate)
    return 100 * _mean(np.abs(error) <= sds * stated)


def _mean(values: npt.NDArray[Any]) -> float:
    """Mean; NaN of no values."""
    return float(np.mean(values)) if len(values) else float("nan")


def _aims(found: Sequence[RegionCoverage]) -> str:
    parts = []
    for kind in dict.fromkeys(row.kind for row in found):
        (row,) = [row for row in found if row.group == "all" and row.kind == kind]
        met = AIM_95[0] <= row.mean_95 <= AIM_95[1] and AIM_68[0] <= row.mean_68 <= AIM_68[1]
        parts.append(f"{kind} {row.mean_68:.1f} / {row.mean_95:.1f} % ({'met' if met else 'not met'})")
    aim = "Aim: 95 % intervals of the mean cover 93 to 97 %, 68 % ones 64 to 72 %."
    return f"{aim} All protocols together: {', '.join(parts)}."


def _table(name: str, caption: str, stored: Sequence[RegionCoverage], rows: Sequence[RegionCoverage]) -> Table:
    columns = (
        Column("Group", "group"),
        Column("Region", "kind"),
        Column("Regions", "regions"),
        Column("Mean in 68 %", "mean_68", ".1f"),
        Column("95 %", "mean_95", ".1f"),
        Column("Median in 68 %", "median_68", ".1f"),
        Column("95 %", "median_95", ".1f"),
        Column("Reported in 68 %", "reported_68", ".1f"),
        Column("95 %", "reported_95", ".1f"),
        Column("Mean off", "mean_off", "+.2f"),
        Column("Reported off", "reported_off", "+.2f"),
        Column("± at 95 %", "standard_error_95", ".1f"),
        Column("RMS error", "rms_error", ".2f"),
        Column("Stated SE", "median_stated_error", ".2f"),
        Column("over best", "over_best", ".2f"),
    )
    shown = table(name, caption, rows, columns)
    return Table(name, caption, stored, shown.titles, shown.lines)


def _iron(rows: Sequence[RegionRow]) -> Table:
    found = []
    for decay in STRONG_IRON_PER_S:
        lobes = [row for row in rows if row.liver_r2star == decay and row.kind == "lobe" and np.isfinite(row.joint)]
        if not lobes:
            continue
        joint = np.array([row.joint - row.true_mean for row in lobes])
        found.append(
            IronError(
                liver_r2star=decay,
                regions=len(lobes),
                median_off=float(np.mean([row.median - row.true_median for row in lobes])),
                mean_off=float(np.mean([row.mean - row.true_mean for row in lobes])),
                joint_off=float(joint.mean()),
                joint_off_error=float(joint.std(ddof=1) / np.sqrt(len(joint))) if len(joint) > 1 else float("nan"),
                joint_worst=float(joint[np.abs(joint).argmax()]),
                joint_stated=float(np.mean([row.joint_error for row in lobes])),
                joint_95=_inside(lobes, "joint", PER_95),
            )
        )
    columns = (
        Column("R2*, 1/s", "liver_r2star", ".0f"),
        Column("Lobes", "regions"),
        Column("Median off", "median_off", "+.2f"),
        Column("Mean off", "mean_off", "+.2f"),
        Column("Joint off", "joint_off", "+.2f"),
        Column("its standard error", "joint_off_error", ".2f"),
        Column("largest of a lobe", "joint_worst", "+.2f"),
        Column("Stated SE", "joint_stated", ".2f"),
        Column("Joint in 95 %", "joint_95", ".1f"),
    )
    return table("iron", "Strong iron at SNR 30: error of a lobe's PDFF, points.", found, columns)


def _picture(rows: Sequence[RegionRow]) -> Picture:
    drawing = Drawing(1, 2, 4.6, 3.6)
    for k, kind in enumerate(dict.fromkeys(row.kind for row in rows)):
        mine = [row for row in rows if row.kind == kind]
        scores = np.sort([abs(row.mean - row.true_mean) / row.mean_error for row in mine])
        share = 100 * np.arange(1, len(scores) + 1) / len(scores)
        drawing.axes[0, 0].plot(scores, share, color=COLOURS[k], linewidth=1.2, label=kind)
        drawing.axes[0, 1].loglog(
            [row.best_error for row in mine], [row.mean_error for row in mine], ".", color=COLOURS[k], markersize=3, label=kind
        )
    for sds, level in ((PER_68, 68), (PER_95, 95)):
        drawing.axes[0, 0].plot(sds, level, "k+", markersize=10)
    drawing.axes[0, 0].set_xlim(0, 4)
    style_axes(drawing.axes[0, 0], "Errors over stated errors", "|error| / standard error of the mean", "regions below (%)")
    style_axes(drawing.axes[0, 1], "Width", "best possible standard error (points)", "stated standard error (points)")
    legend_below(drawing, drawing.axes[0, 0], 4)
    return drawing.picture("coverage", "Crosses: 68 and 95 %.")
