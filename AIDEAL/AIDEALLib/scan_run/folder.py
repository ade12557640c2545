"""Folder of the results of a scan: maps, tables, findings and reports."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..advice import Wording, plain_words
from ..choices import Paper
from ..io.segmentation import Segmentation, save_segmentation
from ..parameter_maps import ParameterMaps, Provenance
from ..quality.findings import QualityReport
from ..statistics import TANG_2015, LowConfidence, SegmentStatistics
from .measured import measured, measured_regions

if TYPE_CHECKING:
    from ..io.output.dicom.content import ExportContent, Region
    from ..pipeline import Outcome
    from ..regions.measure import Measured, RegionOptions
    from ..report.content import ReportContent

OVERVIEW, REPORT, REPORT_PDF, VIEWER = "overview.png", "report.html", "report.pdf", "viewer.html"
STATISTICS, QUALITY = "statistics.csv", "quality.json"
SEGMENTS, CIRCLES = "segmentation.seg.nrrd", "circles.seg.nrrd"


@dataclass(frozen=True)
class Writing:
    """How the results of a scan are written.

    Attributes
    ----------
    paper : Paper
        Size of the page of `report.pdf`.
    reports : bool
        Write `overview.png`, `report.html`, `report.pdf` and `viewer.html`.
    wording : callable
        Names options in the advice of findings.
    """

    paper: Paper = Paper.A4
    reports: bool = True
    wording: Wording = plain_words


@dataclass(frozen=True)
class Saved:
    """What was written of a run, what the regions need explained, and how long it took."""

    measured: Measured
    writing_s: float

    @property
    def rows(self) -> list[SegmentStatistics]:
        """Statistics of the regions."""
        return self.measured.rows

    @property
    def notes(self) -> tuple[str, ...]:
        """What the regions need explained."""
        return self.measured.notes


def save_outcome(
    stage: Path,
    outcome: Outcome,
    segmentation: Segmentation | None,
    regions: RegionOptions | None = None,
    writing: Writing | None = None,
) -> Saved:
    """Write maps, provenance, overview, statistics, findings and report into an existing folder.

    Parameters
    ----------
    stage : Path
        The folder.
    outcome : Outcome
        Result of the run.
    segmentation : Segmentation, optional
        Segments to measure, which are written too.
    regions : RegionOptions, optional
        How they are measured; circles are written as a segmentation.
    writing : Writing, optional
        How the reports are written.

    Returns
    -------
    Saved
    """
    from ..estimation.slice_pool import side_by_side
    from ..io.output.overview import save_overview
    from ..io.output.save import save_maps
    from ..io.output.tables import save_table
    from ..pipeline import region_fit_of
    from ..report.page import save_page
    from ..report.pdf import save_pdf
    from ..report.viewer import save_viewer

    start = time.perf_counter()
    maps, quality, writing = outcome.maps, outcome.quality, writing or Writing()

    def draw_overview() -> None:
        if writing.reports:
            save_overview(outcome.series, maps, stage / OVERVIEW)

    def measure() -> Measured:
        found = measured(maps, segmentation, regions, outcome.options.preset, region_fit_of(outcome))
        comments = _table_comments(maps.provenance) | {f"region {n}": note for n, note in enumerate(found.notes, start=1)}
        save_table(found.rows, stage / STATISTICS, comments)
        if segmentation is not None:
            save_segmentation(segmentation, maps.geometry, stage / SEGMENTS)
        if found.circles:
            save_segmentation(Segmentation.of(found.circles), maps.geometry, stage / CIRCLES)
        save_maps(maps, stage)
        return found

    _, found = side_by_side(draw_overview, measure)
    if quality is not None:
        quality.save(stage / QUALITY)
    if quality is not None and writing.reports:
        report = report_content(outcome, measured_regions(found), found.notes, writing.wording)

        def draw_report() -> None:  # in one thread, since matplotlib is made for no more
            save_page(stage / REPORT, report, stage / OVERVIEW)
            save_pdf(stage / REPORT_PDF, report, writing.paper)

        side_by_side(draw_report, lambda: save_viewer(stage / VIEWER, report))
    return Saved(found, time.perf_counter() - start)


def export_content(
    maps: ParameterMaps, found: Measured, quality: QualityReport | None, run: Path, wording: Wording = plain_words
) -> ExportContent:
    """What the DICOM objects of a run hold.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    found : Measured
        Statistics of the regions.
    quality : QualityReport or None
        Findings.
    run : Path
        Folder with the report.
    wording : callable
        Names options in the advice of findings.

    Returns
    -------
    ExportContent
    """
    from ..io.output.dicom.content import ExportContent

    findings = tuple(f"{f.severity.value}: {f.worded(wording)}" for f in quality.findings) if quality else ()
    grading = TANG_2015.name if any(row.steatosis_grade for row in found.rows) else ""
    pdf = (run / REPORT_PDF).read_bytes() if (run / REPORT_PDF).is_file() else None
    return ExportContent(maps, measured_regions(found), (*findings, *found.notes), grading, pdf)


def report_content(
    outcome: Outcome, regions: tuple[Region, ...], notes: tuple[str, ...], wording: Wording = plain_words
) -> ReportContent:
    """What the report of a run is about.

    Parameters
    ----------
    outcome : Outcome
        Result of the run.
    regions : tuple of Region
        Regions measured.
    notes : tuple of str
        What the regions need explained.
    wording : callable
        Names options in the advice of findings.

    Returns
    -------
    ReportContent
    """
    from ..quality.findings import QualityReport
    from ..report.content import ReportContent

    quality = outcome.quality or QualityReport(())
    return ReportContent(outcome.series, outcome.maps, regions, quality, notes, TANG_2015, wording)


def _table_comments(provenance: Provenance) -> dict[str, object]:
    limits = LowConfidence()
    return {
        "aideal": provenance.version,
        "method": provenance.method,
        **{f"model {name} sha256": checksum for name, checksum in provenance.models.items()},
        "low confidence": f"P(swap) above {limits.swap_probability:g} or PDFF SD above {limits.total_sd_points:g} points",
        "intervals": "95 %; correlated noise, swaps, edges, heterogeneity of circles; the range of the signal model is apart",
        "steatosis cut-offs": f"{TANG_2015.name}: {TANG_2015.grade_1} {TANG_2015.grade_2} {TANG_2015.grade_3} percent",
        "note": provenance.research_use,
    }
