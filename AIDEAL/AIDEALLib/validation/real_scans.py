"""Real scans: pictures and stated uncertainty, since there is no truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..echoes import EchoSeries
from ..errors import InputError
from ..io.load import load_series
from ..io.naming import is_image
from ..io.output.overview import largest_slice
from ..options import RunOptions
from ..parameter_maps import ParameterMaps
from ..pipeline import run
from ..progress import Monitor
from ..statistics import LowConfidence
from .bench import Bench
from .pictures import PDFF_SCALE, SWAP_SCALE, ColourScale, Drawing, Picture, cropped, show_map
from .report import Chapter
from .tables import Column, table

KEY, TITLE = "real", "Real scans"


@dataclass(frozen=True)
class RealScan:
    """Stated uncertainty over the foreground of a scan.

    Attributes
    ----------
    scan : str
        Name of the scan.
    field_strength_t : float
        Field strength, T.
    echoes : int
        Number of echoes.
    slices : int
        Number of slices.
    voxels : int
        Voxels of the foreground.
    pdff_sd_median : float
        Median of the stated SD of PDFF, points.
    pdff_sd_95 : float
        95th percentile of the stated SD of PDFF, points.
    residual_median : float
        Median residual, percent of the signal.
    swap_above_half_percent : float
        Share of voxels with P(swap) above one half.
    low_confidence_percent : float
        Share of voxels of low confidence.
    phase : str
        Rotation sense of the phase.
    """

    scan: str
    field_strength_t: float
    echoes: int
    slices: int
    voxels: int
    pdff_sd_median: float
    pdff_sd_95: float
    residual_median: float
    swap_above_half_percent: float
    low_confidence_percent: float
    phase: str


def chapter(folder: Path | None, bench: Bench) -> Chapter:
    """Estimate each scan in `folder`, a sub-folder or file that `load_series` reads; None for no scans."""
    if folder is None or not folder.is_dir():
        return Chapter(KEY, TITLE, ("No real scans were given (--real-scans DIR).",))
    parts: list[str | Picture] = []
    rows = []
    for path in sorted(p for p in folder.iterdir() if p.is_dir() or is_image(p) or p.suffix.lower() in (".mat", ".npz")):
        try:
            series = load_series(path)
        except InputError as error:
            parts.append(f"{path.name} cannot be read: {error}")
            continue
        options, monitor = RunOptions(device=bench.device), Monitor(cancelled=bench.cancel)
        maps = run(series, options, check=False, networks=lambda _: bench.networks, monitor=monitor).maps
        rows.append(_row(path.stem, series, maps))
        parts.append(_picture(path.stem, maps))
    columns = (
        Column("Scan", "scan"),
        Column("T", "field_strength_t", ".3g"),
        Column("Echoes", "echoes"),
        Column("Slices", "slices"),
        Column("Stated SD, median", "pdff_sd_median", ".2f"),
        Column("95th percentile", "pdff_sd_95", ".2f"),
        Column("Residual, % of signal", "residual_median", ".2f"),
        Column("P(swap) above one half, %", "swap_above_half_percent", ".2f"),
        Column("Low confidence, %", "low_confidence_percent", ".1f"),
        Column("Phase", "phase"),
    )
    note = "Method refined with its defaults; over the foreground of each scan. There is no truth."
    return Chapter(KEY, TITLE, (note, table("scans", "Stated uncertainty.", rows, columns), *parts))


def _row(name: str, series: EchoSeries, maps: ParameterMaps) -> RealScan:
    inside = maps.mask
    return RealScan(
        scan=name,
        field_strength_t=series.field_strength_t,
        echoes=series.n_echoes,
        slices=series.shape[0],
        voxels=int(inside.sum()),
        pdff_sd_median=float(np.median(maps.pdff_sd[inside])),
        pdff_sd_95=float(np.percentile(maps.pdff_sd[inside], 95)),
        residual_median=float(np.median(maps.residual[inside])),
        swap_above_half_percent=float(100 * (maps.swap_probability[inside] > 0.5).mean()),
        low_confidence_percent=float(100 * LowConfidence().select(maps)[inside].mean()),
        phase=maps.provenance.phase_sign,
    )


def _picture(name: str, maps: ParameterMaps) -> Picture:
    index = largest_slice(maps.mask)
    inside = maps.mask[index]
    part = cropped(inside)
    spacing = maps.geometry.spacing_mm
    drawing = Drawing(1, 4, 3.6, 3.4)
    panels = (
        (maps.pdff, "PDFF", PDFF_SCALE),
        (maps.pdff_total_sd, "SD of PDFF (mixture)", ColourScale(0.0, 10.0, "magma", "points")),
        (maps.swap_probability, "P(swap)", SWAP_SCALE),
        (maps.residual, "Residual", ColourScale(0.0, 10.0, "cividis", "% of signal")),
    )
    for axes, (values, title, scale) in zip(drawing.axes[0], panels, strict=True):
        image = np.where(inside, values[index], np.nan)[part]
        show_map(drawing, axes, image, title, scale, spacing[1] / spacing[0])
    return drawing.picture(name, f"{name}, slice {index + 1} of {maps.mask.shape[0]}.")
