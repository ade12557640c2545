"""One style for the pictures of the report."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e07b00", "#555555")
"""Eight colours told apart by people with any colour vision (after Paul Tol)."""
DOTS_PER_INCH = 110
INK, GRID, OUTSIDE = "#222222", "#dddddd", "#2b2e34"


@dataclass(frozen=True)
class Picture:
    """A picture of the report: name of its file, caption, PNG."""

    name: str
    caption: str
    png: bytes


class Drawing:
    """A figure with a grid of axes, drawn without any window.

    `axes` is (row, column). `picture` ends the drawing.
    """

    def __init__(self, rows: int, columns: int, width: float, height: float, **options: Any) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure: Figure = Figure(figsize=(width * columns, height * rows), dpi=DOTS_PER_INCH, facecolor="white")
        self.figure.set_layout_engine("constrained")
        FigureCanvasAgg(self.figure)
        self.axes: npt.NDArray[Any] = self.figure.subplots(rows, columns, squeeze=False, **options)

    def picture(self, name: str, caption: str) -> Picture:
        """The PNG."""
        stream = io.BytesIO()
        self.figure.savefig(stream, format="png", metadata={"Software": None})
        return Picture(name, caption, stream.getvalue())


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Title, labels with units, a faint grid."""
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def logarithmic(axes: Axes) -> None:
    """Both axes logarithmic, with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.loglog()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def legend_below(drawing: Drawing, source: Axes, columns: int) -> None:
    """One legend for all axes, under them."""
    handles, labels = source.get_legend_handles_labels()
    drawing.figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


def show_map(
    drawing: Drawing,
    axes: Axes,
    image: npt.NDArray[Any],
    title: str,
    window: tuple[float, float],
    colours: str,
    unit: str,
    aspect: float | Literal["auto"] = 1.0,
) -> None:
    """An image (row, column) in its window, NaN dark, with a colour bar where it has a unit."""
    from matplotlib import colormaps

    colour_map = colormaps[colours].with_extremes(bad=OUTSIDE)
    shown = axes.imshow(
        np.ma.masked_invalid(image), cmap=colour_map, vmin=window[0], vmax=window[1], aspect=aspect, interpolation="nearest"
    )
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    if unit:
        bar = drawing.figure.colorbar(shown, ax=axes, shrink=0.8, pad=0.02)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(unit, fontsize=8)


def cropped(inside: npt.NDArray[np.bool_], margin: int = 3) -> tuple[slice, slice]:
    """The part of an image (row, column) that True voxels fill, with a margin."""
    found = []
    for axis, size in enumerate(inside.shape):
        filled = np.flatnonzero(inside.any(axis=1 - axis))
        ends = (int(filled[0]), int(filled[-1])) if filled.size else (0, size)
        found.append(slice(max(ends[0] - margin, 0), min(ends[1] + margin + 1, size)))
    return found[0], found[1]


def unused(axes: Sequence[Axes]) -> None:
    """Leave axes empty."""
    for one in axes:
        one.set_axis_off()
