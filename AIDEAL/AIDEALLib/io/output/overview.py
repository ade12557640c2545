"""One picture of a result: magnitude, PDFF, its SD, R2*, field and swap probability of a slice."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries
from ...escaping import for_figure
from ...parameter_maps import MAP_INFO, ParameterMaps
from ...stopwatch import timed
from .staging import staged_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS: tuple[tuple[str, str], ...] = (
    ("magnitude", "gray"),
    ("pdff", "viridis"),
    ("pdff_total_sd", "magma"),
    ("r2star", "inferno"),
    ("field", "coolwarm"),
    ("swap_probability", "plasma"),
)
"""Maps in reading order, with perceptually uniform colours (diverging for the signed field)."""

PAGE, INK, FAINT, OUTSIDE = "#14161a", "#f2f2f2", "#a9adb5", "#2b2e34"
MARGIN = 0.04
PANEL_INCHES = 3.7
TITLE_INCHES, NAME_INCHES, BAR_INCHES, FOOT_INCHES = 0.75, 0.35, 1.05, 0.4
"""Room for the title, the name above a panel, the colour bar beside it with its numbers and unit, and the note below. A layout
engine of matplotlib would take a third of the time of the picture."""


@timed("overview picture")
def save_overview(
    series: EchoSeries, maps: ParameterMaps, path: str | os.PathLike[str], slice_index: int | None = None
) -> None:
    """Draw the overview of one slice as PNG (complete or not at all).

    Windows are those of `MAP_INFO`, so that pictures of different scans compare; magnitude and field scale to the slice. What
    lies outside the foreground is grey.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    maps : ParameterMaps
        Its maps, on the same grid.
    path : path
        File to write.
    slice_index : int, optional
        Slice to show; None takes the one with the largest foreground.

    Raises
    ------
    ValueError
        Scan and maps differ in shape, or there is no such slice.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    if series.shape != maps.mask.shape:
        raise ValueError(f"the scan has shape {series.shape}, its maps {maps.mask.shape}")
    index = largest_slice(maps.mask) if slice_index is None else slice_index
    if not 0 <= index < series.shape[0]:
        raise ValueError(f"there is no slice {index}; the scan has {series.shape[0]}")
    window = _bounding_box(maps.mask[index])
    mask = maps.mask[index][window]
    aspect = series.geometry.spacing_mm[1] / series.geometry.spacing_mm[0]
    ratio = mask.shape[0] * aspect / mask.shape[1]
    height = PANEL_INCHES * min(ratio, ratio**0.5)
    width = height / ratio
    page = max(3 * (width + BAR_INCHES), 9.0), TITLE_INCHES + 2 * (height + NAME_INCHES) + FOOT_INCHES
    figure = Figure(figsize=page, dpi=110, facecolor=PAGE)
    FigureCanvasAgg(figure)
    for number, (name, colours) in enumerate(PANELS):
        row, column = divmod(number, 3)
        left = (column + 0.5) * page[0] / 3 - (width + 0.8 * BAR_INCHES) / 2
        bottom = page[1] - TITLE_INCHES - (row + 1) * (height + NAME_INCHES)
        axes = axes_at(figure, (left, bottom, width, height)), axes_at(figure, (left + width + 0.1, bottom, 0.15, height))
        image = _magnitude(series, index) if name == "magnitude" else getattr(maps, name)[index]
        _panel(figure, axes, name, image[window], mask, colours)
    title = "\n".join(map(for_figure, _title(series, maps, index).split("\n")))
    figure.text(0.5, 1 - 0.12 / page[1], title, color=INK, fontsize=12, linespacing=1.5, ha="center", va="top")
    figure.text(0.5, 0.1 / page[1], maps.provenance.research_use, color=FAINT, fontsize=10, ha="center", va="bottom")
    with staged_file(path) as partial:
        figure.savefig(partial, format="png", facecolor=PAGE)


def axes_at(figure: Figure, box: tuple[float, float, float, float]) -> Axes:
    """Axes at a place in inches: left, bottom, width, height."""
    wide, high = figure.get_size_inches()
    left, bottom, width, height = box
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def largest_slice(mask: npt.NDArray[np.bool_]) -> int:
    """Index of the slice with the largest foreground; the middle one where there is none."""
    area = mask.sum(axis=(1, 2))
    return int(np.argmax(area)) if np.any(area) else mask.shape[0] // 2


def _magnitude(series: EchoSeries, index: int) -> npt.NDArray[np.float32]:
    return np.sqrt(np.mean(np.abs(series.echoes[:, index]) ** 2, axis=0, dtype=np.float32))


def _bounding_box(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Part of the slice that the foreground fills, with a small margin; all of it where there is no foreground."""
    if not np.any(mask):
        return slice(None), slice(None)
    box = []
    for axis, size in enumerate(mask.shape):
        filled = np.nonzero(mask.any(axis=1 - axis))[0]
        edge = max(2, round(MARGIN * size))
        box.append(slice(max(int(filled[0]) - edge, 0), min(int(filled[-1]) + edge + 1, size)))
    return box[0], box[1]


def _panel(
    figure: Figure, places: tuple[Axes, Axes], name: str, image: npt.NDArray[Any], mask: npt.NDArray[np.bool_], colours: str
) -> None:
    from matplotlib import colormaps

    axes, beside = places
    if name == "magnitude":
        title, unit, shown = "Magnitude (RMS of the echoes)", "a.u.", np.asarray(image)
        limits = (0.0, float(np.percentile(image, 99.5)) or 1.0)
    else:
        info = MAP_INFO[name]
        title, unit, shown = info.title, info.unit, np.ma.masked_where(~mask, image)
        limits = info.window or _symmetric(image[mask])
    colour_map = colormaps[colours].with_extremes(bad=OUTSIDE)
    picture = axes.imshow(shown, cmap=colour_map, vmin=limits[0], vmax=limits[1], aspect="auto", interpolation="nearest")
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    inside = image if name == "magnitude" else image[mask]
    bar = figure.colorbar(picture, cax=beside, extend=_extend(inside, limits))
    bar.set_label("probability" if unit == "1" else unit, color=INK, fontsize=10)
    bar.ax.tick_params(colors=INK, labelsize=9)
    bar.outline.set_visible(False)


def _symmetric(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Window around 0 that holds 99 % of the values, rounded up to 10."""
    reach = float(np.percentile(np.abs(values), 99)) if values.size else 0.0
    limit = max(10.0, 10.0 * float(np.ceil(reach / 10)))
    return -limit, limit


def _extend(values: npt.NDArray[Any], limits: tuple[float, float]) -> str:
    """Which ends of the colour bar have values beyond them."""
    if not values.size:
        return "neither"
    below, above = bool(values.min() < limits[0]), bool(values.max() > limits[1])
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def _title(series: EchoSeries, maps: ParameterMaps, index: int) -> str:
    te_ms = 1000 * series.te_s
    spacing = (
        f"step {np.diff(te_ms).mean():.3g} ms" if series.uniform_spacing else f"step {np.diff(te_ms).mean():.3g} ms on average"
    )
    place = f"slice {index + 1} of {series.shape[0]}"
    scan = f"{series.source}, {place}" if series.source else place[0].upper() + place[1:]
    protocol = f"{series.field_strength_t:.4g} T, {series.n_echoes} echoes, TE {te_ms[0]:.3g} to {te_ms[-1]:.3g} ms, {spacing}"
    return f"{scan}\n{protocol}; method {maps.provenance.method}, AIDEAL {maps.provenance.version}"
