"""`aideal-bids`: the cohort command as a BIDS App (BIDS_DIR OUT_DIR participant|group)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..options import RunOptions
from .cohort_options import CohortGroup, EngineGroup
from .failure import UNUSABLE, CommandFailingClearly
from .option_groups import takes_option_groups
from .options import Debug, path_given, takes_run_options
from .region_options import RegionGroup

LABELS = "--participant-label"


class Level(str, Enum):
    """Levels of analysis of a BIDS App."""

    PARTICIPANT = "participant"
    GROUP = "group"


@takes_option_groups
@takes_run_options()
def bids_app(
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS_DIR", parser=path_given, help="BIDS dataset.")],
    out_dir: Annotated[
        Path, typer.Argument(metavar="OUT_DIR", parser=path_given, help="Dataset of derivatives; made or completed.")
    ],
    level: Annotated[Level, typer.Argument(help="participant: run scans; group: table, gallery and figures of all.")],
    options: RunOptions,
    engine: EngineGroup,
    scans: CohortGroup,
    regions: RegionGroup,
    debug: Debug = False,
) -> None:
    """Estimate fat fraction and R2* of the multi-echo scans of a BIDS dataset, as BIDS derivatives. Research use only."""
    from rich.console import Console

    from ..cohort.bids_app import require_bids, write_bids_results
    from ..cohort.opened import open_cohort
    from ..cohort.results import write_results
    from .cohort_running import print_plan, run_and_report

    require_bids(bids_dir, out_dir)
    single = level is Level.PARTICIPANT
    cohort = open_cohort(scans.request(bids_dir, out_dir, options, regions.options(), partial=single))
    console = Console()
    print_plan(console, cohort, every=scans.dry_run)
    if scans.dry_run:
        return
    if not single:
        out_dir.mkdir(parents=True, exist_ok=True)
        write_results(cohort)
        write_bids_results(cohort)
        console.print("Table, gallery and group figures written.")
        return
    complete = run_and_report(console, cohort, engine.engine(options))
    write_bids_results(cohort)
    if not complete:
        raise typer.Exit(UNUSABLE)


def expanded(words: Sequence[str]) -> list[str]:
    """Words of a BIDS App as typer takes them: one label after each option, '-' within the names of options.

    Parameters
    ----------
    words : sequence of str
        Such as `--participant_label 01 02`.

    Returns
    -------
    list of str
        Such as `--participant-label 01 --participant-label 02`.
    """
    found: list[str] = []
    labels = 0  # labels that this option has had; 0 outside it
    for word in words:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            word = name.replace("_", "-") + equals + value
            labels = 1 if word == LABELS else 0
            found.append(word)
        else:
            if labels > 1:
                found.append(LABELS)
            labels += labels > 0
            found.append(word)
    return found


app = typer.Typer(name="aideal-bids", add_completion=False, pretty_exceptions_show_locals=False)
app.command(cls=CommandFailingClearly)(bids_app)


def main() -> None:
    """Run the app with the words of the command line."""
    app(expanded(sys.argv[1:]))
