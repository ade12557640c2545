"""Command `aideal speed`: how long users wait, step by step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..options import RunOptions, flag
from .options import Debug, path_given, takes_run_options


@takes_run_options("method", "device", "models", "trust_models")
def speed(
    options: RunOptions,
    matrix: Annotated[
        int | None, typer.Option(min=32, help="Rows and columns; 256 for the command, 160 for the panel.", show_default=False)
    ] = None,
    slices: Annotated[
        int | None, typer.Option(min=1, help="Slices; 32 for the command, 12 for the panel.", show_default=False)
    ] = None,
    echoes: Annotated[int, typer.Option(min=3, max=16, help="Echoes.")] = 6,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; by default those that torch chooses.", show_default=False)
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each way; the median is given.")] = 1,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", parser=path_given, help="Write the times to FILE.", show_default=False),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=path_given, help="Compare with times written by --json.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Time a simulated scan the way users do: `aideal run` from file to report, and Apply to maps as in the panel."""
    from rich.console import Console

    from ..benchmark.scan_size import ScanSize
    from ..benchmark.speed import SpeedPlan, measure
    from ..benchmark.speed_report import SpeedReport
    from ..benchmark.speed_table import tables, warnings
    from .results import table_of

    before = SpeedReport.load(against) if against else None
    sizes = (ScanSize(matrix or 256, slices or 32, echoes), ScanSize(matrix or 160, slices or 12, echoes))
    if options.models:
        options = replace(options, models=str(Path(options.models).resolve()))
    console = Console()
    with Console(stderr=True).status("Starting") as status:
        report = measure(SpeedPlan(*sizes, options, _arguments(options), threads, repeats), status.update)
    if json_file:
        report.save(json_file)
    for table in tables(report, before):
        console.print(table_of(table.title, table.columns, table.lines))
        console.print(table.note, "\n", highlight=False)
    for sentence in (report.machine.sentence(), *(warnings(report, before) if before else ())):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    if before:
        console.print(
            "Ratio: time now / time before; on a machine with other work the ratio of CPU times counts.", highlight=False
        )


def _arguments(options: RunOptions) -> tuple[str, ...]:
    """The options of a run that this command takes, as words of the command line."""
    words = [flag("method"), options.method.value, flag("device"), options.device]
    if options.models:
        words += [flag("models"), options.models]
    if options.trust_models:
        words.append(flag("trust_models"))
    return tuple(words)
