"""`aideal run`: a scan in; maps, overview, statistics and provenance out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import RunOptions
from .options import Debug, Out, takes_run_options

if TYPE_CHECKING:
    from ..echoes import EchoSeries
    from ..io.segmentation import Segmentation


@takes_run_options()
def run(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help="DICOM, MATLAB, NIfTI, NRRD or .npz; a file, a folder, or the files of one series."
        ),
    ],
    out: Out,
    options: RunOptions,
    segmentation: Annotated[
        Path | None,
        typer.Option(metavar="SEG.nrrd", help="Label map or Slicer segmentation on the grid of the scan.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Estimate PDFF, R2* and field with uncertainty from a multi-echo scan."""
    from rich.console import Console

    from ..io.output.save import staged_directory
    from ..io.segmentation import load_segmentation
    from .results import print_outcome, save_outcome
    from .running import run_with_progress

    segments: Segmentation | None = None

    def read_segments(series: EchoSeries) -> None:
        nonlocal segments
        if segmentation is not None:
            segments = load_segmentation(segmentation, series.geometry, series.shape)

    with staged_directory(out) as stage:
        outcome = run_with_progress(inputs if len(inputs) > 1 else inputs[0], options, ready=read_segments)
        used = {**outcome.maps.provenance.options, "segmentation": segmentation.name if segmentation else None}
        provenance = replace(outcome.maps.provenance, options=used)
        outcome = replace(outcome, maps=replace(outcome.maps, provenance=provenance))
        saved = save_outcome(stage, outcome, segments)
    print_outcome(Console(), outcome, saved, out)
