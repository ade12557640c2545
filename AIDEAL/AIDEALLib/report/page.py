"""`report.html`: everything a run found on one page that needs no other file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ..quality.findings import Finding
from ..statistics import NOT_THERE, SegmentStatistics, interval_text
from ..stopwatch import timed
from . import sentences
from .content import ReportContent
from .pictures import MOST_REGIONS, Picture, fit_picture, histogram_png, region_pictures
from .templating import encoded, render

COLUMNS = (
    "Region",
    "ml",
    "PDFF (95 %)",
    "Mean (95 %)",
    "Model",
    "SD",
    "Stated SD",
    "Unsure %",
    "R2* 1/s",
    "Grade (research use)",
)


@timed("report page")
def save_page(path: Path, content: ReportContent, overview: Path) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        File to write.
    content : ReportContent
        What is reported.
    overview : Path
        Picture of the maps.
    """
    provenance = content.maps.provenance
    main = content.main
    page = render(
        "report.html.j2",
        title=f"{provenance.source or 'Scan'}: fat fraction with its uncertainty",
        protocol=sentences.protocol(content.maps),
        research_use=provenance.research_use,
        headline=sentences.headline(content),
        explanation=sentences.explanation(content),
        grade=sentences.grade(main, content.cutoffs),
        quality=sentences.quality_sentence(content),
        changes=[c.sentence() for c in sentences.changes(main, content.maps)] if main else [],
        findings=[_finding(f, content) for f in content.quality.findings],
        columns=COLUMNS,
        rows=[cells(region.statistics) for region in content.regions],
        region_notes=content.region_notes,
        expected=sentences.expected_precision(content.quality),
        pictures=[{"caption": p.caption, "data": encoded(p.png)} for p in _pictures(content)],
        overview=encoded(overview.read_bytes()),
        notes=(f"Phase {provenance.phase_sign}.", *provenance.notes),
        provenance=json.dumps(provenance.as_dict(), indent=2, ensure_ascii=False, default=str),
    )
    path.write_text(page, encoding="utf-8")


def cells(row: SegmentStatistics) -> tuple[str, ...]:
    """One region for reading, in the order of `COLUMNS`."""
    return (
        row.name,
        number(row.volume_ml, 0),
        _reported(row),
        interval_text(row.pdff_mean, row.mean_low, row.mean_high),
        f"{number(row.model_low)} to {number(row.model_high)}" if math.isfinite(row.model_low) else "-",
        number(row.pdff_sd),
        number(row.stated_sd_mean),
        number(row.low_confidence_percent),
        number(row.r2star_mean, 0),
        _grades(row),
    )


def _reported(row: SegmentStatistics) -> str:
    """Reported number, or in its place that there is none; notes below the table give the reason."""
    if row.withheld:
        return row.without_number if row.withheld in NOT_THERE else "withheld"
    return interval_text(row.reported, row.reported_low, row.reported_high) + " *" * (row.reported_from == "joint")


def _grades(row: SegmentStatistics) -> str:
    """Grade with its probability, then other grades that are not unlikely."""
    return (
        ", ".join(f"{name} {100 * chance:.0f} %" for name, chance in sentences.likely_grades(row)) or row.steatosis_grade or "-"
    )


def number(value: float, digits: int = 1, sign: bool = False) -> str:
    """A number for reading, a dash where there is none.

    Parameters
    ----------
    value : float
        The number.
    digits : int
        Decimals.
    sign : bool
        Show the sign of positive numbers too.

    Returns
    -------
    str
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:{'+' if sign else ''}.{digits}f}"


def _pictures(content: ReportContent) -> list[Picture]:
    found = region_pictures(content)
    if len(content.shown) > MOST_REGIONS:
        left = len(content.shown) - MOST_REGIONS
        found[-1] = Picture(f"{found[-1].caption} ({left} more region(s) are in the table only)", found[-1].png)
    if histogram := histogram_png(content):
        found.append(Picture("Histograms of the PDFF with the 95 % interval of the mean", histogram))
    typical = content.main or next(iter(content.shown), None)
    if typical is not None and (fit := fit_picture(content, typical)):
        found.append(fit)
    return found


def _finding(finding: Finding, content: ReportContent) -> dict[str, Any]:
    places = []
    if finding.slices:
        places.append(f"slices {sentences.slice_ranges(finding.slices)}")
    if finding.voxels:
        places.append(f"{finding.voxels} voxels")
    if finding.area_mm2:
        places.append(f"{finding.area_mm2 / 100:.1f} cm²")
    return {
        "kind": finding.severity.value,
        "code": finding.code,
        "where": ", ".join(places),
        "sentence": finding.sentence,
        "advice": finding.advice.worded(content.wording),
    }
