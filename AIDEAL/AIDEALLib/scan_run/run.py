"""A scan with its segments: estimated, measured and written, the same for a single scan and for one of a cohort."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from ..echoes import EchoSeries
from ..errors import InputError
from ..io.neutral import shown_name
from ..io.segmentation import Segmentation, load_segmentation
from ..models import NetworkSource
from ..options import RunOptions
from ..pipeline import Outcome
from ..pipeline import run as run_pipeline
from ..progress import Monitor
from ..regions.measure import RegionOptions
from .folder import Saved, Writing, save_outcome

Ready = Callable[[EchoSeries], None]
"""Called with a scan before it is estimated; what it raises ends the run."""
Estimate = Callable[[Sequence[Path], RunOptions, Ready], Outcome]
"""A run of the pipeline on the files of a scan."""


@dataclass(frozen=True)
class ScanRequest:
    """A scan with all that its results depend on.

    Attributes
    ----------
    files : tuple of Path
        Files or folder of the scan.
    options : RunOptions
        Options of the run.
    segmentation : Path or None
        Segments on the grid of the scan; None measures the body mask.
    regions : RegionOptions
        How segments are measured.

    Raises
    ------
    InputError
        Circles, edges or vessels are requested without segments.
    """

    files: tuple[Path, ...]
    options: RunOptions = field(default_factory=RunOptions)
    segmentation: Path | None = None
    regions: RegionOptions = field(default_factory=RegionOptions)

    def __post_init__(self) -> None:
        if self.segmentation is None and (self.regions.leave_out or self.regions.circles is not None):
            raise InputError(
                "Circles, edges and vessels need segments of the liver; give a segmentation, or leave these options out."
            )


@dataclass(frozen=True, eq=False)
class ScanResult:
    """What a run has found and written.

    Attributes
    ----------
    outcome : Outcome
        Maps, findings and provenance.
    segments : Segmentation or None
        Segments measured.
    saved : Saved
        Statistics of the regions.
    """

    outcome: Outcome
    segments: Segmentation | None
    saved: Saved


def estimated(files: Sequence[Path], options: RunOptions, ready: Ready, networks: NetworkSource | None = None) -> Outcome:
    """Run the pipeline without display of its progress.

    Parameters
    ----------
    files : sequence of Path
        Files or folder of the scan.
    options : RunOptions
        Options of the run.
    ready : callable
        Called with the scan before it is estimated.
    networks : callable, optional
        Gives the networks on a device.

    Returns
    -------
    Outcome

    Raises
    ------
    AidealError
        Whatever `pipeline.run` raises.
    """
    source = files if len(files) > 1 else files[0]
    return run_pipeline(source, options, networks=networks, monitor=Monitor(ready=lambda series, _: ready(series)))


def run_scan(
    request: ScanRequest,
    stage: Path,
    writing: Writing | None = None,
    *,
    estimate: Estimate = estimated,
    ready: Ready | None = None,
) -> ScanResult:
    """Estimate a scan, measure its regions, and write everything into an existing folder.

    Parameters
    ----------
    request : ScanRequest
        The scan.
    stage : Path
        Empty folder for the results.
    writing : Writing, optional
        How the reports are written.
    estimate : callable
        Runs the pipeline.
    ready : callable, optional
        Called with the scan before its segmentation is read.

    Returns
    -------
    ScanResult

    Raises
    ------
    AidealError
        Whatever `pipeline.run` and `load_segmentation` raise.
    """
    segments: Segmentation | None = None
    options, regions = request.options, request.regions

    def read_segments(series: EchoSeries) -> None:
        nonlocal segments
        if ready is not None:
            ready(series)
        if request.segmentation is not None:
            segments = load_segmentation(request.segmentation, series.geometry, series.shape, options.keep_names)

    outcome = estimate(request.files, options, read_segments)
    used = {**outcome.maps.provenance.options, "segmentation": shown_name(request.segmentation, options.keep_names)}
    if request.segmentation is not None:
        used |= {"leave_out": asdict(regions.leave_out), "circles": asdict(regions.circles) if regions.circles else None}
    provenance = replace(outcome.maps.provenance, options=used)
    outcome = replace(outcome, maps=replace(outcome.maps, provenance=provenance))
    return ScanResult(outcome, segments, save_outcome(stage, outcome, segments, regions, writing))
