"""A cohort on the screen: what is to be done, progress with the expected end, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..escaping import for_terminal, plain
from .results import table_of
from .running import ctrl_c_cancels

if TYPE_CHECKING:
    from ..cohort.engine import EngineOptions
    from ..cohort.opened import Opened
    from ..cohort.results import Counts

MOST_LINES = 10
TERMINATIONS = ("SIGTERM", "SIGHUP")
"""Signals that end the call between two scans, as Ctrl-C does."""


class EndColumn(TextColumn):
    """Time of day, or date, at which the last scan is expected to end."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """The expected end."""
        left = task.time_remaining
        if left is None:
            return Text("")
        end = datetime.now() + timedelta(seconds=left)
        return Text(f"ends about {end:%H:%M}" if left < 72000 else f"ends about {end:%d %b %H:%M}")


def print_plan(console: Console, cohort: Opened, every: bool) -> None:
    """Print what is to be done; all of it where every scan is to be listed.

    Parameters
    ----------
    console : Console
        Screen.
    cohort : Opened
        The cohort.
    every : bool
        List all scans.
    """
    found, plan = cohort.found, cohort.plan
    line = (
        f"{found.kind}: {len(cohort.tasks)} scan(s); {len(plan.todo)} to run, {len(plan.done)} done, {len(plan.failed)} failed "
        f"before, {len(plan.changed)} made otherwise; {len(found.skipped)} other place(s) skipped"
    )
    console.print(line, highlight=False, soft_wrap=True)
    without = sum(task.scan.segmentation is None for task in cohort.tasks)
    if without:
        console.print(f"{without} scan(s) have no segmentation; their body mask is measured.", highlight=False, soft_wrap=True)
    if every:
        rows = [(planned.task.scan.id, "run", planned.why) for planned in plan.todo]
        rows += [(planned.task.scan.id, "made otherwise", planned.why) for planned in plan.changed]
        rows += [(record.id, "failed before", record.failure["reason"]) for record in plan.failed]
        rows += [(name, "done", "") for name in plan.done]
        rows += [(entry.place, "skipped", entry.reason) for entry in found.skipped]
        console.print(table_of("Scans", ("Scan", "State", "Why"), rows))
    elif found.skipped:
        _print_lines(console, [f"Skipped: {entry.place}: {entry.reason}" for entry in found.skipped])


def run_and_report(console: Console, cohort: Opened, engine: EngineOptions) -> bool:
    """Run what is left, with progress, and print what became of it.

    Parameters
    ----------
    console : Console
        Screen.
    cohort : Opened
        The cohort.
    engine : EngineOptions
        Where scans are run.

    Returns
    -------
    bool
        Whether every scan has all its numbers (`cohort.results.all_done`).
    """
    from ..cohort.gallery import PAGE as GALLERY
    from ..cohort.group.report import PAGE as GROUP
    from ..cohort.results import all_done
    from ..cohort.run import Watch, run_cohort
    from ..cohort.table import CSV, SCANS_CSV

    with ctrl_c_cancels(TERMINATIONS) as cancelled, _bar() as bar:
        shown = bar.add_task("Starting workers", total=max(1, len(cohort.plan.todo)), failed=0)

        def started(counts: Counts, address: str) -> None:
            bar.console.print(f"Dashboard: {address}", highlight=False, soft_wrap=True)
            bar.reset(shown, description="Scans", total=counts.total)

        def ended(counts: Counts, end: dict[str, Any]) -> None:
            if "kind" in end:
                text = for_terminal(f"{end['id']} failed ({end['kind']}): {end['reason']}")
                bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
            bar.update(shown, completed=counts.run, failed=counts.failed)

        counts = run_cohort(cohort, engine, Watch(started, ended, cancelled))
    out = cohort.request.out.resolve()
    console.print(f"{counts.done} scan(s) have results, {counts.failed} failed.", highlight=False)
    if counts.failed:
        console.print("--retry failed runs them again.", highlight=False, soft_wrap=True)
    complete = all_done(cohort)
    if not complete:
        console.print(
            f"Not every scan has all its numbers: see status and reason in {SCANS_CSV}, or the pages of the scans.",
            highlight=False,
            soft_wrap=True,
        )
    if cohort.request.partial:
        return complete
    for name, file in (("Table", CSV), ("Scans", SCANS_CSV), ("Gallery", GALLERY), ("Group", GROUP)):
        console.print(plain(f"{name}: {out / file}"), markup=False, highlight=False, soft_wrap=True)
    console.print("Research use only, not for diagnosis.", style="bold", highlight=False)
    return complete


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("scans, {task.fields[failed]} failed"),
        TimeElapsedColumn(),
        EndColumn(),
        console=Console(stderr=True),
        speed_estimate_period=600.0,
    )


def _print_lines(console: Console, lines: Sequence[str]) -> None:
    for line in lines[:MOST_LINES]:
        console.print(for_terminal(line), markup=False, highlight=False, soft_wrap=True)
    if len(lines) > MOST_LINES:
        console.print(f"and {len(lines) - MOST_LINES} more; --dry-run lists all", highlight=False)
