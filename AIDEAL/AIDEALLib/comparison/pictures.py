"""Pictures of a comparison: agreement of the regions, and both visits with their difference."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .compare import Comparison

INK, GRID, OUTSIDE = "#222222", "#dddddd", "#2b2e34"
CHANGED, WITHIN = "#ee6677", "#4477aa"
PDFF_WINDOW, DIFFERENCE_WINDOW = (0.0, 40.0), (-15.0, 15.0)


def agreement_png(comparison: Comparison) -> bytes:
    """Difference of each region against its mean, with intervals and the band of repeated scans, as PNG."""
    figure, axes = _figure(7.0, 4.4)
    band = comparison.repeatability.points
    axes.axhspan(-band, band, color=GRID, alpha=0.6, zorder=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    listed = [c for c in comparison.changes if np.isfinite(c.change)]
    for change in listed:
        place = (change.baseline + change.follow_up) / 2
        colour = CHANGED if change.beyond_repeatability else WITHIN
        error = max(change.upper - change.change, 0.0)
        axes.errorbar(place, change.change, yerr=error, fmt="o", color=colour, capsize=3, markersize=5)
    highest = max([band, *(abs(c.change) for c in listed)]) * 1.25
    axes.set_ylim(-highest, highest)
    _label(axes, [((c.baseline + c.follow_up) / 2, c.change, c.name) for c in listed], highest)
    axes.set_xlabel("mean of both visits (% PDFF)")
    axes.set_ylabel("follow-up minus baseline (points)")
    axes.set_title(f"Change of each region; grey: repeated scans differ by up to {band:.2f} points", fontsize=10)
    axes.grid(True, color=GRID, linewidth=0.5)
    axes.set_axisbelow(True)
    return _png(figure)


def slices_png(comparison: Comparison) -> bytes:
    """PDFF of both visits and their difference, on the slice with most of the liver, as PNG."""
    baseline = comparison.visits[0]
    liver = baseline.liver if baseline.liver.any() else baseline.maps.mask
    index = int(np.argmax(liver.sum(axis=(1, 2))))
    spacing = baseline.maps.geometry.spacing_mm
    inside = baseline.maps.mask[index]
    part = _box(inside)
    figure, axes = _figure(12.6, 3.7, 3)
    before, after = (np.where(inside, pdff[index], np.nan) for pdff in (baseline.maps.pdff, comparison.follow_up_pdff))
    shown = (
        _Image(before[part], "Baseline", PDFF_WINDOW, "viridis", "PDFF (%)"),
        _Image(after[part], "Follow-up, moved", PDFF_WINDOW, "viridis", "PDFF (%)"),
        _Image(comparison.difference[index][part], "Follow-up minus baseline", DIFFERENCE_WINDOW, "RdBu_r", "points"),
    )
    for one, image in zip(axes, shown, strict=True):
        _show(figure, one, image, spacing[1] / spacing[0])
        if liver is not baseline.maps.mask:
            one.contour(liver[index][part], levels=[0.5], colors="white", linewidths=0.9)
    figure.suptitle(f"Slice {index + 1} of {baseline.maps.mask.shape[0]}; white: liver at baseline", fontsize=10)
    return _png(figure)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, facecolor="white")
    figure.set_layout_engine("constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns)


def _label(axes: Axes, places: list[tuple[float, float, str]], highest: float) -> None:
    """Names beside the points, moved apart where they would lie on each other."""
    last = -np.inf
    for x, y, name in sorted(places, key=lambda place: place[1]):
        height = max(y, last + 0.075 * highest)
        axes.annotate(
            name,
            (x, y),
            xytext=(1.02, height),
            textcoords=axes.get_yaxis_transform(),
            fontsize=8,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "#bbbbbb", "linewidth": 0.6},
        )
        last = height


@dataclass(frozen=True, eq=False)
class _Image:
    values: npt.NDArray[Any]
    title: str
    window: tuple[float, float]
    colours: str
    unit: str


def _show(figure: Figure, axes: Axes, image: _Image, aspect: float) -> None:
    from matplotlib import colormaps

    colour_map = colormaps[image.colours].with_extremes(bad=OUTSIDE)
    low, high = image.window
    values = np.ma.masked_invalid(image.values)
    picture = axes.imshow(values, cmap=colour_map, vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
    axes.set_title(image.title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
    bar = figure.colorbar(picture, ax=axes, shrink=0.85, pad=0.02)
    bar.set_label(image.unit, fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _box(inside: npt.NDArray[np.bool_], margin: int = 3) -> tuple[slice, slice]:
    found = []
    for axis, size in enumerate(inside.shape):
        filled = np.flatnonzero(inside.any(axis=1 - axis))
        ends = (int(filled[0]), int(filled[-1])) if filled.size else (0, size)
        found.append(slice(max(ends[0] - margin, 0), min(ends[1] + margin + 1, size)))
    return found[0], found[1]


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
