"""`aideal compare`: two visits of a patient; change of each region, difference map and report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..escaping import plain
from ..options import RunOptions, flag_words
from .failure import UNUSABLE
from .options import Debug, Out, takes_run_options

if TYPE_CHECKING:
    from rich.console import Console

    from ..comparison.compare import Comparison, Visit

Segments = Annotated[
    Path | None, typer.Option(metavar="SEG.nrrd", help="Segments of a visit that is given as a scan.", show_default=False)
]


@takes_run_options("method", "device", "preset", "models")
def compare(
    baseline: Annotated[Path, typer.Argument(metavar="BASELINE", help="Results of 'aideal run' (a folder), or a scan.")],
    follow_up: Annotated[Path, typer.Argument(metavar="FOLLOW-UP", help="The same of the second visit.")],
    out: Out,
    options: RunOptions,
    baseline_segmentation: Segments = None,
    follow_up_segmentation: Segments = None,
    repeatability: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            metavar="POINTS",
            help="What 95 % of repeated scans stay within; by default the published 2.99, or 4.12 between protocols.",
            show_default=False,
        ),
    ] = None,
    no_registration: Annotated[
        bool, typer.Option("--no-registration", help="Compare the regions alone, without a difference map.", show_default=False)
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare two visits: change of each region with its interval, and whether it exceeds what repeated scans differ by."""
    from rich.console import Console

    from ..comparison.compare import compare as compare_visits
    from ..comparison.report import save_comparison
    from ..io.output.results import is_result
    from ..io.output.staging import staged_directory
    from ..statistics import Repeatability

    figure = None if repeatability is None else Repeatability(repeatability, "given with --repeatability")
    given = ((baseline, baseline_segmentation, "baseline"), (follow_up, follow_up_segmentation, "follow-up"))
    scans = [path for path in (baseline, follow_up) if not is_result(path)]
    with staged_directory(out, scans) as stage:
        first, second = (_visit(path, segments, name, options, stage) for path, segments, name in given)
        with Console(stderr=True).status("Registering the visits"):
            found = compare_visits(first, second, figure, registration=not no_registration)
        save_comparison(found, stage)
    _print(Console(), found, out)
    if found.withheld:
        raise typer.Exit(UNUSABLE)


def _visit(path: Path, segments: Path | None, name: str, options: RunOptions, stage: Path) -> Visit:
    """Results of a run from its folder, or of a run made now, which are written below `stage`."""
    from ..comparison.compare import Visit
    from ..errors import InputError
    from ..io.output.results import is_result, read_maps, read_table
    from ..io.segmentation import load_segmentation
    from ..scan_run.folder import CIRCLES, SEGMENTS, Writing, save_outcome
    from .running import run_with_progress

    if is_result(path):
        if segments is not None:
            raise InputError(f"{path} holds results, whose regions are measured; segments are for a scan. Leave them out.")
        folder = path
    else:
        outcome = run_with_progress(path, options)
        folder, series = stage / name, outcome.series
        drawn = load_segmentation(segments, series.geometry, series.shape) if segments is not None else None
        folder.mkdir()
        save_outcome(folder, outcome, drawn, writing=Writing(wording=flag_words))
    maps = read_maps(folder)
    slices, rows, columns = maps.mask.shape
    files = (folder / SEGMENTS, folder / CIRCLES)
    drawn, circles = (load_segmentation(f, maps.geometry, (slices, rows, columns)) if f.is_file() else None for f in files)
    return Visit(name, maps, read_table(folder / "statistics.csv"), drawn, circles)


def _print(console: Console, found: Comparison, out: Path) -> None:
    from ..comparison.report import HEAD, PAGE, change_cells, sentences
    from .results import table_of

    console.print(table_of("Change of PDFF", HEAD, [change_cells(change) for change in found.changes]))
    for sentence in sentences(found):
        console.print(plain(sentence), markup=False, highlight=False, soft_wrap=True)
    console.print(plain(f"Report: {out.resolve() / PAGE}"), markup=False, highlight=False, soft_wrap=True)
    console.print(found.visits[0].maps.provenance.research_use, style="bold", highlight=False)
