"""Pictures of a report: slices with outlines, histograms, the fit of a voxel."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..io.output.dicom.content import Region
from ..io.output.overview import axes_at
from ..parameter_maps import MAP_INFO
from .content import ReportContent
from .fit import voxel_fit
from .places import bounding_box, dome_slice, middle_slice, typical_voxel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#CC79A7", "#D55E00", "#0072B2", "#FFFFFF")
"""Of the outlines: eight that colour-blind readers can tell apart (Okabe and Ito), the dark one of them white."""
MOST_REGIONS = 8
SHOWN: tuple[tuple[str, str], ...] = (("pdff", "viridis"), ("pdff_total_sd", "magma"))
OUTSIDE = "#2b2e34"
PANEL_INCHES, BAR_INCHES, TITLE_INCHES, FOOT_INCHES = 4.0, 0.6, 0.3, 0.08
"""Width of a picture, of the room for its colour bar, height of its title, and of the room below."""
METADATA = {"Software": None}


@dataclass(frozen=True)
class Picture:
    """A picture with its caption.

    Attributes
    ----------
    caption : str
        What it shows.
    png : bytes
        The file.
    """

    caption: str
    png: bytes


def region_pictures(content: ReportContent) -> list[Picture]:
    """Middle slice and dome of each region, PDFF beside its SD, with the outlines of all regions."""
    made = []
    for region in content.shown[:MOST_REGIONS]:
        dome = dome_slice(region.mask, content.maps.geometry)
        slices = [middle_slice(region.mask), *([dome] if dome is not None else [])]
        words = f"slice {slices[0] + 1} through its middle" + (f" and slice {dome + 1}, its dome" if dome is not None else "")
        made.append(Picture(f"{region.name}: {words}", slices_png(content, slices, region)))
    return made


def slices_png(content: ReportContent, slices: Sequence[int], region: Region | None, dpi: int = 80) -> bytes:
    """PDFF and its SD in slices, with outlines.

    Parameters
    ----------
    content : ReportContent
        What is reported.
    slices : sequence of int
        Numbers of the slices, from 0.
    region : Region or None
        Outlined in bold.
    dpi : int
        Resolution.

    Returns
    -------
    bytes
        PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    window = bounding_box(content.maps.mask)
    column_mm, row_mm, _ = content.maps.geometry.spacing_mm
    shape = content.maps.mask[0][window].shape
    ratio = shape[0] * row_mm / (shape[1] * column_mm)
    height = PANEL_INCHES * ratio
    page = (2 * (PANEL_INCHES + BAR_INCHES), len(slices) * (height + TITLE_INCHES) + FOOT_INCHES)
    figure = Figure(figsize=page, dpi=dpi)
    FigureCanvasAgg(figure)
    for row, index in enumerate(slices):
        bottom = page[1] - (row + 1) * (height + TITLE_INCHES)
        for column, shown in enumerate(SHOWN):
            left = column * (PANEL_INCHES + BAR_INCHES)
            image = axes_at(figure, (left, bottom, PANEL_INCHES, height))
            bar = axes_at(figure, (left + PANEL_INCHES + 0.08, bottom, 0.12, height))
            _panel(figure, (image, bar), content, shown, (index, *window))
            _outlines(image, content, region, (index, *window))
    _legend(figure.axes[0], content)
    return _png(figure)


def histogram_png(content: ReportContent) -> bytes | None:
    """PDFF of each region with its mean and the interval of the mean; None without regions."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    regions = [region for region in content.shown if region.statistics.used_voxels > 1][:MOST_REGIONS]
    if not regions:
        return None
    figure = Figure(figsize=(9.2, 0.4 + 1.3 * len(regions)), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    values = [content.maps.pdff[region.mask & content.maps.mask] for region in regions]
    low, high = np.percentile(np.concatenate(values), (0.5, 99.5))
    bins = np.linspace(min(low, 0.0), max(high, 20.0), 60)
    for one, region, found in zip(
        figure.subplots(len(regions), 1, squeeze=False, sharex=True)[:, 0], regions, values, strict=True
    ):
        interval = region.statistics.reported_low, region.statistics.reported_high
        if np.all(np.isfinite(interval)):
            one.axvspan(*interval, color="#56B4E9", alpha=0.35, linewidth=0, label="95 % interval")
        one.hist(found, bins=bins, color="#444444")
        one.axvline(region.statistics.reported, color="#D55E00", linewidth=1.5, label="reported PDFF")
        one.set_yticks([])
        one.set_ylabel(region.name, rotation=0, ha="right", va="center", fontsize=9)
        one.set_xlim(bins[0], bins[-1])
    figure.axes[-1].set_xlabel("PDFF (%)")
    figure.axes[0].legend(fontsize=8, frameon=False, loc="upper right")
    return _png(figure)


def fit_picture(content: ReportContent, region: Region) -> Picture | None:
    """Echoes and fit of a typical voxel of a region; None where there is none."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    voxel = typical_voxel(content.maps, region.mask)
    fit = None if voxel is None else voxel_fit(content.series, content.maps, voxel)
    if fit is None or voxel is None:
        return None
    figure = Figure(figsize=(6.4, 3.0), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.fill_between(1000 * fit.time_s, fit.lower, fit.upper, color="#56B4E9", alpha=0.35, linewidth=0, label="95 %")
    axes.plot(1000 * fit.time_s, fit.fitted, color="#0072B2", label="fit")
    axes.plot(1000 * fit.te_s, fit.measured, "o", color="#D55E00", label="measured")
    axes.set_xlabel("Time (ms)")
    axes.set_ylabel("Magnitude")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=8, frameon=False)
    place = f"slice {voxel[0] + 1}, row {voxel[1]}, column {voxel[2]}"
    maps = content.maps
    caption = (
        f"Fit of a typical voxel of {region.name} ({place}): PDFF {maps.pdff[voxel]:.1f} ± {maps.pdff_total_sd[voxel]:.1f} %, "
        f"R2* {maps.r2star[voxel]:.0f} 1/s, residual {fit.residual_percent:.1f} %"
    )
    return Picture(caption, _png(figure))


def _panel(
    figure: Figure,
    axes: tuple[Axes, Axes],
    content: ReportContent,
    shown: tuple[str, str],
    place: tuple[int, slice, slice],
) -> None:
    from matplotlib import colormaps

    (name, colours), (image, bar) = shown, axes
    info = MAP_INFO[name]
    low, high = info.window or (0.0, 1.0)
    values = np.ma.masked_where(~content.maps.mask[place], getattr(content.maps, name)[place])
    colour_map = colormaps[colours].with_extremes(bad=OUTSIDE)
    picture = image.imshow(values, cmap=colour_map, vmin=low, vmax=high, aspect="auto", interpolation="nearest")
    image.set_title(f"{info.title} ({info.unit}), slice {place[0] + 1}", fontsize=10)
    image.set_xticks([])
    image.set_yticks([])
    figure.colorbar(picture, cax=bar).ax.tick_params(labelsize=8)


def _outlines(axes: Axes, content: ReportContent, bold: Region | None, place: tuple[int, slice, slice]) -> None:
    numbered = sorted(enumerate(content.shown[:MOST_REGIONS]), key=lambda entry: -int(entry[1].mask.sum()))
    for number, region in sorted(numbered, key=lambda entry: bold is None or entry[1].name != bold.name):
        mask = region.mask[place]
        if mask.any():
            width = 2.5 if bold is not None and region.name == bold.name else 0.9
            rows, columns = _edges(mask)
            axes.plot(columns, rows, color=COLOURS[number], linewidth=width, solid_capstyle="butt")


def _edges(mask: npt.NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    """Lines along the edges of voxels: rows and columns of their ends, separated by gaps."""
    padded = np.pad(mask, 1)
    across = np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1])
    down = np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1])
    gap = np.nan
    rows = [v for r, _ in across for v in (r - 0.5, r - 0.5, gap)] + [v for r, _ in down for v in (r - 0.5, r + 0.5, gap)]
    columns = [v for _, c in across for v in (c - 0.5, c + 0.5, gap)] + [v for _, c in down for v in (c - 0.5, c - 0.5, gap)]
    return rows, columns


def _legend(axes: Axes, content: ReportContent) -> None:
    from matplotlib.lines import Line2D

    named = [region.name for region in content.shown[:MOST_REGIONS]]
    lines = [Line2D([], [], color=colour, linewidth=2) for colour, _ in zip(COLOURS, named, strict=False)]
    axes.legend(lines, named, fontsize=7, loc="lower left", facecolor="#14161a", labelcolor="#f2f2f2", framealpha=0.7)


def _png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata=METADATA)
    return stream.getvalue()
