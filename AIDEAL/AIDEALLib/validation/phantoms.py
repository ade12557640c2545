"""Vial phantoms: bias and stated SD of each vial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .bench import Bench
from .cases import Case, Vials
from .pictures import COLOURS, Drawing, Picture, legend_below, style_axes
from .plan import Plan
from .report import Chapter
from .scores import summary
from .tables import Column, Table, table
from .voxels import Voxels

KEY, TITLE = "phantoms", "Vial phantoms: bias and stated SD of each vial"


@dataclass(frozen=True)
class Vial:
    """One vial under one method.

    Attributes
    ----------
    method : str
        Name of the method.
    vial : str
        Name of the vial.
    voxels : int
        Number of voxels.
    truth : float
        True PDFF, percent.
    r2star_per_s : float
        True R2*, 1/s.
    bias : float
        Mean estimate minus truth, points.
    sd : float
        Standard deviation over the voxels, points.
    stated_sd : float
        Mean of the stated standard deviations, points.
    cramer_rao_sd : float
        Cramer-Rao bound of an unbiased voxelwise estimate, points.
    ratio : float
        `stated_sd` over `sd`.
    swap_percent : float
        Share of swapped voxels.
    """

    method: str
    vial: str
    voxels: int
    truth: float
    r2star_per_s: float
    bias: float
    sd: float
    stated_sd: float
    cramer_rao_sd: float
    ratio: float
    swap_percent: float


@dataclass(frozen=True)
class PhantomVial(Vial):
    """A vial with its acquisition.

    Attributes
    ----------
    protocol : str
        Name of the protocol.
    r2star_set : str
        Set of R2*.
    snr : float
        Signal-to-noise ratio; NaN without noise.
    """

    protocol: str
    r2star_set: str
    snr: float


@dataclass(frozen=True)
class PhantomScore:
    """All vials of all sets of R2* under one method, protocol and SNR.

    Attributes
    ----------
    method : str
        Name of the method.
    protocol : str
        Name of the protocol.
    snr : float
        Signal-to-noise ratio; NaN without noise.
    mean_bias : float
        Signed mean over the vials, points; often published, although errors of opposite sign cancel in it.
    worst_bias : float
        Bias of largest magnitude, points.
    worst_vial : str
        Its vial.
    stated_over_found_low : float
        Least ratio of stated to observed SD.
    stated_over_found_high : float
        Largest ratio of stated to observed SD.
    stated_over_bound_low : float
        Least ratio of stated SD to Cramer-Rao bound.
    stated_over_bound_high : float
        Largest ratio of stated SD to Cramer-Rao bound.
    worst_swap_percent : float
        Largest share of swapped voxels.
    """

    method: str
    protocol: str
    snr: float
    mean_bias: float
    worst_bias: float
    worst_vial: str
    stated_over_found_low: float
    stated_over_found_high: float
    stated_over_bound_low: float
    stated_over_bound_high: float
    worst_swap_percent: float


def vials_of(voxels: Voxels) -> list[Vial]:
    """Bias and standard deviations of every vial of a phantom."""
    rows = []
    for _, name in sorted(voxels.label_names.items()):
        vial = voxels.segment(name)
        error = summary(vial, name)
        bound = float(vial.pdff_bound.mean()) if len(vial) else math.nan
        noisy = bound > 0 and error.error_sd > 0
        rows.append(
            Vial(
                method=error.method,
                vial=name,
                voxels=error.voxels,
                truth=error.truth_mean,
                r2star_per_s=float(vial.true_r2star.mean()) if len(vial) else math.nan,
                bias=error.mean_bias,
                sd=error.error_sd,
                stated_sd=error.stated_sd,
                cramer_rao_sd=bound if noisy else math.nan,
                ratio=error.stated_sd / error.error_sd if noisy else math.nan,
                swap_percent=error.swap_percent,
            )
        )
    return rows


def cases(plan: Plan) -> list[Case]:
    """Cases of the section."""
    return plan.phantoms()


def chapter(plan: Plan, bench: Bench) -> Chapter:
    """Tables and picture of the section."""
    rows = [row for case in cases(plan) for row in _rows(case, bench)]
    groups: dict[tuple[str, str, float], list[PhantomVial]] = {}
    for row in rows:
        groups.setdefault((row.method, row.protocol, -1.0 if math.isnan(row.snr) else row.snr), []).append(row)
    scores = [_score(group) for group in groups.values()]
    columns = (
        Column("Method", "method"),
        Column("Protocol", "protocol"),
        Column("SNR (-: no noise)", "snr", ".0f"),
        Column("Signed mean bias", "mean_bias", "+.3f"),
        Column("Largest bias", "worst_bias", "+.3f"),
        Column("Vial", "worst_vial"),
        Column("Stated/observed SD, least", "stated_over_found_low", ".2f"),
        Column("most", "stated_over_found_high", ".2f"),
        Column("Stated/bound, least", "stated_over_bound_low", ".3f"),
        Column("most", "stated_over_bound_high", ".3f"),
        Column("Swaps, %, largest", "worst_swap_percent", ".2f"),
    )
    vial_columns = (
        Column("Method, vial", "vial"),
        Column("PDFF, %", "truth", ".1f"),
        Column("R2*, 1/s", "r2star_per_s", ".1f"),
        Column("Bias", "bias", "+.3f"),
        Column("SD", "sd", ".3f"),
        Column("Stated SD", "stated_sd", ".3f"),
        Column("Cramer-Rao", "cramer_rao_sd", ".3f"),
        Column("Swaps, %", "swap_percent", ".2f"),
    )
    first = [row for row in rows if row.protocol == rows[0].protocol and row.r2star_set == "1" and row.snr == 50.0]
    vials = table("vials", "", first, vial_columns)
    named = [[f"{row.method}, {line[0]}", *line[1:]] for row, line in zip(first, vials.lines, strict=True)]
    return Chapter(
        KEY,
        TITLE,
        (
            "Vials of PDFF 5.2 to 100 % after Meneses et al. 2026, three sets of R2*; SNR is |W + F| at t = 0 over the noise "
            "of one real channel. Vials are surrounded by air, so that none has neighbours.",
            table("scores", "All vials of all sets of R2*: PDFF in points.", scores, columns),
            Table("vials", f"Each vial, {rows[0].protocol}, SNR 50, R2* set 1 (the file has all).", rows, vials.titles, named),
            _picture(rows),
        ),
    )


def _rows(case: Case, bench: Bench) -> list[PhantomVial]:
    assert isinstance(case.target, Vials)
    snr = math.nan if case.protocol.snr is None else case.protocol.snr
    return [
        PhantomVial(**vars(vial), protocol=case.protocol.name, r2star_set=case.target.table, snr=snr)
        for vial in vials_of(bench.voxels(case))
    ]


def _score(group: list[PhantomVial]) -> PhantomScore:
    worst = max(group, key=lambda row: abs(row.bias))
    found = [row.ratio for row in group]
    bound = [row.stated_sd / row.cramer_rao_sd for row in group]
    return PhantomScore(
        method=worst.method,
        protocol=worst.protocol,
        snr=worst.snr,
        mean_bias=float(np.mean([row.bias for row in group])),
        worst_bias=worst.bias,
        worst_vial=f"{worst.truth:.1f} %, set {worst.r2star_set}",
        stated_over_found_low=min(found),
        stated_over_found_high=max(found),
        stated_over_bound_low=min(bound),
        stated_over_bound_high=max(bound),
        worst_swap_percent=max(row.swap_percent for row in group),
    )


def _noise(row: PhantomVial) -> str:
    return "no noise" if math.isnan(row.snr) else f"SNR {row.snr:.0f}"


def _picture(rows: list[PhantomVial]) -> Picture:
    methods, protocols = list(dict.fromkeys(r.method for r in rows)), list(dict.fromkeys(r.protocol for r in rows))
    noise = list(dict.fromkeys(_noise(r) for r in rows))
    drawing = Drawing(len(methods), len(protocols), 3.1, 2.9, sharex=True)
    for i, method in enumerate(methods):
        for j, protocol in enumerate(protocols):
            axes = drawing.axes[i, j]
            for k, level in enumerate(noise):
                chosen = [r for r in rows if (r.method, r.protocol, _noise(r)) == (method, protocol, level)]
                axes.errorbar(
                    [r.truth + 1.2 * (k - 1) for r in chosen],
                    [r.bias for r in chosen],
                    [0.0 if math.isnan(r.snr) else r.stated_sd / math.sqrt(r.voxels) for r in chosen],
                    fmt="o",
                    markersize=3.5,
                    color=COLOURS[k],
                    label=level,
                )
            axes.axhline(0, color="#888888", linewidth=0.8)
            style_axes(axes, f"{protocol}\n{method}", "true PDFF (%)", "bias (points)")
    legend_below(drawing, drawing.axes[0, 0], len(noise))
    return drawing.picture(
        "bias", "Mean error of each vial (three sets of R2*); bars: stated SD over the root of the number of voxels."
    )
