"""`aideal cohort`: many scans, on this computer or a cluster, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..choices import Paper
from ..options import RunOptions
from .cohort_options import CohortGroup, EngineGroup, parse_run_options
from .option_groups import takes_option_groups
from .options import Debug, Out, PaperSize, path_given, takes_run_options
from .region_options import CirclesPerSegment, LeaveOutEdges, LeaveOutVessels, SuggestCircles, region_options


@takes_option_groups
@takes_run_options()
def cohort(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            parser=path_given,
            help="BIDS dataset, folder of scans, or table of scans (CSV, TSV).",
        ),
    ],
    out: Out,
    options: RunOptions,
    engine: EngineGroup,
    scans: CohortGroup,
    leave_out_edges_mm: LeaveOutEdges = 0.0,
    leave_out_vessels: LeaveOutVessels = False,
    suggest_circles: SuggestCircles = False,
    circles_per_segment: CirclesPerSegment = 1,
    paper: PaperSize = Paper.A4,
    debug: Debug = False,
) -> None:
    """Estimate every scan of a cohort: one table, a gallery, group figures. The same call does what is left."""
    from rich.console import Console

    from ..cohort.discover import SourceRequest
    from ..cohort.opened import CohortRequest, open_cohort
    from ..cohort.scan import CohortScan
    from ..cohort.task import Task
    from .cohort_running import print_plan, run_and_report

    regions = region_options(leave_out_edges_mm, leave_out_vessels, suggest_circles, circles_per_segment)
    template = Task(CohortScan("", ()), options, regions, out, scans.reports, paper)
    participants = tuple(scans.participant_label or ())
    where = SourceRequest(source, out, parse_run_options, options.keep_names, participants, scans.segmentations)
    request = CohortRequest(where, template, frozenset(scans.retry or ()), scans.redo)
    where_run = engine.engine(options)
    console = Console()
    with Console(stderr=True).status("Looking for scans"):
        opened = open_cohort(request)
    print_plan(console, opened, every=scans.dry_run)
    if not scans.dry_run:
        run_and_report(console, opened, where_run)
