"""The sentences of a report, in words for a reader who has not seen the method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..io.output.dicom.content import Region
from ..parameter_maps import ParameterMaps
from ..quality.findings import QualityReport, Severity
from ..statistics import Measuring, SegmentStatistics, SteatosisCutoffs, region_statistics
from .content import ReportContent

NO_LIVER = "No liver was outlined, so there is no number for the liver"
INTERVAL_NOTE = (
    "The interval contains noise, edges and the risk that water and fat are confused, "
    "not what the model of the signal leaves open."
)
READINGS = {"median": "the median", "joint": "the joint estimate", "mean": "the mean"}
"""Ways to take the number of a region, by `SegmentStatistics.reported_from`."""
SMALLEST_CHANGE = 0.05
UNLIKELY_GRADE = 0.05
"""Probability below which a grade is not named."""


@dataclass(frozen=True)
class Change:
    """What another choice would do to the number.

    Attributes
    ----------
    choice : str
        The choice.
    points : float
        Difference of the PDFF in percentage points.
    """

    choice: str
    points: float

    def sentence(self) -> str:
        """In words."""
        if abs(self.points) < SMALLEST_CHANGE:
            return f"{self.choice}: no change"
        return f"{self.choice}: {self.points:+.1f}".replace("-", "−")


def headline(content: ReportContent) -> str:
    """The number with its interval in one line."""
    main = content.main
    if main is None and (withheld := content.without_number):
        return f"No number for the liver ({withheld.name}): {withheld.statistics.withheld}."
    if main is None:
        return f"{NO_LIVER}."
    row = main.statistics
    low, high = row.reported_low, row.reported_high
    where = "the liver" if "liver" in main.name.lower() else f"the {main.name.lower()} (liver)"
    interval = f"95 % interval {max(low, 0.0):.1f} to {min(high, 100.0):.1f} %" if math.isfinite(low) else "interval unknown"
    return f"Fat in {where}: {row.reported:.1f} % ({interval})"


def explanation(content: ReportContent) -> str:
    """What the number means for a referring doctor."""
    main = content.main
    if main is None and content.without_number:
        return "The findings state what is wrong with the scan or its result, and what to do first."
    if main is None:
        return "The table below covers the whole body in the images. Outline the liver and run again."
    share = round(main.statistics.reported)
    return (
        f"Of 100 parts of the signal of water and fat in this liver, {max(share, 0)} come from fat "
        f"(proton density fat fraction, PDFF). {INTERVAL_NOTE}"
    )


def grade(region: Region | None, cutoffs: SteatosisCutoffs) -> str:
    """Grade with its scheme; '' where none applies."""
    if region is None or not region.statistics.steatosis_grade:
        return ""
    row = region.statistics
    likely = ", ".join(f"{name} with {100 * chance:.0f} %" for name, chance in likely_grades(row))
    return (
        f"Steatosis grade {row.steatosis_grade} (probability: {likely or 'unknown'}; "
        f"scheme {cutoffs.name}: S1 from {cutoffs.grade_1:g} %, S2 from "
        f"{cutoffs.grade_2:g} %, S3 from {cutoffs.grade_3:g} %), "
        f"by {READINGS[row.reported_from]} of {row.reported:.1f} %. "
        "Schemes differ between studies."
    )


def likely_grades(row: SegmentStatistics) -> list[tuple[str, float]]:
    """Steatosis grade of a region with its probability, then other grades that are not unlikely.

    Parameters
    ----------
    row : SegmentStatistics
        The region.

    Returns
    -------
    list of (str, float)
        Grades and probabilities; empty where they are unknown.
    """
    chances = (row.chance_s0, row.chance_s1, row.chance_s2, row.chance_s3)
    named = [(f"S{n}", chance) for n, chance in enumerate(chances) if math.isfinite(chance)]
    shown = [(name, chance) for name, chance in named if name == row.steatosis_grade or chance >= UNLIKELY_GRADE]
    return sorted(shown, key=lambda pair: pair[0] != row.steatosis_grade)


def quality_sentence(content: ReportContent) -> str:
    """How far the numbers can be relied on: the worst finding, and which regions have no number."""
    findings = content.quality.findings
    stops = [f for f in findings if f.severity is Severity.STOP]
    warnings = [f for f in findings if f.severity is Severity.WARN]
    withheld = [region for region in content.regions if region.statistics.number_withheld]
    if stops:
        return f"Quality: do not use these numbers. {stops[0].sentence}"
    if withheld:
        names, first = ", ".join(region.name for region in withheld), withheld[0]
        caution = f" The others with caution: {warnings[0].sentence}" if warnings else ""
        return f"Quality: no number for {names} ({first.name}: {first.statistics.withheld}).{caution}"
    if warnings:
        more = f" ({len(warnings) - 1} more in the full report)" if len(warnings) > 1 else ""
        return f"Quality: use with caution{more}. {warnings[0].sentence}"
    return "Quality: the check of scan and result found nothing that makes the numbers doubtful."


def changes(region: Region, maps: ParameterMaps) -> list[Change]:
    """What other ways to take the number would give, relative to the one reported."""
    row = region.statistics
    how = Measuring(maps.geometry.voxel_volume_ml, exclude_low_confidence=True)
    sure = region_statistics(maps, region.mask, region.name, how)
    others = [
        (name, value) for name, value in (("mean", row.pdff_mean), ("median", row.pdff_median)) if name != row.reported_from
    ]
    found = [
        Change("voxels of low confidence left out of the mean", sure.pdff_mean - row.pdff_mean),
        *(Change(f"{READINGS[name]} instead of {READINGS[row.reported_from]}", value - row.reported) for name, value in others),
    ]
    return [change for change in found if change.points == change.points]


def expected_precision(quality: QualityReport) -> str:
    """Least SD of a voxel that SNR and echo times allow; '' where it is not known."""
    expected = quality.expected
    stated = [(float(name.rsplit("_", 1)[1]), sd) for name, sd in expected.items() if name.startswith("pdff_sd_at_")]
    if not stated:
        return ""
    listed = ", ".join(f"{sd:.1f} points at {at:g} %" for at, sd in stated)
    return f"With SNR {expected['snr']:.0f} and these echo times no voxelwise estimate can have a smaller SD than {listed}."


def slice_ranges(numbers: Sequence[int]) -> str:
    """Slice numbers from 1, neighbours joined: 1-3, 7."""
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][1] + 1:
            runs[-1][1] = n
        else:
            runs.append([n, n])
    return ", ".join(f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in runs)


def protocol(maps: ParameterMaps) -> str:
    """Scan and method in one line."""
    provenance = maps.provenance
    te = ", ".join(f"{1000 * t:.3g}" for t in provenance.te_s)
    slices, rows, columns = maps.mask.shape
    return (
        f"{provenance.field_strength_t:g} T, {len(provenance.te_s)} echoes at {te} ms, {columns}x{rows}x{slices} voxels, "
        f"method {provenance.method}, AIDEAL {provenance.version}"
    )
