"""Tables of a measurement of speed, beside an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from .speed_report import Cost, SpeedReport, WayCost

COLUMNS = ("Step", "wall s", "CPU s", "% of wall")
AGAINST_COLUMNS = ("before s", "ratio", "CPU ratio")
TOTAL = "in total"


@dataclass(frozen=True)
class SpeedTable:
    """Table of one way.

    Attributes
    ----------
    title : str
        The way, and size of the scan.
    columns : tuple of str
        Titles of the columns.
    lines : list of tuple of str
        Cells by row.
    note : str
        Sentence below the table.
    """

    title: str
    columns: tuple[str, ...]
    lines: list[tuple[str, ...]]
    note: str


def tables(report: SpeedReport, before: SpeedReport | None) -> list[SpeedTable]:
    """Table of each way.

    Parameters
    ----------
    report : SpeedReport
        The measurement.
    before : SpeedReport or None
        An earlier one; its times and the ratios to it are in columns of their own.

    Returns
    -------
    list of SpeedTable
    """
    return [_table(way, before) for way in report.ways]


def warnings(report: SpeedReport, before: SpeedReport) -> list[str]:
    """Sentences on what makes the ratios to an earlier measurement doubtful."""
    found = []
    if apart := report.machine.differences(before.machine):
        found.append(f"The earlier measurement was made elsewhere, or with other versions: {'; '.join(apart)}.")
    if report.settings != before.settings:
        found.append(f"The earlier measurement had other settings: {before.settings} instead of {report.settings}.")
    if absent := [f"{way.name} ({way.scan})" for way in report.ways if before.way(way) is None]:
        found.append(f"The earlier measurement lacks: {'; '.join(absent)}.")
    return found


def _table(way: WayCost, before: SpeedReport | None) -> SpeedTable:
    costs, earlier = {**way.steps, TOTAL: way.total}, before.way(way) if before else None
    earlier_costs = {**earlier.steps, TOTAL: earlier.total} if earlier else {}
    lines: list[tuple[str, ...]] = []
    for step in dict.fromkeys([*way.steps, *(s for s in earlier_costs if s != TOTAL), TOTAL]):
        now = costs.get(step)
        compared = _against(now, earlier_costs.get(step)) if before else ()
        lines.append((step, *_cells(now, way.total), *compared))
    columns = COLUMNS + AGAINST_COLUMNS if before else COLUMNS
    return SpeedTable(f"{way.name}: {way.scan}", columns, lines, _note(way))


def _cells(cost: Cost | None, total: Cost) -> tuple[str, str, str]:
    if cost is None:
        return "-", "-", "-"
    cpu = "-" if cost.cpu_s is None else f"{cost.cpu_s:.2f}"
    return f"{cost.wall_s:.2f}", cpu, f"{100 * cost.wall_s / total.wall_s:.0f}"


def _against(now: Cost | None, before: Cost | None) -> tuple[str, str, str]:
    if before is None:
        return "-", "-", "-"
    wall, cpu = (_ratio(now.wall_s, before.wall_s), _ratio(now.cpu_s, before.cpu_s)) if now else ("-", "-")
    return f"{before.wall_s:.2f}", wall, cpu


def _ratio(now: float | None, before: float | None) -> str:
    return "-" if now is None or not before else f"{now / before:.2f}"


def _note(way: WayCost) -> str:
    return "Peak memory is not known on this system." if way.peak_mib is None else f"Peak memory {way.peak_mib / 1024:.2f} GiB."
