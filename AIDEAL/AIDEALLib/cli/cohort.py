"""`aideal cohort`: many scans, on this computer or a cluster, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..options import RunOptions
from .cohort_options import CohortGroup, EngineGroup
from .failure import UNUSABLE
from .option_groups import takes_option_groups
from .options import Debug, Out, path_given, takes_run_options
from .region_options import RegionGroup


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
    regions: RegionGroup,
    debug: Debug = False,
) -> None:
    """Estimate every scan of a cohort: one table, a gallery, group figures. The same call does what is left."""
    from rich.console import Console

    from ..cohort.opened import open_cohort
    from .cohort_running import print_plan, run_and_report

    request = scans.request(source, out, options, regions.options())
    where_run = engine.engine(options)
    console = Console()
    with Console(stderr=True).status("Looking for scans"):
        opened = open_cohort(request)
    print_plan(console, opened, every=scans.dry_run)
    if not scans.dry_run and not run_and_report(console, opened, where_run):
        raise typer.Exit(UNUSABLE)
