"""Repeatability and reproducibility: the same anatomy with other noise, and at another field strength."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .bench import Bench
from .cases import Case
from .pictures import COLOURS, Drawing, Picture, style_axes
from .plan import Plan
from .report import Chapter
from .rois import square_rois
from .tables import Column, table
from .voxels import LOBES, Voxels

KEY, TITLE = "repeatability", "Repeatability: other noise, other field strength"
REPEATED, OTHER_FIELD, TRUTH = "other noise", "3 T against 1.5 T", "1.5 T against the truth"


@dataclass(frozen=True)
class Pair:
    """Two readings of a lobe of one patient.

    Attributes
    ----------
    comparison : str
        Scans that are compared.
    reading : str
        'square' or 'lobe': region whose median is read.
    patient : str
        Number of the patient.
    lobe : str
        Name of the lobe.
    voxels : int
        Voxels of the region.
    first : float
        PDFF of the first scan, percent.
    second : float
        PDFF of the second scan, percent.
    """

    comparison: str
    reading: str
    patient: str
    lobe: str
    voxels: int
    first: float
    second: float


@dataclass(frozen=True)
class Agreement:
    """Second minus first reading.

    Attributes
    ----------
    comparison : str
        Scans that are compared.
    reading : str
        'square' or 'lobe'.
    pairs : int
        Number of pairs.
    bias : float
        Mean difference, points.
    sd : float
        Standard deviation of the differences, points.
    lower : float
        Lower limit of agreement, bias - 1.96 SD.
    upper : float
        Upper limit of agreement, bias + 1.96 SD.
    slope : float
        Slope of the second on the first reading.
    intercept : float
        Intercept of that line, points.
    """

    comparison: str
    reading: str
    pairs: int
    bias: float
    sd: float
    lower: float
    upper: float
    slope: float
    intercept: float


def agreement(comparison: str, reading: str, first: Sequence[float], second: Sequence[float]) -> Agreement:
    """Agreement of two readings.

    Parameters
    ----------
    comparison : str
        Scans that are compared.
    reading : str
        'square' or 'lobe'.
    first : sequence of float
        First readings, percent.
    second : sequence of float
        Second readings, percent.

    Returns
    -------
    Agreement
        Bias, limits of agreement and ordinary regression line; NaN with fewer than three pairs.

    References
    ----------
    Bland and Altman, Lancet 1986.
    """
    if len(first) < 3:
        return Agreement(comparison, reading, len(first), *[math.nan] * 6)
    a, b = np.asarray(first, float), np.asarray(second, float)
    bias, sd = float((b - a).mean()), float((b - a).std(ddof=1))
    slope, intercept = (float(value) for value in np.polyfit(a, b, 1))
    return Agreement(comparison, reading, a.size, bias, sd, bias - 1.96 * sd, bias + 1.96 * sd, slope, intercept)


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [case for scans in plan.repeats() for case in scans]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and picture of the section."""
    pairs: list[Pair] = []
    for scans in plan.repeats():
        first, repeated, other = (bench.voxels(case) for case in scans)
        pairs += _pairs(REPEATED, str(scans[0].noise[1]), first, repeated)
        pairs += _pairs(OTHER_FIELD, str(scans[0].noise[1]), first, other)
        pairs += _pairs(TRUTH, str(scans[0].noise[1]), first, None)
    rows = []
    for comparison in (REPEATED, OTHER_FIELD, TRUTH):
        for reading in ("square", "lobe"):
            mine = [p for p in pairs if (p.comparison, p.reading) == (comparison, reading)]
            rows.append(agreement(comparison, reading, [p.first for p in mine], [p.second for p in mine]))
    columns = (
        Column("Comparison", "comparison"),
        Column("Reading", "reading"),
        Column("Lobes", "pairs"),
        Column("Bias", "bias", "+.3f"),
        Column("SD of differences", "sd", ".3f"),
        Column("Limits of agreement, lower", "lower", "+.2f"),
        Column("upper", "upper", "+.2f"),
        Column("Slope", "slope", ".3f"),
        Column("Intercept", "intercept", "+.2f"),
    )
    names = " and ".join(dict.fromkeys(case.protocol.name for case in plan.repeats()[0]))
    return Chapter(
        KEY,
        TITLE,
        (
            f"{len(plan.repeats())} patients, {names}. Square: median of one square per lobe, 17/384 of the image wide, "
            "where it fits; lobe: median of the whole lobe. Literature in vivo: limits of agreement -3.95 to 3.40 points "
            "between methods; SD within one examination about 0.25 to 0.45.",
            table("agreement", "PDFF in points.", rows, columns),
            _picture(pairs, rows),
            table("pairs", "Every pair", pairs),
        ),
    )


def _pairs(comparison: str, patient: str, first: Voxels, second: Voxels | None) -> list[Pair]:
    """Readings of both lobes in both scans, or in the first scan and its truth."""
    rows = []
    for lobe in LOBES:
        squares = square_rois(first, lobe)[:1]
        number = [n for n, name in first.label_names.items() if name == lobe]
        regions = [("square", square) for square in squares] + [("lobe", np.isin(first.label, number))]
        for reading, region in regions:
            if not region.any():
                continue
            one = first.where(region)
            if second is None:
                readings = (float(np.median(one.true_pdff)), float(np.median(one.pdff)))
            else:
                same = second.where(np.isin(second.place, one.place))
                readings = (float(np.median(one.pdff)), float(np.median(same.pdff)))
            rows.append(Pair(comparison, reading, patient, lobe, len(one), *readings))
    return rows


def _picture(pairs: list[Pair], rows: list[Agreement]) -> Picture:
    drawing = Drawing(1, 3, 4.0, 3.4)
    for axes, comparison in zip(drawing.axes[0], (REPEATED, OTHER_FIELD, TRUTH), strict=True):
        for k, reading in enumerate(("square", "lobe")):
            mine = [p for p in pairs if (p.comparison, p.reading) == (comparison, reading)]
            means, differences = [(p.first + p.second) / 2 for p in mine], [p.second - p.first for p in mine]
            axes.plot(means, differences, "os"[k], markersize=4.5, color=COLOURS[k], alpha=0.8, label=f"{reading}, median")
        squares = next(row for row in rows if (row.comparison, row.reading) == (comparison, "square"))
        for value, style in ((squares.bias, "-"), (squares.lower, "--"), (squares.upper, "--")):
            if math.isfinite(value):
                axes.axhline(value, color=COLOURS[0], linewidth=0.9, linestyle=style)
        axes.legend(fontsize=8, frameon=False)
        style_axes(axes, comparison, "mean of both (% PDFF)", "difference (points)")
    return drawing.picture("bland-altman", "Each lobe of each patient; lines: bias and limits of agreement of the squares.")
