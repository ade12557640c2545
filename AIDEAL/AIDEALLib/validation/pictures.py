"""Style of the pictures of the report."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#e07b00", "#555555")
"""Eight colours that people with any colour vision can distinguish (after Paul Tol)."""
DOTS_PER_INCH = 110
INK, GRID, OUTSIDE = "#222222", "#dddddd", "#2b2e34"


@dataclass(frozen=True)
class Picture:
    """A picture of the report.

    Attributes
    ----------
    name : str
        Name of its file, without suffix.
    caption : str
        Caption.
    png : bytes
        The image.
    """

    name: str
    caption: str
    png: bytes


class Drawing:
    """A figure with a grid of axes, drawn without a window.

    Parameters
    ----------
    rows : int
        Rows of axes.
    columns : int
        Columns of axes.
    width : float
        Width of each, inches.
    height : float
        Height of each, inches.
    **options : Any
        Options of `Figure.subplots`.

    Attributes
    ----------
    figure : Figure
        The figure.
    axes : numpy.ndarray, shape (row, column)
        The axes.
    """

    def __init__(self, rows: int, columns: int, width: float, height: float, **options: Any) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.figure: Figure = Figure(figsize=(width * columns, height * rows), dpi=DOTS_PER_INCH, facecolor="white")
        self.figure.set_layout_engine("constrained")
        FigureCanvasAgg(self.figure)
        self.axes: npt.NDArray[Any] = self.figure.subplots(rows, columns, squeeze=False, **options)

    def picture(self, name: str, caption: str) -> Picture:
        """Render the figure."""
        stream = io.BytesIO()
        self.figure.savefig(stream, format="png", metadata={"Software": None})
        return Picture(name, caption, stream.getvalue())


def style_axes(axes: Axes, title: str, x: str, y: str) -> None:
    """Set title, labels and a faint grid.

    Parameters
    ----------
    axes : Axes
        Axes to style.
    title : str
        Title.
    x : str
        Horizontal label with unit.
    y : str
        Vertical label with unit.
    """
    axes.set_title(title, fontsize=10, color=INK)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(True, color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def use_log_axes(axes: Axes) -> None:
    """Make both axes logarithmic, labelled with plain numbers."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.loglog()
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())


def legend_below(drawing: Drawing, source: Axes, columns: int) -> None:
    """Draw one legend below all axes.

    Parameters
    ----------
    drawing : Drawing
        The figure.
    source : Axes
        Axes whose lines are named.
    columns : int
        Columns of the legend.
    """
    handles, labels = source.get_legend_handles_labels()
    drawing.figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize=8, frameon=False)


@dataclass(frozen=True)
class ColourScale:
    """Colours of a map.

    Attributes
    ----------
    low : float
        Value of the first colour.
    high : float
        Value of the last colour.
    colours : str
        Colour map of matplotlib.
    unit : str
        Label of the colour bar; no bar where empty.
    """

    low: float
    high: float
    colours: str
    unit: str = ""


PDFF_SCALE = ColourScale(0.0, 100.0, "viridis", "%")
SWAP_SCALE = ColourScale(0.0, 0.5, "plasma", "probability")


def show_map(
    drawing: Drawing,
    axes: Axes,
    image: npt.NDArray[Any],
    title: str,
    scale: ColourScale,
    aspect: float | Literal["auto"] = 1.0,
) -> None:
    """Draw an image; NaN is dark.

    Parameters
    ----------
    drawing : Drawing
        The figure.
    axes : Axes
        Axes of the image.
    image : numpy.ndarray, shape (row, column)
        Values.
    title : str
        Title.
    scale : ColourScale
        Colours.
    aspect : float or 'auto'
        Height of a pixel over its width; 'auto' fills the axes.
    """
    from matplotlib import colormaps

    colour_map = colormaps[scale.colours].with_extremes(bad=OUTSIDE)
    drawn = axes.imshow(
        np.ma.masked_invalid(image), cmap=colour_map, vmin=scale.low, vmax=scale.high, aspect=aspect, interpolation="nearest"
    )
    axes.set_title(title, fontsize=9, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])
    if scale.unit:
        bar = drawing.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02)
        bar.ax.tick_params(labelsize=7)
        bar.set_label(scale.unit, fontsize=8)


def cropped(inside: npt.NDArray[np.bool_], margin: int = 3) -> tuple[slice, slice]:
    """Rows and columns of an image that contain True, with a margin in pixels."""
    bounds = []
    for axis, size in enumerate(inside.shape):
        filled = np.flatnonzero(inside.any(axis=1 - axis))
        ends = (int(filled[0]), int(filled[-1])) if filled.size else (0, size)
        bounds.append(slice(max(ends[0] - margin, 0), min(ends[1] + margin + 1, size)))
    return bounds[0], bounds[1]
