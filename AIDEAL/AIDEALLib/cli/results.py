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
from ..options import flag_words
from ..parameter_maps import ParameterMaps
from ..quality.causes import folded
from ..quality.findings import Finding, QualityReport, Severity
from ..report.page import cells
from ..report.page import number as number
from ..report.sentences import slice_ranges
from ..scan_run.folder import REPORT, REPORT_PDF, VIEWER, Saved
from ..statistics import SegmentStatistics

if TYPE_CHECKING:
    from ..pipeline import Outcome

MOST_FINDINGS = 5
"""Lines of findings on the screen, unless all are requested."""
_COLOURS = {Severity.STOP: "red", Severity.WARN: "yellow", Severity.INFO: "blue"}


def print_outcome(console: Console, outcome: Outcome, saved: Saved, out: Path, all_findings: bool = False) -> None:
    """Print statistics, findings, times, decisions, and where the results are.

    Parameters
    ----------
    console : Console
        Where to print.
    outcome : Outcome
        Result of the run.
    saved : Saved
        What was written.
    out : Path
        Where it was written.
    all_findings : bool
        Print all findings.
    """
    print_statistics(console, saved.rows)
    for note in saved.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if outcome.quality is not None:
        print_findings(console, outcome.quality, all_findings)
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
    columns = ("Region", "ml", "PDFF (95 %)", "Mean (95 %)", "Model", "SD", "Stated SD", "Unsure %", "R2* 1/s")
    console.print(table_of("PDFF in percent", columns, lines))
    if any(row.reported_from == "joint" for row in rows):
        console.print("* joint estimate of all voxels: voxel by voxel they are too noisy for a median", highlight=False)


def print_findings(console: Console, quality: QualityReport, every: bool = False) -> None:
    """What the data check found, the first thing to do first.

    Parameters
    ----------
    console : Console
        Where to print.
    quality : QualityReport
        Findings.
    every : bool
        Print all findings; otherwise `MOST_FINDINGS` lines at most, with the symptoms of a finding named on its line.
    """
    groups = [(finding, []) for finding in quality.findings] if every else folded(quality.findings)
    shown = groups if every or len(groups) <= MOST_FINDINGS else groups[: MOST_FINDINGS - 1]
    for finding, symptoms in shown:
        slices = f" Slices {slice_ranges(finding.slices)}." if finding.slices else ""
        text = f"{finding.sentence}{slices} {finding.advice.worded(flag_words)}{_follow(symptoms)}"
        console.print(f"[{_COLOURS[finding.severity]}]{finding.severity.value}[/] {finding.code}:", end=" ", highlight=False)
        console.print(for_terminal(text), markup=False, highlight=False, soft_wrap=True)
    left = [finding.code for root, symptoms in groups[len(shown) :] for finding in (root, *symptoms)]
    if left:
        more = (
            f"{len(left)} more findings ({', '.join(dict.fromkeys(left))}); --all-findings prints them, report.html has them."
        )
        console.print(more, markup=False, highlight=False, soft_wrap=True)


def _follow(symptoms: Sequence[Finding]) -> str:
    """Symptoms of a finding on its line."""
    if not symptoms:
        return ""
    counts = {code: sum(f.code == code for f in symptoms) for code in dict.fromkeys(f.code for f in symptoms)}
    listed = ", ".join(code if count == 1 else f"{code} ({count})" for code, count in counts.items())
    return f" With it: {listed}."


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
