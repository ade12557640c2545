"""What `run` and `demo` print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..escaping import for_terminal, plain
from ..parameter_maps import ParameterMaps
from ..quality.findings import QualityReport, Severity
from ..report.page import cells
from ..report.page import number as number
from ..report.sentences import slice_ranges
from ..scan_run.folder import REPORT, REPORT_PDF, VIEWER, Saved
from ..statistics import SegmentStatistics
from .options import flag_words

if TYPE_CHECKING:
    from ..pipeline import Outcome


def print_outcome(console: Console, outcome: Outcome, saved: Saved, out: Path) -> None:
    """Print statistics, findings, times, decisions, and where the results are."""
    print_statistics(console, saved.rows)
    for note in saved.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if outcome.quality is not None:
        print_findings(console, outcome.quality)
    print_closing(console, outcome.maps, out, {**outcome.maps.provenance.seconds, "writing": saved.writing_s})


def table_of(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table with its first column to the left and numbers to the right."""
    table = Table(
        title=Text(plain(title), style="bold"),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
    )
    for index, name in enumerate(columns):
        table.add_column(Text(plain(name)), justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def print_statistics(console: Console, rows: Sequence[SegmentStatistics]) -> None:
    """The statistics that matter at a glance; `statistics.csv` has the rest."""
    lines = [cells(row)[:-1] for row in rows]
    columns = ("Region", "ml", "Median (95 %)", "Mean (95 %)", "Model", "SD", "Stated SD", "Unsure %", "R2* 1/s")
    console.print(table_of("PDFF in percent", columns, lines))
    if any(row.reported_from == "joint" for row in rows):
        console.print("* joint estimate of all voxels: voxel by voxel they are too noisy for a median", highlight=False)


def print_findings(console: Console, quality: QualityReport) -> None:
    """What the data check found, the worst first."""
    colours = {Severity.STOP: "red", Severity.WARN: "yellow", Severity.INFO: "blue"}
    for finding in quality.findings:
        slices = f" Slices {slice_ranges(finding.slices)}." if finding.slices else ""
        console.print(f"[{colours[finding.severity]}]{finding.severity.value}[/] {finding.code}:", end=" ", highlight=False)
        console.print(
            for_terminal(f"{finding.sentence}{slices} {finding.advice.worded(flag_words)}"),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def print_closing(console: Console, maps: ParameterMaps, out: Path, seconds: dict[str, float]) -> None:
    """Time by stage, every fallback and decision, where the results are, and what they are not for."""
    provenance = maps.provenance
    slices = maps.mask.shape[0]
    total = sum(seconds.values())
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    console.print(f"{total:.1f} s for {slices} slice{'s' * (slices > 1)} on {provenance.device} ({parts})", highlight=False)
    for note in (f"Phase {provenance.phase_sign}.", *provenance.notes):
        console.print(for_terminal(f"Note: {note}"), markup=False, highlight=False, soft_wrap=True)
    console.print(for_terminal(f"Results: {out.resolve()}"), markup=False, highlight=False, soft_wrap=True)
    for name, file in (("Report", REPORT), ("One page", REPORT_PDF), ("Viewer", VIEWER)):
        if (out / file).is_file():
            console.print(for_terminal(f"{name}: {out.resolve() / file}"), markup=False, highlight=False, soft_wrap=True)
    console.print(provenance.research_use, style="bold", highlight=False)
