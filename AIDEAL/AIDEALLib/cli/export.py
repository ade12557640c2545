"""`aideal export`: the results of a run as DICOM objects."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .exporting import Anonymous, BirthDate, Dicom, ExportOptions, PatientId, PatientName, Send, Sex
from .options import Debug


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder written by 'aideal run'.")],
    dicom: Dicom = None,
    source: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="INPUT",
            help="Scan that the results were estimated from, for patient, study and source images; a folder, or files "
            "(repeat the option). Without it a new identity is written.",
            show_default=False,
        ),
    ] = None,
    segmentation: Annotated[
        Path | None,
        typer.Option(metavar="SEG.nrrd", help="Regions; those of the run when it has any.", show_default=False),
    ] = None,
    anonymous: Anonymous = False,
    patient_name: PatientName = "",
    patient_id: PatientId = "",
    birth_date: BirthDate = "",
    sex: Sex = "",
    send: Send = "",
    debug: Debug = False,
) -> None:
    """Write the results of a run as DICOM objects, and send them to an archive."""
    from rich.console import Console

    from ..errors import InputError
    from ..io.output.results import read_maps, read_table
    from ..io.segmentation import load_segmentation
    from ..options import RunOptions
    from ..quality.findings import QualityReport
    from ..regions.exclude import LeaveOut
    from ..regions.measure import RegionOptions
    from ..regions.suggest import CircleRules
    from ..scan_run.folder import QUALITY, SEGMENTS, STATISTICS, export_content, measured
    from .exporting import export_and_send
    from .options import flag_words

    options = ExportOptions(dicom, anonymous, patient_name, patient_id, birth_date, sex, send)
    options.check()
    if not options.requested:
        raise InputError("Nowhere to export to; a folder (--dicom DIR) or an archive (--send URL) was expected.")
    maps = read_maps(run)
    chosen = segmentation or (run / SEGMENTS if (run / SEGMENTS).is_file() else None)
    segments = load_segmentation(chosen, maps.geometry, maps.mask.shape) if chosen else None
    quality = None
    if (run / QUALITY).is_file():
        quality = QualityReport.from_dict(json.loads((run / QUALITY).read_text(encoding="utf-8")))
    used = maps.provenance.options
    circles = CircleRules(**used["circles"]) if used.get("circles") else None
    regions = RegionOptions(LeaveOut(**used.get("leave_out", {})), circles)
    found = measured(maps, segments, regions, RunOptions.from_dict(used.get("run", {})).preset)
    if segmentation is None and (run / STATISTICS).is_file():  # as reported, with the estimates that need the echoes
        found = replace(found, rows=read_table(run / STATISTICS))
    export_and_send(Console(), options, export_content(maps, segments, found, quality, run, flag_words), source or [])
