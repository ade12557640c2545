"""`aideal demo`: a synthetic liver of known fat, estimated and compared with the truth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import RunOptions, flag_words
from .options import Debug, Force, Out, takes_run_options

if TYPE_CHECKING:
    from rich.console import Console

    from ..echoes import EchoSeries
    from ..simulation.tissue import TissueMaps
    from ..validation.scores import TruthError


@takes_run_options("method", "device", "models", "trust_models")
def demo(
    out: Out,
    options: RunOptions,
    seed: Annotated[int, typer.Option(min=0, help="Patient, coil and noise.")] = 7,
    slices: Annotated[int, typer.Option(min=2, help="Slices, from above the dome of the liver downwards.")] = 12,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 160,
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Estimate a synthetic liver and show the error against the truth."""
    import numpy as np
    from rich.console import Console

    from ..estimation.slice_pool import one_core
    from ..io.output.staging import refuse_other_scan, staged_directory
    from ..io.segmentation import Segmentation
    from ..physics.spectrum import SIX_PEAK
    from ..scan_run.folder import Writing, save_outcome
    from ..simulation.demo import demo_liver
    from ..validation.scores import errors_by_segment
    from ..validation.tables import save_rows
    from .results import print_closing, print_findings, print_statistics
    from .running import run_with_progress

    console = Console()
    with staged_directory(out) as stage:
        start = time.perf_counter()
        with Console(stderr=True).status("Simulating the liver"), one_core():
            series, truth = demo_liver(seed, (slices, matrix, matrix))
        if not force:
            refuse_other_scan(out, series.checksum)
        simulation_s = time.perf_counter() - start
        outcome = run_with_progress(series, options)
        maps = outcome.maps
        segmentation = Segmentation(truth.labels.astype(np.int32), truth.label_names)
        saved = save_outcome(stage, outcome, segmentation, writing=Writing(wording=flag_words))
        errors = errors_by_segment(maps, truth, SIX_PEAK.mean_shift_hz(series.field_strength_t))
        save_rows(errors, stage / "error.csv")
        _save_input(stage, series, truth)
    print_statistics(console, saved.rows)
    _print_errors(console, errors)
    if outcome.quality is not None:
        print_findings(console, outcome.quality)
    print_closing(console, maps, out, {"simulation": simulation_s, **maps.provenance.seconds, "writing": saved.writing_s})


def _save_input(stage: Path, series: EchoSeries, truth: TissueMaps) -> None:
    from ..io.npz import write_npz

    maps_of_truth = {"true_pdff": truth.pdff_percent, "true_r2star": truth.r2star_per_s, "true_field": truth.field_hz}
    write_npz(stage / "input.npz", series, maps_of_truth)


def _print_errors(console: Console, errors: Sequence[TruthError]) -> None:
    from .results import number, table_of

    lines = [
        (
            e.segment,
            number(e.truth_median),
            number(e.median_bias, 2, sign=True),
            number(e.mean_bias, 2, sign=True),
            number(e.error_sd, 2),
            number(e.stated_sd, 2),
            number(e.swap_percent, 3),
        )
        for e in errors
    ]
    columns = ("Lobe", "True median", "Bias of median", "Bias of mean", "SD of error", "Stated SD", "Swaps %")
    console.print(table_of("PDFF against the truth, in percent", columns, lines))
