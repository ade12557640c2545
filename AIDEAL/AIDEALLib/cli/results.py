"""What `run` and `demo` leave behind: files in the folder, tables on the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..choices import Paper, Preset
from ..escaping import for_terminal, plain
from ..io.segmentation import Segmentation, save_segmentation
from ..parameter_maps import ParameterMaps, Provenance
from ..quality.findings import QualityReport, Severity
from ..report.page import cells
from ..report.page import number as number
from ..report.sentences import slice_ranges
from ..statistics import (
    TANG_2015,
    LowConfidence,
    RegionFit,
    RunErrors,
    SegmentStatistics,
    liver_groups,
    region_statistics,
)
from .options import flag_words

if TYPE_CHECKING:
    from ..io.output.dicom.content import ExportContent, Region
    from ..pipeline import Outcome
    from ..regions.measure import Measured, RegionOptions
    from ..report.content import ReportContent

BODY = "body mask"
OVERVIEW, REPORT, REPORT_PDF, VIEWER = "overview.png", "report.html", "report.pdf", "viewer.html"
STATISTICS = "statistics.csv"
SEGMENTS, CIRCLES = "segmentation.seg.nrrd", "circles.seg.nrrd"


def measured(
    maps: ParameterMaps,
    segmentation: Segmentation | None,
    options: RegionOptions | None = None,
    preset: Preset = Preset.LIVER,
    joint: RegionFit | None = None,
) -> Measured:
    """Measure the segments of a run, or its body mask.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the run.
    segmentation : Segmentation, optional
        Segments; without them there is one row for the body mask.
    options : RegionOptions, optional
        What is left out and which circles are suggested.
    preset : Preset
        What was scanned; segments of a phantom get no steatosis grade.
    joint : callable, optional
        Joint estimate of a region.

    Returns
    -------
    Measured
    """
    from ..regions.measure import Measured, RegionOptions, measure_segments

    if segmentation is None:
        volume, errors = maps.geometry.voxel_volume_ml, RunErrors.of(maps.provenance.as_dict())
        row = region_statistics(maps, maps.mask, BODY, voxel_volume_ml=volume, cutoffs=None, errors=errors)
        return Measured([row], np.zeros(maps.mask.shape, np.int32), {}, ())
    options = options or RegionOptions()
    if not preset.tissue:
        options = replace(options, cutoffs=None)
    return measure_segments(maps, segmentation.labels, segmentation.names, options, segmentation.terminology, joint)


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
    paper: Paper = Paper.A4,
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
    paper : Paper
        Size of the page of `report.pdf`.

    Returns
    -------
    Saved
    """
    from ..io.output.overview import save_overview
    from ..io.output.save import save_maps
    from ..io.output.tables import save_table
    from ..pipeline import region_fit_of
    from ..report.page import save_page
    from ..report.pdf import save_pdf
    from ..report.viewer import save_viewer

    start = time.perf_counter()
    maps = outcome.maps
    save_maps(maps, stage)
    save_overview(outcome.series, maps, stage / OVERVIEW)
    found = measured(maps, segmentation, regions, outcome.options.preset, region_fit_of(outcome))
    rows = found.rows
    comments = _table_comments(maps.provenance) | {f"region {n}": note for n, note in enumerate(found.notes, start=1)}
    save_table(rows, stage / STATISTICS, comments)
    if segmentation is not None:
        save_segmentation(segmentation, maps.geometry, stage / SEGMENTS)
    if found.circle_names:
        save_segmentation(Segmentation(found.circle_labels, found.circle_names), maps.geometry, stage / CIRCLES)
    if outcome.quality is not None:
        outcome.quality.save(stage / "quality.json")
        report = report_content(outcome, measured_regions(maps, segmentation, found), found.notes)
        save_page(stage / REPORT, report, stage / OVERVIEW)
        save_pdf(stage / REPORT_PDF, report, paper)
        save_viewer(stage / VIEWER, report)
    return Saved(found, time.perf_counter() - start)


def export_content(
    maps: ParameterMaps, segmentation: Segmentation | None, found: Measured, quality: QualityReport | None, run: Path
) -> ExportContent:
    """What the DICOM objects of a run hold.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    segmentation : Segmentation or None
        Segments; the body mask when None.
    found : Measured
        Statistics of the regions.
    quality : QualityReport or None
        Findings.
    run : Path
        Folder with the report.

    Returns
    -------
    ExportContent
    """
    from ..io.output.dicom.content import ExportContent

    findings = tuple(f"{f.severity.value}: {f.worded(flag_words)}" for f in quality.findings) if quality else ()
    grading = TANG_2015.name if any(row.steatosis_grade for row in found.rows) else ""
    pdf = (run / REPORT_PDF).read_bytes() if (run / REPORT_PDF).is_file() else None
    return ExportContent(maps, measured_regions(maps, segmentation, found), (*findings, *found.notes), grading, pdf)


def report_content(outcome: Outcome, regions: tuple[Region, ...], notes: tuple[str, ...]) -> ReportContent:
    """What the report of a run is about.

    Parameters
    ----------
    outcome : Outcome
        Result of the run.
    regions : tuple of Region
        Regions measured.
    notes : tuple of str
        What the regions need explained.

    Returns
    -------
    ReportContent
    """
    from ..quality.findings import QualityReport
    from ..report.content import ReportContent

    quality = outcome.quality or QualityReport(())
    return ReportContent(outcome.series, outcome.maps, regions, quality, notes, TANG_2015, flag_words)


def measured_regions(maps: ParameterMaps, segmentation: Segmentation | None, found: Measured) -> tuple[Region, ...]:
    """Regions of the rows of the statistics, with their voxels."""
    from ..io.output.dicom.content import Region
    from ..regions.measure import ALL_CIRCLES

    masks = region_masks(maps, segmentation, found)
    found_here = {BODY, ALL_CIRCLES, *found.circle_names.values()}
    return tuple(Region(masks[row.name], row, manual=row.name not in found_here) for row in found.rows)


def region_masks(maps: ParameterMaps, segmentation: Segmentation | None, found: Measured) -> dict[str, npt.NDArray[np.bool_]]:
    """Voxels of each row of the statistics, by its name: segments, what they make together, circles."""
    from ..regions.measure import ALL_CIRCLES

    if segmentation is None:
        return {BODY: maps.mask}
    masks = dict(segmentation.masks())
    for name, members in liver_groups(segmentation.names, segmentation.terminology).items():
        masks[name] = np.isin(segmentation.labels, members)
    masks |= {name: found.circle_labels == number for number, name in found.circle_names.items()}
    return masks | {ALL_CIRCLES: found.circle_labels > 0}


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


def print_outcome(console: Console, outcome: Outcome, saved: Saved, out: Path) -> None:
    """Print statistics, findings, times, decisions, and where the results are."""
    print_statistics(console, saved.rows)
    for note in saved.notes:
        console.print(note, markup=False, highlight=False, soft_wrap=True)
    if outcome.quality is not None:
        print_findings(console, outcome.quality)
    print_closing(console, outcome.maps, out, {**outcome.maps.provenance.seconds, "writing": saved.writing_s})


def table_of(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table with its first column to the left and numbers to the right."""
    table = Table(
        title=Text(plain(title), style="bold"),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        collapse_padding=True,
    )
    for index, name in enumerate(columns):
        table.add_column(Text(plain(name)), justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    return table


def print_statistics(console: Console, rows: Sequence[SegmentStatistics]) -> None:
    """The statistics that matter at a glance; `statistics.csv` has the rest."""
    lines = [cells(row)[:-1] for row in rows]
    columns = ("Region", "ml", "Median (95 %)", "Mean (95 %)", "Model", "SD", "Stated SD", "Unsure %", "R2* 1/s")
    console.print(table_of("PDFF in percent", columns, lines))
    if any(row.reported_from == "joint" for row in rows):
        console.print("* joint estimate of all voxels: voxel by voxel they are too noisy for a median", highlight=False)


def print_findings(console: Console, quality: QualityReport) -> None:
    """What the data check found, the worst first."""
    colours = {Severity.STOP: "red", Severity.WARN: "yellow", Severity.INFO: "blue"}
    for finding in quality.findings:
        slices = f" Slices {slice_ranges(finding.slices)}." if finding.slices else ""
        console.print(f"[{colours[finding.severity]}]{finding.severity.value}[/] {finding.code}:", end=" ", highlight=False)
        console.print(
            for_terminal(f"{finding.sentence}{slices} {finding.advice.worded(flag_words)}"),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def print_closing(console: Console, maps: ParameterMaps, out: Path, seconds: dict[str, float]) -> None:
    """Time by stage, every fallback and decision, where the results are, and what they are not for."""
    provenance = maps.provenance
    slices = maps.mask.shape[0]
    total = sum(seconds.values())
    parts = ", ".join(f"{name} {value:.1f}" for name, value in seconds.items())
    console.print(f"{total:.1f} s for {slices} slice{'s' * (slices > 1)} on {provenance.device} ({parts})", highlight=False)
    for note in (f"Phase {provenance.phase_sign}.", *provenance.notes):
        console.print(for_terminal(f"Note: {note}"), markup=False, highlight=False, soft_wrap=True)
    console.print(for_terminal(f"Results: {out.resolve()}"), markup=False, highlight=False, soft_wrap=True)
    for name, file in (("Report", REPORT), ("One page", REPORT_PDF), ("Viewer", VIEWER)):
        if (out / file).is_file():
            console.print(for_terminal(f"{name}: {out.resolve() / file}"), markup=False, highlight=False, soft_wrap=True)
    console.print(provenance.research_use, style="bold", highlight=False)
