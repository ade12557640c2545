"""`aideal run`: a scan in; maps, overview, statistics and provenance out."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..choices import Paper
from ..errors import InputError
from ..options import RunOptions
from .exporting import Anonymous, BirthDate, Dicom, ExportOptions, From, PatientId, PatientName, Send, Sex, StudyUid
from .failure import UNUSABLE
from .options import Debug, Force, Out, PaperSize, path_given, takes_run_options

if TYPE_CHECKING:
    from ..echoes import EchoSeries
    from ..io.segmentation import Segmentation


@takes_run_options()
def run(
    out: Out,
    options: RunOptions,
    inputs: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="INPUT...",
            parser=path_given,
            help="DICOM, MATLAB, NIfTI, NRRD or .npz; a file, a folder, or the files of one series.",
        ),
    ] = None,
    segmentation: Annotated[
        Path | None,
        typer.Option(
            metavar="SEG.nrrd",
            parser=path_given,
            help="Label map, Slicer or DICOM segmentation on the grid of the scan.",
            show_default=False,
        ),
    ] = None,
    leave_out_edges_mm: Annotated[
        float,
        typer.Option(
            min=0.0, metavar="MM", help="Leave voxels closer than this to the edge of the liver out.", show_default=False
        ),
    ] = 0.0,
    leave_out_vessels: Annotated[
        bool, typer.Option("--leave-out-vessels", help="Leave vessels and ducts out of the segments.", show_default=False)
    ] = False,
    suggest_circles: Annotated[
        bool,
        typer.Option(
            "--suggest-circles",
            help="Suggest circles in each segment of the liver and measure them.",
            show_default=False,
        ),
    ] = False,
    circles_per_segment: Annotated[int, typer.Option(min=1, max=3, help="How many circles to suggest in each segment.")] = 1,
    paper: PaperSize = Paper.A4,
    from_: From = "",
    study: StudyUid = "",
    dicom: Dicom = None,
    anonymous: Anonymous = False,
    patient_name: PatientName = "",
    patient_id: PatientId = "",
    birth_date: BirthDate = "",
    sex: Sex = "",
    send: Send = "",
    force: Force = False,
    debug: Debug = False,
) -> None:
    """Estimate PDFF, R2* and field with uncertainty from a multi-echo scan."""
    from rich.console import Console

    from ..io.neutral import shown_name
    from ..io.output.staging import refuse_other_scan, staged_directory
    from ..io.segmentation import load_segmentation
    from ..regions.exclude import LeaveOut
    from ..regions.measure import RegionOptions
    from ..regions.suggest import CircleRules
    from .exporting import export_and_send, scan_files
    from .results import export_content, print_outcome, save_outcome
    from .running import run_with_progress

    export = ExportOptions(dicom, anonymous, patient_name, patient_id, birth_date, sex, send)
    export.check()
    leave_out = LeaveOut(leave_out_edges_mm, leave_out_vessels)
    if segmentation is None and (leave_out or suggest_circles):
        raise InputError(
            "Circles, edges and vessels need segments of the liver; give them with --segmentation, or leave these options out."
        )
    regions = RegionOptions(leave_out, CircleRules(circles_per_segment) if suggest_circles else None)
    segments: Segmentation | None = None

    def read_segments(series: EchoSeries) -> None:
        nonlocal segments
        if not force:
            refuse_other_scan(out, series.checksum)
        if segmentation is not None:
            segments = load_segmentation(segmentation, series.geometry, series.shape, options.keep_names)

    console = Console()
    with scan_files(inputs or [], from_, study) as files:
        with staged_directory(out, files) as stage:
            outcome = run_with_progress(files if len(files) > 1 else files[0], options, ready=read_segments)
            used = {**outcome.maps.provenance.options, "segmentation": shown_name(segmentation, options.keep_names)}
            if segmentation is not None:
                used |= {"leave_out": asdict(leave_out), "circles": asdict(regions.circles) if regions.circles else None}
            provenance = replace(outcome.maps.provenance, options=used)
            outcome = replace(outcome, maps=replace(outcome.maps, provenance=provenance))
            saved = save_outcome(stage, outcome, segments, regions, paper)
        print_outcome(console, outcome, saved, out)
        if export.requested:
            content = export_content(outcome.maps, segments, saved.measured, outcome.quality, out)
            export_and_send(console, export, content, files)
    if outcome.quality is not None and outcome.quality.unusable:
        raise typer.Exit(UNUSABLE)
