"""Figures of a cohort as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...escaping import for_figure
from ...statistics import bland_altman
from .prevalence import Prevalence
from .values import Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, GRID, POINTS, OTHER = "#222222", "#dddddd", "#0072B2", "#D55E00"
Pair = tuple[Value, Value]


def differences_png(pairs: Sequence[Pair], errors: tuple[float, float]) -> bytes:
    """Bland-Altman plot: difference of each pair against its mean, with bias and limits and their intervals.

    Parameters
    ----------
    pairs : sequence of pair of Value
        Values; the second minus the first is shown.
    errors : tuple of float
        Half-widths of the 95 % intervals of bias and limits.

    Returns
    -------
    bytes
        PNG.
    """
    before, after = (np.array([pair[n].pdff for pair in pairs]) for n in (0, 1))
    agreement = bland_altman(after, before)
    figure, axes = _figure()
    for value, half, style in (
        (agreement.bias, errors[0], "-"),
        (agreement.lower_limit, errors[1], "--"),
        (agreement.upper_limit, errors[1], "--"),
    ):
        axes.axhspan(value - half, value + half, color=POINTS, alpha=0.12, linewidth=0)
        axes.axhline(value, color=INK, linestyle=style, linewidth=1.0)
        axes.annotate(
            f"{value:+.2f}", (1.0, value), xycoords=("axes fraction", "data"), xytext=(3, -3), textcoords="offset points"
        )
    axes.axhline(0, color=INK, linewidth=0.4)
    axes.plot((before + after) / 2, after - before, "o", color=POINTS, markersize=3.5, alpha=0.6)
    axes.set_xlabel("mean of both (% PDFF)")
    axes.set_ylabel("second minus first (points)")
    return _png(figure)


def prevalence_png(found: Sequence[Prevalence]) -> bytes:
    """Share of participants from each grade on, by study: both intervals, and what the estimates alone count."""
    figure, axes = _figure()
    studies = list(dict.fromkeys(entry.study for entry in found))
    for entry in found:
        place = entry.grade + 0.22 * (studies.index(entry.study) - (len(studies) - 1) / 2)
        colour = (POINTS, OTHER)[studies.index(entry.study) % 2]
        axes.plot((place, place), (100 * entry.low, 100 * entry.high), color=colour, linewidth=1.2)
        axes.plot((place, place), (100 * entry.measured_low, 100 * entry.measured_high), color=colour, linewidth=6, alpha=0.45)
        axes.plot(place, 100 * entry.expected, "o", color=colour, markersize=5)
        axes.plot(place, 100 * entry.counted, "x", color=INK, markersize=6)
        axes.annotate(f"{entry.cutoff:g} %", (place, 100 * entry.high), xytext=(0, 3), textcoords="offset points", ha="center")
    axes.set_xticks((1, 2, 3), ("S1 or more", "S2 or more", "S3"))
    axes.set_xlim(0.5, 3.5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("participants (%)")
    handles = [axes.plot([], [], "o", color=(POINTS, OTHER)[n % 2])[0] for n in range(len(studies))]
    handles.append(axes.plot([], [], "x", color=INK)[0])
    axes.legend(handles, [*map(for_figure, studies), "counted by the estimates"], fontsize=8)
    return _png(figure)


def _figure() -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.grid(True, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    return figure, axes


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
