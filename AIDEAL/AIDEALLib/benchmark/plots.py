"""Plots of the benchmark: accuracy against time, agreement with the truth, scaling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, NullLocator

from ..validation.files import written_whole
from .scaling_row import LARGE
from .summary import MethodSummary

if TYPE_CHECKING:
    from .run import Results
    from .scaling_row import ScalingRow

FLOOR_PERCENT = 0.01
"""Smaller shares of swaps are drawn here: the axis is logarithmic."""


def save_accuracy_and_time(rows: Sequence[MethodSummary], path: Path) -> None:
    """Plot mean absolute error and swapped liver against seconds per slice; lower left is better."""
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    errors, swaps = figure.subplots(1, 2)
    shown = [r for r in rows if math.isfinite(r.seconds_per_slice)]
    middle = math.sqrt(min(r.seconds_per_slice for r in shown) * max(r.seconds_per_slice for r in shown))
    for axes, values in (
        (errors, [r.absolute_error for r in shown]),
        (swaps, [max(r.liver_swap_percent, FLOOR_PERCENT) for r in shown]),
    ):
        for number, (row, value) in enumerate(zip(shown, values, strict=True)):
            axes.plot(row.seconds_per_slice, value, "o", color=f"C{number}", markersize=8)
            slow = row.seconds_per_slice > middle  # the label of a slow method fits on its left only
            axes.annotate(
                row.method,
                (row.seconds_per_slice, value),
                xytext=(-6 if slow else 6, 5),
                textcoords="offset points",
                horizontalalignment="right" if slow else "left",
                fontsize=8,
            )
        axes.set(xscale="log", xlabel="Seconds per slice")
        axes.margins(x=0.15, y=0.15)
        axes.grid(alpha=0.3, which="both")
        axes.xaxis.set_minor_formatter(NullFormatter())
    errors.set_ylabel("Mean absolute error of PDFF, liver (points)")
    errors.set_ylim(0, 1.15 * max(r.absolute_error for r in shown))
    swaps.set(yscale="log", ylabel=f"Swapped liver (%; {FLOOR_PERCENT} or less at the bottom)")
    swaps.set_ylim(bottom=0.7 * FLOOR_PERCENT)
    _save(figure, path)


def save_bland_altman(results: Results, path: Path) -> None:
    """Plot estimated minus true median PDFF of square regions against their mean, one panel per method."""
    methods = results.complete
    columns = min(4, len(methods))
    lines = -(-len(methods) // columns)
    figure = Figure(figsize=(3.4 * columns, 3.0 * lines), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)).ravel()
    for axes, name in zip(panels, methods, strict=False):
        pairs = np.array([pair for s in results.scores if s.method == name for pair in s.rois]).reshape(-1, 2)
        difference = pairs[:, 1] - pairs[:, 0]
        axes.plot(pairs.mean(1), difference, ".", alpha=0.8)
        if difference.size > 1:
            mean, spread = difference.mean(), 1.96 * difference.std(ddof=1)
            for level, style in ((mean, "-"), (mean - spread, "--"), (mean + spread, "--")):
                axes.axhline(level, color="0.3", linestyle=style, linewidth=1)
            axes.set_title(f"{name}\n{mean:+.2f}, 1.96 SD {spread:.2f}", fontsize=9)
        axes.set_yscale("symlog", linthresh=2)
        axes.grid(alpha=0.3)
    for axes in panels[len(methods) :]:
        axes.set_axis_off()
    figure.supxlabel("Mean of estimated and true PDFF (%)")
    figure.supylabel("Estimated minus true (points; linear within 2)")
    _save(figure, path)


def save_scaling(rows: Sequence[ScalingRow], path: Path) -> None:
    """Plot seconds per slice (top) and memory (bottom), one column per varied parameter."""
    rows = [r for r in rows if not r.note and r.varied != LARGE]
    kinds = list(dict.fromkeys(r.varied for r in rows))
    if not kinds:
        return
    figure = Figure(figsize=(3.2 * len(kinds), 5.6), layout="constrained")
    panels = figure.subplots(2, len(kinds), squeeze=False, sharex="col", sharey="row")
    for column, kind in enumerate(kinds):
        for number, name in enumerate(dict.fromkeys(r.method for r in rows)):
            mine = [r for r in rows if (r.method, r.varied) == (name, kind)]
            values = [r.value for r in mine]
            panels[0, column].plot(values, [r.seconds_per_slice for r in mine], "o-", color=f"C{number}", label=name)
            panels[1, column].plot(values, [r.peak_mib for r in mine], "o-", color=f"C{number}")
        ticks = sorted({r.value for r in rows if r.varied == kind})
        for axes in panels[:, column]:
            axes.set(xscale="log", xticks=ticks, xticklabels=[str(t) for t in ticks])
            axes.xaxis.set_minor_locator(NullLocator())
            axes.grid(alpha=0.3)
        panels[1, column].set_xlabel(kind)
    panels[0, 0].set(yscale="log", ylabel="Seconds per slice")
    panels[1, 0].set_ylabel("Memory of the process (MiB)")
    panels[0, 0].legend(fontsize=7)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with written_whole(path) as partial:
        figure.savefig(partial, dpi=130, format="png")
