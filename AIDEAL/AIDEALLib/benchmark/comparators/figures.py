"""Figures of the comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from ...validation.pictures import COLOURS, Drawing, legend_below, style_axes, use_log_axes
from .accuracy import PartError
from .study import ALL_SHIFTS, PHANTOM, ROOM, Study
from .systems import CORRECTED, ONE_SHOT, OURS
from .uncertainty import KEPT, VoxelErrors, error_left, regression

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

SD_BINS = np.geomspace(0.2, 50.0, 13)
FEWEST_VOXELS = 30
"""Voxels of a bin that is drawn."""


def save_figures(study: Study, folder: Path) -> list[str]:
    """Draw every figure.

    Parameters
    ----------
    study : Study
        Results.
    folder : Path
        Receives the PNG files.

    Returns
    -------
    list of str
        Names of the files.
    """
    domains = list(dict.fromkeys(row.domain for row in study.scores))
    files: dict[str, Drawing | None] = {
        f"uncertainty_{_file(domain)}.png": _domain_figure(study, domain) for domain in domains if domain != ALL_SHIFTS
    }
    files |= {
        "error_left.png": _error_left_figure(study),
        "regression.png": _regression_figure(study),
        "phantom.png": _phantom_figure(study),
    }
    for name, drawing in files.items():
        if drawing is not None:
            (folder / name).write_bytes(drawing.picture(name, "").png)
    return [name for name, drawing in files.items() if drawing is not None]


def _file(domain: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in domain)


def _colours(study: Study) -> dict[str, tuple[str, str]]:
    """Colour and line style of each system that was run; those of this project are black."""
    ours = {OURS: ("#000000", "-"), CORRECTED: ("#000000", "-."), ONE_SHOT: ("#000000", "--")}
    names = [s.name for s in study.systems if s.estimate is not None and s.name not in ours]
    styles = {name: (COLOURS[k % len(COLOURS)], "-" if k < len(COLOURS) else "--") for k, name in enumerate(names)}
    return ours | styles


def _error_left_figure(study: Study) -> Drawing:
    drawing = Drawing(1, 1, 7.4, 4.6)
    axes = drawing.axes[0, 0]
    _draw_error_left(axes, study, ALL_SHIFTS)
    style_axes(
        axes,
        f"{len(study.plan.shifts)} shifts out of the domain of the training, together",
        "area kept, surest first (%)",
        "mean PDFF error left (points)",
    )
    axes.legend(fontsize=7, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return drawing


def _draw_error_left(axes: Axes, study: Study, domain: str) -> None:
    for name, (colour, style) in _colours(study).items():
        voxels = study.voxels.get((name, domain))
        if voxels is None:
            continue
        width = 2.4 if name == OURS else 1.4
        if voxels.score is None:
            label = f"{name}: {voxels.error.mean():.1f}, states none"
            axes.plot(100, voxels.error.mean(), "o", color=colour, fillstyle="full" if style == "-" else "none", label=label)
            continue
        line = error_left(voxels.error, voxels.score)
        label = f"{name}: {line[0]:.1f} to {np.interp(0.5, KEPT[::-1], line[::-1]):.2f} at 50 %"
        axes.plot(100 * KEPT, line, style, color=colour, linewidth=width, label=label)
    ours = study.voxels.get((OURS, domain))
    if ours is not None:
        oracle = np.maximum(error_left(ours.error, ours.error), 1e-2)
        axes.plot(100 * KEPT, oracle, ":", color="#000000", linewidth=1, label=f"{OURS}, oracle that knows the errors")
    axes.set_yscale("log")
    _plain_ticks(axes.yaxis)
    axes.set_ylim(bottom=0.1)
    axes.set_xlim(0, 103)


def _domain_figure(study: Study, domain: str) -> Drawing:
    drawing = Drawing(1, 2, 5.0, 4.4)
    left, right = drawing.axes[0]
    _draw_error_left(left, study, domain)
    style_axes(left, f"{domain}: error left", "area kept, surest first (%)", "mean PDFF error left (points)")
    for name, (colour, style) in _colours(study).items():
        voxels = study.voxels.get((name, domain))
        if voxels is not None and voxels.sd is not None:
            right.plot(*_by_stated_sd(voxels), style, marker="o", markersize=3, color=colour, label=name)
    right.plot([0.2, 50], [0.2, 50], color="#888888", linewidth=0.8)
    style_axes(right, "error against stated SD", "stated SD (points)", "root mean square error (points)")
    use_log_axes(right)
    legend_below(drawing, left, 2)
    return drawing


def _by_stated_sd(voxels: VoxelErrors) -> tuple[list[float], list[float]]:
    """Mean stated SD and root mean square error of the voxels of each bin of the SD."""
    assert voxels.sd is not None
    sd, found = np.clip(voxels.sd, SD_BINS[0], SD_BINS[-1] * 0.999), ([], [])  # type: ignore[var-annotated]
    index = np.digitize(sd, SD_BINS)
    for k in range(1, len(SD_BINS)):
        inside = index == k
        if inside.sum() >= FEWEST_VOXELS:
            found[0].append(float(np.sqrt((sd[inside] ** 2).mean())))
            found[1].append(float(np.sqrt((voxels.error[inside] ** 2).mean())))
    return found


def _regression_figure(study: Study) -> Drawing | None:
    names = list(dict.fromkeys(p.system for p in study.regions))
    if not names:
        return None
    domains = list(dict.fromkeys(p.domain for p in study.regions))
    drawing = Drawing(2, len(names), 2.9, 2.7, sharey="col")
    for k, name in enumerate(names):
        points = [p for p in study.regions if p.system == name]
        fit = regression(points)
        for row, field, label in ((0, "error", "|error of the median| (points)"), (1, "iqr", "interquartile range (points)")):
            axes = drawing.axes[row, k]
            for number, domain in enumerate(domains):
                mine = [p for p in points if p.domain == domain]
                x = [max(getattr(p, field), 1e-2) for p in mine]
                colour = ("#000000", *COLOURS, "#999933")[number % (len(COLOURS) + 2)]
                axes.plot(x, [p.variance for p in mine], "o", markersize=2.5, color=colour, label=domain)
            axes.loglog()
            for axis in (axes.xaxis, axes.yaxis):
                _plain_ticks(axis, (1,) if row == 0 else (1, 3))
            title = f"{name}\nR² {fit.r_squared:.2f}, p {fit.p_value:.1g}, ranks {fit.rank_correlation:.2f}" if row == 0 else ""
            style_axes(axes, title, label, "stated variance (points²)" if k == 0 else "")
    legend_below(drawing, drawing.axes[0, 0], 5)
    return drawing


def _phantom_figure(study: Study) -> Drawing:
    conditions = [*(f"{PHANTOM}, {name}" for name in study.plan.noise), ROOM]
    drawing = Drawing(-(-len(conditions) // 2), 2, 4.6, 3.1)
    for axes, condition in zip(drawing.axes.ravel(), conditions, strict=True):
        for name, (colour, style) in _colours(study).items():
            if not any(row.system == name for row in study.vials):
                continue
            rows = _finite([row for row in study.vials if (row.system, row.condition) == (name, condition)])
            width = 2.2 if name == OURS else 1.1
            line = [row.bias for row in rows]
            axes.plot(
                [row.truth for row in rows], line, style, marker="o", markersize=3, linewidth=width, color=colour, label=name
            )
        axes.axhline(0, color="#888888", linewidth=0.8)
        axes.set_yscale("symlog", linthresh=2)
        axes.yaxis.set_major_formatter("{x:g}")
        style_axes(axes, condition, "true PDFF (%)", "bias (points)")
    legend_below(drawing, drawing.axes[0, 0], 4)
    return drawing


def _plain_ticks(axis: Axis, at: Sequence[int] = (1, 2, 5)) -> None:
    """Label a logarithmic axis with plain numbers at these multiples of powers of ten."""
    axis.set_major_locator(LogLocator(subs=at))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def _finite(rows: Sequence[PartError]) -> list[PartError]:
    return sorted((row for row in rows if np.isfinite(row.bias)), key=lambda row: row.truth)
