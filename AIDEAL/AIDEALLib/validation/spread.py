"""Stated SD against errors: by vial, by voxel and by region of interest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.stats

from .bench import Bench
from .cases import Case, Vials
from .phantoms import vials_of
from .pictures import COLOURS, Drawing, Picture, style_axes, use_log_axes
from .plan import Plan
from .report import Chapter
from .rois import square_rois
from .tables import Column, table
from .voxels import LIVER, LOBES, Voxels, joined

KEY, TITLE = "spread", "Error against stated SD"


@dataclass(frozen=True)
class RoiSpread:
    """A square region in a lobe.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    patient : str
        Number of the patient.
    lobe : str
        Name of the lobe.
    voxels : int
        Number of voxels.
    stated_variance : float
        Mean stated variance, points^2.
    absolute_error : float
        Absolute error of the median PDFF, points.
    interquartile_range : float
        Interquartile range of PDFF, points.
    """

    protocol: str
    patient: str
    lobe: str
    voxels: int
    stated_variance: float
    absolute_error: float
    interquartile_range: float


@dataclass(frozen=True)
class Regression:
    """Linear regression of the stated variance on absolute error and interquartile range.

    Attributes
    ----------
    sample : str
        Name of the sample.
    regions : int
        Number of regions.
    r_squared : float
        Share of the variance that is explained.
    p_value : float
        P value of the F test.
    per_error : float
        Coefficient of the absolute error, points.
    per_range : float
        Coefficient of the interquartile range, points.
    """

    sample: str
    regions: int
    r_squared: float
    p_value: float
    per_error: float
    per_range: float


def regression(sample: str, rows: list[RoiSpread]) -> Regression:
    """Fit variance = a + b |error| + c IQR by ordinary least squares; NaN with fewer than five regions."""
    if len(rows) < 5:
        return Regression(sample, len(rows), *[math.nan] * 4)
    target = np.array([row.stated_variance for row in rows])
    design = np.array([[1.0, row.absolute_error, row.interquartile_range] for row in rows])
    weights, *_ = np.linalg.lstsq(design, target, rcond=None)
    left = float(((target - design @ weights) ** 2).sum())
    r_squared = 1 - left / float(((target - target.mean()) ** 2).sum())
    free = len(rows) - 3
    f = (r_squared / 2) / max((1 - r_squared) / free, 1e-300)
    return Regression(sample, len(rows), r_squared, float(scipy.stats.f.sf(f, 2, free)), float(weights[1]), float(weights[2]))


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return [*_noisy_phantoms(plan), *plan.plain()]


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and pictures of the section."""
    rows: list[RoiSpread] = []
    livers: list[Voxels] = []
    for case in plan.plain():
        voxels = bench.voxels(case)
        rows += _regions(case, voxels)
        livers.append(voxels.segment(*LIVER))
    names = list(dict.fromkeys(row.protocol for row in rows))
    samples = [regression(name, [row for row in rows if row.protocol == name]) for name in names]
    samples.append(regression("all protocols", rows))
    columns = (
        Column("Protocol", "sample"),
        Column("Regions", "regions"),
        Column("R2 of the fit", "r_squared", ".2f"),
        Column("p", "p_value", ".2g"),
        Column("points² per point of |error|", "per_error", ".2f"),
        Column("points² per point of IQR", "per_range", ".2f"),
    )
    return Chapter(
        KEY,
        TITLE,
        (
            _vial_picture(plan, bench),
            _voxel_picture(joined(livers)),
            "Square regions in the lobes, 17/384 of the image wide, one per slice where it fits: mean stated variance against "
            "the error of the median and the interquartile range of PDFF. Meneses et al. 2026 found R2 = 0.20, p = 0.016.",
            table("regression", "Stated variance explained by |error| and IQR.", samples, columns),
            table("regions", "Each region", rows),
        ),
    )


def _noisy_phantoms(plan: Plan) -> list[Case]:
    return [case for case in plan.phantoms() if case.protocol.snr is not None]


def _regions(case: Case, voxels: Voxels) -> list[RoiSpread]:
    rows = []
    for lobe in LOBES:
        for square in square_rois(voxels, lobe):
            part = voxels.where(square)
            low, high = np.percentile(part.pdff, [25, 75])
            rows.append(
                RoiSpread(
                    protocol=case.protocol.name,
                    patient=str(case.noise[-1]),
                    lobe=lobe,
                    voxels=len(part),
                    stated_variance=float((part.pdff_sd.astype(float) ** 2).mean()),
                    absolute_error=float(abs(np.median(part.pdff) - np.median(part.true_pdff))),
                    interquartile_range=float(high - low),
                )
            )
    return rows


def _vial_picture(plan: Plan, bench: Bench) -> Picture:
    """Stated and observed SD of each vial (figures 10 and 11 of Meneses et al. 2026)."""
    drawing = Drawing(1, 2, 5.2, 4.0)
    left, right = drawing.axes[0]
    protocols = list(dict.fromkeys(case.protocol.name for case in _noisy_phantoms(plan)))
    ends = [math.inf, 0.0]
    for case in _noisy_phantoms(plan):
        assert isinstance(case.target, Vials)
        vials = vials_of(bench.voxels(case))
        colour = COLOURS[protocols.index(case.protocol.name)]
        one_shot = case.method == "one-shot"
        first = case.target.table == "1" and case.protocol.snr == 50
        name = f"{case.protocol.name}{', one-shot' if one_shot else ''}" if first else None
        observed, stated = [v.sd for v in vials], [v.stated_sd for v in vials]
        ends = [min(ends[0], *observed, *stated), max(ends[1], *observed, *stated)]
        left.plot(observed, stated, "x" if one_shot else "o", color=colour, markersize=4, label=name)
        if case.protocol.name == protocols[0] and case.target.table == "1" and not one_shot:
            noise = 0 if case.protocol.snr == 50 else 1
            truth = [v.truth + 1.5 * noise for v in vials]
            bars = {"capsize": 3, "markersize": 4, "color": COLOURS[noise], "label": f"SNR {case.protocol.snr:.0f}"}
            right.errorbar(truth, [v.bias for v in vials], stated, fmt="o", **bars)
            for side in (-1, 1):
                right.plot(truth, [v.bias + side * v.sd for v in vials], "_", color="#222222", markersize=9)
    left.plot(ends, ends, color="#888888", linewidth=0.8)
    use_log_axes(left)
    left.legend(fontsize=7, frameon=False)
    right.axhline(0, color="#888888", linewidth=0.8)
    right.legend(fontsize=8, frameon=False)
    style_axes(left, "Each vial: stated and observed SD", "SD of the voxels' errors (points)", "mean stated SD (points)")
    style_axes(right, f"{protocols[0]}, refined, R2* set 1", "true PDFF (%)", "error of PDFF (points)")
    return drawing.picture(
        "vials", "Left: every vial at SNR 50 and 10. Right: mean error with the stated SD as bar; dashes: observed SD."
    )


def _voxel_picture(livers: Voxels) -> Picture:
    """Quantiles of the error in groups of equal stated SD, over all livers."""
    drawing = Drawing(1, 1, 5.4, 4.0)
    axes = drawing.axes[0, 0]
    positive = livers.pdff_sd > 0
    stated, error = livers.pdff_sd[positive].astype(float), np.abs(livers.error[positive]).astype(float)
    order = np.argsort(stated)
    groups = np.array_split(order, 25)
    medians = [float(np.median(stated[g])) for g in groups]
    for share, style, name in ((68.0, "o", "68 % of the errors lie below"), (95.0, "s", "95 % of the errors lie below")):
        colour = COLOURS[0 if share == 68 else 1]
        axes.plot(
            medians, [float(np.percentile(error[g], share)) for g in groups], style, color=colour, markersize=4, label=name
        )
        axes.plot(medians, [float(scipy.stats.norm.ppf(0.5 + share / 200)) * x for x in medians], color=colour, linewidth=0.9)
    use_log_axes(axes)
    axes.legend(fontsize=8, frameon=False)
    style_axes(axes, "Voxels of all held-out livers, 25 groups by stated SD", "stated SD (points)", "|error| of PDFF (points)")
    return drawing.picture("voxels", "Lines: quantiles of a normal distribution with the stated SD.")
