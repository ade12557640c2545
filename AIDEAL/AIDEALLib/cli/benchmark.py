"""Command `aideal benchmark`: accuracy, time and memory of several methods on the same scans."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Debug, Out

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..benchmark.comparators.study import StudyPlan
    from ..benchmark.real import RealScan


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
    comparators: Annotated[
        bool,
        typer.Option(
            "--comparators", help="Networks and confidence maps that others proposed, and whose uncertainty finds errors."
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Weights of the comparators, instead of the bundled ones.", show_default=False),
    ] = None,
    real_scans: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of real scans, for residual and time.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first patient.")] = 300,
    patients: Annotated[
        int | None,
        typer.Option(min=1, help="Simulated patients per protocol: 2; with --comparators 40.", show_default=False),
    ] = None,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 128,
    repeats: Annotated[int, typer.Option(min=1, help="Timed runs of fast methods.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Number of threads of every method.")] = 2,
    debug: Debug = False,
) -> None:
    """Run every method on the same simulated scans of known truth and write tables and plots; finished runs are kept in DIR."""
    from dataclasses import replace

    import torch
    from rich.console import Console

    from ..benchmark.cases import Plan, quick_plan
    from ..benchmark.comparators.study import QUICK, StudyPlan
    from ..benchmark.method import METHODS, check_names
    from ..benchmark.real import real_scans as load_real_scans
    from ..benchmark.report import write_report
    from ..benchmark.run import Benchmark
    from ..benchmark.scaling import scale

    console, names = Console(), list(method or (["refined"] if scaling else METHODS))
    check_names(names)
    with Console(stderr=True).status("Starting") as status:
        real = load_real_scans(real_scans) if real_scans else []
        if comparators:
            torch.set_num_threads(threads)
            study_plan = replace(QUICK, seed=seed) if quick else StudyPlan(seed=seed, patients=patients or 40)
            text = _comparators(out, study_plan, quick, weights, real, status.update)
        elif scaling:
            text = scale(names, out, threads, quick, status.update)
        else:
            own = Plan(patients=patients or 2, seed=seed, matrix=matrix, repeats=repeats, threads=threads)
            plan = quick_plan(seed, threads) if quick else own
            text = write_report(Benchmark(plan, names, real, out / "finished", status.update).run(), out)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print(f"Results: {out.resolve()}", markup=False, highlight=False, soft_wrap=True)
    console.print("Research use only, not for diagnosis.", style="bold", highlight=False)


def _comparators(
    out: Path,
    plan: StudyPlan,
    quick: bool,
    weights: Path | None,
    real: list[RealScan],
    progress: Callable[[str], None],
) -> str:
    """Run the comparison with systems that others proposed."""
    from ..benchmark.comparators.estimates import Estimates
    from ..benchmark.comparators.report import write_study
    from ..benchmark.comparators.scans import ROOM_TEMPERATURE_PPM
    from ..benchmark.comparators.study import run_study
    from ..benchmark.comparators.systems import refined_with_shift, systems
    from ..models import load_networks

    networks = load_networks()
    estimates = Estimates(out / "finished")
    warm = refined_with_shift(networks, ROOM_TEMPERATURE_PPM)
    study = run_study(plan, systems(networks, weights, peers=not quick), estimates, warm, real, progress)
    command = f"aideal benchmark --comparators --seed {plan.seed} --patients {plan.patients}" + (" --quick" if quick else "")
    return write_study(study, out, command)
