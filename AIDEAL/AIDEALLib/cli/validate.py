"""Command `aideal validate`: one report of every figure against known truth."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..options import RunOptions
from .options import Debug, Out, takes_run_options


class Section(str, Enum):
    """Sections of the report."""

    PHANTOMS = "phantoms"
    SPREAD = "spread"
    SENSITIVITY = "sensitivity"
    COVERAGE = "coverage"
    IRON = "iron"
    SWAPS = "swaps"
    DEPHASING = "dephasing"
    LIMITS = "limits"
    REGIONS = "regions"
    REPEATABILITY = "repeatability"
    VISITS = "visits"
    REAL = "real"


@takes_run_options("device", "models", "trust_models")
def validate(
    out: Out,
    options: RunOptions,
    quick: Annotated[
        bool, typer.Option("--quick", help="Few, small slices, to check that everything runs: a report in a minute.")
    ] = False,
    patients: Annotated[int, typer.Option(min=1, help="Patients of the section on regions.")] = 40,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first patient, of coils and of noise.")] = 100,
    section: Annotated[
        list[Section] | None, typer.Option(help="Can be repeated; all sections by default.", show_default=False)
    ] = None,
    real_scans: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of real scans, each a sub-folder or file as for 'run'.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Compare phantoms, coverage, swaps, repeatability and more with known truth: report, CSV files and pictures.

    Ctrl-C stops between two slices; the same command continues from there.
    """
    from rich.console import Console

    from ..errors import InputError
    from ..estimation.device import choose_device
    from ..models import load_networks
    from ..validation.plan import Plan
    from ..validation.run import SECTIONS, Request
    from ..validation.run import validate as write_report
    from .running import ctrl_c_cancels, slices_bar

    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; a folder for the report was expected. Give another one.")
    if real_scans is not None and not real_scans.is_dir():
        raise InputError(f"{real_scans} is no folder; a folder of real scans was expected. Check the path.")
    device = str(choose_device(options.device))
    sections = SECTIONS if section is None else tuple(key for key in SECTIONS if key in {s.value for s in section})
    request = Request(
        out,
        Plan(seed, quick, 2 if quick else patients),
        sections,
        real_scans,
        load_networks(device, Path(options.models) if options.models else None, options.trust_models),
        device,
    )
    with ctrl_c_cancels() as cancelled, slices_bar("{task.description}") as bar:
        task = bar.add_task("Validating", total=request.slices)
        write_report(request, lambda title, slices: bar.update(task, description=title, advance=slices), cancelled)
    Console().print(f"Report: {(out / 'report.html').resolve()}", markup=False, highlight=False, soft_wrap=True)
    Console().print("Research use only, not for diagnosis.", style="bold", highlight=False)
