"""`aideal run`: a scan in; maps, overview, statistics and provenance out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..choices import Paper
from ..options import RunOptions, flag_words
from .exporting import Anonymous, BirthDate, Dicom, ExportOptions, From, PatientId, PatientName, Send, Sex
from .failure import UNUSABLE
from .option_groups import takes_option_groups
from .options import Debug, Force, Out, PaperSize, path_given, takes_run_options
from .region_options import RegionGroup

if TYPE_CHECKING:
    from ..echoes import EchoSeries
    from ..pipeline import Outcome
    from ..scan_run.run import Ready


@takes_option_groups
@takes_run_options()
def run(
    out: Out,
    options: RunOptions,
    regions: RegionGroup,
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
    all_findings: Annotated[
        bool, typer.Option("--all-findings", help="Print every finding, symptoms included.", show_default=False)
    ] = False,
    paper: PaperSize = Paper.A4,
    from_: From = "",
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

    from ..io.output.staging import refuse_other_scan, staged_directory
    from ..scan_run.folder import Writing, export_content
    from ..scan_run.run import ScanRequest, run_scan
    from .exporting import chosen_files, export_and_send, scan_files
    from .results import print_outcome
    from .running import run_with_progress

    export = ExportOptions(dicom, anonymous, patient_name, patient_id, birth_date, sex, send)
    export.check(inputs or [])
    request = ScanRequest((), options, segmentation, regions.options())

    def refuse_other(series: EchoSeries) -> None:
        if not force:
            refuse_other_scan(out, series.checksum)

    def estimate(files: Sequence[Path], options: RunOptions, ready: Ready) -> Outcome:
        return run_with_progress(files if len(files) > 1 else files[0], options, ready=ready)

    console = Console()
    with scan_files(inputs or [], from_, options.overrides.study) as files:
        request = replace(request, files=tuple(files))
        with staged_directory(out, files) as stage:
            result = run_scan(request, stage, Writing(paper, wording=flag_words), estimate=estimate, ready=refuse_other)
        outcome, saved = result.outcome, result.saved
        print_outcome(console, outcome, saved, out, all_findings)
        if export.requested:
            content = export_content(outcome.maps, saved.measured, outcome.quality, out, flag_words)
            export_and_send(console, export, content, chosen_files(files, options.overrides))
    if (outcome.quality is not None and outcome.quality.unusable) or any(row.number_withheld for row in saved.rows):
        raise typer.Exit(UNUSABLE)
