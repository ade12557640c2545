"""`aideal demo`: a synthetic liver of known fat, estimated and compared with the truth."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Debug, DeviceOption, Method, MethodOption, Models, Out


def demo(
    out: Out,
    method: MethodOption = Method.REFINED,
    device: DeviceOption = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Patient, coil and noise.")] = 7,
    slices: Annotated[int, typer.Option(min=1, help="Slices, from above the dome of the liver downwards.")] = 12,
    matrix: Annotated[int, typer.Option(min=48, help="Rows and columns.")] = 160,
    models: Models = None,
    debug: Debug = False,
) -> None:
    """Estimate a synthetic liver and show the error against the truth."""
    import time
    from dataclasses import replace

    import numpy as np
    from rich.console import Console

    from ..io.npz import write_npz
    from ..io.output.save import staged_directory
    from ..io.segmentation import Segmentation, save_segmentation
    from ..physics.spectrum import SIX_PEAK
    from ..quality.assess import assess
    from ..simulation.demo import demo_liver
    from ..validation.scores import errors_by_segment
    from ..validation.tables import save_rows
    from .estimating import estimate_with_progress
    from .report import save_report
    from .results import (
        OVERVIEW,
        REPORT,
        number,
        print_closing,
        print_findings,
        print_statistics,
        save_results,
        table_of,
    )

    console = Console()
    with staged_directory(out) as stage:
        start = time.perf_counter()
        with Console(stderr=True).status("Simulating the liver"):
            series, truth = demo_liver(seed, (slices, matrix, matrix))
        seconds = {"simulation": time.perf_counter() - start}
        maps = estimate_with_progress(series, method.value, device, models=models)
        seconds |= maps.provenance.seconds
        maps = replace(maps, provenance=replace(maps.provenance, seconds=seconds))
        start = time.perf_counter()
        quality = assess(series, maps)
        quality.save(stage / "quality.json")
        seconds["checking"] = time.perf_counter() - start
        start = time.perf_counter()
        segmentation = Segmentation(truth.labels.astype(np.int32), truth.label_names)
        rows = save_results(stage, series, maps, segmentation)
        save_report(stage / REPORT, maps, rows, quality, stage / OVERVIEW)
        errors = errors_by_segment(maps, truth, SIX_PEAK.mean_shift_hz(series.field_strength_t))
        save_rows(errors, stage / "error.csv")
        save_segmentation(segmentation, series.geometry, stage / "segmentation.seg.nrrd")
        maps_of_truth = {"true_pdff": truth.pdff_percent, "true_r2star": truth.r2star_per_s, "true_field": truth.field_hz}
        write_npz(stage / "input.npz", series, maps_of_truth)
        seconds["writing"] = time.perf_counter() - start
    print_statistics(console, rows)
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
    print_findings(console, quality)
    print_closing(console, maps, out, seconds)
