"""Command `aideal benchmark`: accuracy, time and memory of several methods on the same scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import Debug, Out


def benchmark(
    out: Out,
    quick: Annotated[bool, typer.Option("--quick", help="Two small scans, to check that everything runs.")] = False,
    method: Annotated[
        list[str] | None,
        typer.Option(help="Can be repeated; all by default, with --scaling `refined`.", show_default=False, metavar="NAME"),
    ] = None,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Time and memory of `refined` against matrix, slices, echoes and threads instead.")
    ] = False,
    real_scans: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of real scans, for residual and time.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first patient.")] = 300,
    patients: Annotated[int, typer.Option(min=1, help="Simulated patients per protocol.")] = 2,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 128,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of fast methods.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Number of threads of every method.")] = 2,
    debug: Debug = False,
) -> None:
    """Run every method on the same simulated scans of known truth and write tables and plots; finished runs are kept in DIR."""
    from rich.console import Console

    from ..benchmark.cases import Plan, quick_plan
    from ..benchmark.method import METHODS, check_names
    from ..benchmark.real import real_scans as load_real_scans
    from ..benchmark.report import write_report
    from ..benchmark.run import Benchmark
    from ..benchmark.scaling import scale

    console, names = Console(), list(method or (["refined"] if scaling else METHODS))
    check_names(names)
    with Console(stderr=True).status("Starting") as status:
        if scaling:
            text = scale(names, out, threads, quick, status.update)
        else:
            own = Plan(patients=patients, seed=seed, matrix=matrix, repeats=repeats, threads=threads)
            plan = quick_plan(seed, threads) if quick else own
            real = load_real_scans(real_scans) if real_scans else []
            text = write_report(Benchmark(plan, names, real, out / "finished", status.update).run(), out)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)
    console.print("Research use only, not for diagnosis.", style="bold", highlight=False)
