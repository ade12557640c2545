"""`aideal run`: a scan in; maps, overview, statistics and provenance out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..presets import Preset
from .options import (
    Debug,
    DeviceOption,
    FirstEcho,
    GainSteps,
    Method,
    MethodOption,
    Models,
    Out,
    PhaseUnitChoice,
    ReadoutChoice,
    Repair,
    echo_times,
)


def run(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help="DICOM, MATLAB, NIfTI, NRRD or .npz; a file, a folder, or the files of one series."
        ),
    ],
    out: Out,
    method: MethodOption = Method.REFINED,
    device: DeviceOption = "auto",
    segmentation: Annotated[
        Path | None,
        typer.Option(metavar="SEG.nrrd", help="Label map or Slicer segmentation on the grid of the scan.", show_default=False),
    ] = None,
    te: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SECONDS", help="Echo times, comma-separated or repeated; overrides the files.", show_default=False
        ),
    ] = None,
    field_strength: Annotated[
        float | None, typer.Option(metavar="TESLA", help="Main field; overrides the files.", show_default=False)
    ] = None,
    conjugate: Annotated[Repair, typer.Option(help="Mirror the phase; auto lets the residual decide.")] = Repair.AUTO,
    bipolar: Annotated[
        Repair, typer.Option(help="Correct a phase between odd and even echoes; auto where the scan clearly has one.")
    ] = Repair.AUTO,
    first_echo: Annotated[
        FirstEcho,
        typer.Option(
            help="Correct a phase error of the first echo; auto where the scan clearly has one; mixed: use only its magnitude."
        ),
    ] = FirstEcho.NO,
    gain_steps: Annotated[
        GainSteps, typer.Option(help="Divide out scales of the echoes that only the data tell; otherwise they are warned of.")
    ] = GainSteps.NO,
    spectrum: Annotated[str, typer.Option(metavar="NAME", help="Fat spectrum.")] = "six-peak",
    preset: Annotated[
        Preset,
        typer.Option(help="What was scanned; phantom: fat shift at room temperature, no advice or grades for livers."),
    ] = Preset.LIVER,
    ppm_offset: Annotated[
        float | None,
        typer.Option(metavar="PPM", help="Added to every fat shift; overrides that of the preset.", show_default=False),
    ] = None,
    readout: Annotated[
        ReadoutChoice | None, typer.Option(help="How the echoes were read out; overrides the files.", show_default=False)
    ] = None,
    phase_unit: Annotated[
        PhaseUnitChoice | None,
        typer.Option(help="Unit of stored phase images; overrides what their values and headers say.", show_default=False),
    ] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on even where the data check says stop.", show_default=False)
    ] = False,
    models: Models = None,
    debug: Debug = False,
) -> None:
    """Estimate PDFF, R2* and field with uncertainty from a multi-echo scan."""
    import time
    from dataclasses import replace

    from rich.console import Console

    from ..echoes import Readout
    from ..estimation.estimate import choose_device
    from ..io.load import load_series
    from ..io.output.save import staged_directory
    from ..io.phase_units import PhaseUnit
    from ..io.segmentation import load_segmentation
    from ..physics.spectrum import spectrum_by_name
    from ..quality.assess import assess, outlook
    from .estimating import estimate_with_progress
    from .report import save_report
    from .results import OVERVIEW, REPORT, print_closing, print_findings, print_statistics, save_results

    start = time.perf_counter()
    fat = spectrum_by_name(spectrum).shifted(preset.ppm_offset if ppm_offset is None else ppm_offset)
    series = load_series(
        inputs if len(inputs) > 1 else inputs[0],
        te_s=echo_times(te),
        field_strength_t=field_strength,
        readout=Readout(readout.value) if readout else None,
        phase_unit=PhaseUnit(phase_unit.value) if phase_unit else None,
    )
    before = outlook(series, method.value, fat)
    if not anyway:
        before.refuse()
    segments = load_segmentation(segmentation, series.geometry, series.shape) if segmentation else None
    choose_device(device)
    console = Console()
    if before.expectation:
        console.print(before.expectation, markup=False, highlight=False, soft_wrap=True)
    reading = time.perf_counter() - start
    with staged_directory(out) as stage:
        maps = estimate_with_progress(
            series,
            method.value,
            device,
            spectrum=fat,
            conjugate=conjugate.value,
            bipolar=bipolar.value,
            first_echo=first_echo.value,
            gain_steps=gain_steps.value,
            models=models,
        )
        seconds = {"reading": reading, **maps.provenance.seconds}
        used = {"preset": preset.value, "segmentation": segmentation.name if segmentation else None}
        options = {**maps.provenance.options, **used}
        maps = replace(maps, provenance=replace(maps.provenance, seconds=seconds, options=options))
        start = time.perf_counter()
        quality = assess(series, maps, fat, preset=preset)
        quality.save(stage / "quality.json")
        seconds = {**seconds, "checking": time.perf_counter() - start}
        start = time.perf_counter()
        rows = save_results(stage, series, maps, segments, preset)
        save_report(stage / REPORT, maps, rows, quality, stage / OVERVIEW)
        seconds = {**seconds, "writing": time.perf_counter() - start}
    print_statistics(console, rows)
    print_findings(console, quality)
    print_closing(console, maps, out, seconds)
