"""`aideal export`: the results of a run as DICOM objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .exporting import Anonymous, BirthDate, Dicom, ExportOptions, PatientId, PatientName, Send, Sex
from .options import Debug

if TYPE_CHECKING:
    from ..io.output.dicom.content import ExportContent


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
    from ..io.dicom.files import guarded
    from .exporting import export_and_send

    options = ExportOptions(dicom, anonymous, patient_name, patient_id, birth_date, sex, send)
    options.check(source or [])
    if not options.requested:
        raise InputError("Nowhere to export to; a folder (--dicom DIR) or an archive (--send URL) was expected.")
    content = guarded(lambda: _stored(run, segmentation), f"The result in {run} could not be read ({{reason}}). Run it again.")
    export_and_send(Console(), options, content, source or [])


def _stored(run: Path, segmentation: Path | None) -> ExportContent:
    """What a run has left in its folder, measured again with other segments where these are given."""
    from ..io.interchange import read_json
    from ..io.output.results import read_maps, read_table
    from ..io.segmentation import load_segmentation
    from ..options import RunOptions, flag_words
    from ..quality.findings import QualityReport
    from ..regions.exclude import LeaveOut
    from ..regions.measure import RegionOptions
    from ..regions.suggest import CircleRules
    from ..scan_run.folder import QUALITY, SEGMENTS, STATISTICS, export_content
    from ..scan_run.measured import measured

    maps = read_maps(run)
    chosen = segmentation or (run / SEGMENTS if (run / SEGMENTS).is_file() else None)
    segments = load_segmentation(chosen, maps.geometry, maps.mask.shape) if chosen else None
    quality = QualityReport.from_dict(read_json(run / QUALITY)) if (run / QUALITY).is_file() else None
    used = maps.provenance.options
    circles = CircleRules(**used["circles"]) if used.get("circles") else None
    regions = RegionOptions(LeaveOut(**used.get("leave_out", {})), circles)
    found = measured(maps, segments, regions, RunOptions.from_dict(used.get("run", {})).preset)
    if segmentation is None and (run / STATISTICS).is_file():  # as reported, with the estimates that need the echoes
        stored = {row.name: row for row in read_table(run / STATISTICS)}
        found = replace(found, rows=[stored.get(row.name, row) for row in found.rows])
    return export_content(maps, found, quality, run, flag_words)
