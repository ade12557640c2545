"""The command `aideal`. Commands import what they need when they run, so that help is quick."""

from __future__ import annotations

from typing import Annotated

import typer

from ..threads import let_waiting_threads_sleep
from ..version import __version__
from . import benchmark, cohort, compare, demo, export, phantom, run, speed, train, validate
from .failure import FailingClearly
from .options import Debug

app = typer.Typer(
    name="aideal",
    cls=FailingClearly,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help="Liver fat (PDFF) with its uncertainty from multi-echo MRI. Research use only, not for diagnosis.",
)
app.command("run")(run.run)
app.command("export")(export.export)
app.command("cohort")(cohort.cohort)
app.command("compare")(compare.compare)
app.command("demo")(demo.demo)
app.command("phantom")(phantom.phantom_command)
app.command("validate")(validate.validate)
app.command("speed")(speed.speed)
app.command("benchmark")(benchmark.benchmark)
app.add_typer(train.app, name="train")


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"aideal {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Hold the options that stand before the command."""
    let_waiting_threads_sleep()


if __name__ == "__main__":
    app()
