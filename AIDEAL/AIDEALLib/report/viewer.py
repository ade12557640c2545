"""`viewer.html`: scroll through a result in a browser, one file without a network."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..parameter_maps import MAP_INFO
from ..statistics import LowConfidence
from ..stopwatch import timed
from .content import ReportContent
from .fit import protocol_of
from .pictures import COLOURS
from .places import bounding_box, middle_slice
from .sentences import protocol
from .templating import encoded, render

LARGEST_BYTES = 15_000_000
"""Largest page; beyond it echoes are left out, and the page states so."""
COMPRESSION = 4
"""Level of zlib: the highest takes ten times as long and saves 3 %."""
STEPS = 32767
ECHO_STEPS, LARGEST_ECHO = 255, 1.5
"""Echoes are stored in 8 bits as a share of |water + fat| up to this one."""
_HZ_PER_T_AND_PPM = 42.577
_MAPS: dict[str, tuple[str, str, float]] = {
    "pdff": ("pdff", "viridis", 0.01),
    "sd": ("pdff_total_sd", "magma", 0.01),
    "swap": ("swap_probability", "plasma", 1e-4),
    "r2star": ("r2star", "inferno", 0.1),
}
"""Array of the page: its map, colours, and the step in which it is stored."""

Array = npt.NDArray[Any]


@timed("viewer")
def save_viewer(path: Path, content: ReportContent) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
        File to write.
    content : ReportContent
        What is shown.
    """
    page = viewer_page(content, with_echoes=True)
    if len(page) > LARGEST_BYTES:
        page = viewer_page(content, with_echoes=False)
    path.write_text(page, encoding="utf-8")


def viewer_page(content: ReportContent, with_echoes: bool) -> str:
    """The page as text, with or without the measured echoes."""
    maps, window = content.maps, bounding_box(content.maps.mask)
    arrays = _arrays(content, window, with_echoes)
    main = content.main or next(iter(content.shown), None)
    limits, info = LowConfidence(), protocol_of(maps)
    regions = content.shown
    meta = {
        "shape": list(maps.mask[(slice(None), *window)].shape),
        "offset": [window[0].start or 0, window[1].start or 0],
        "spacing": list(maps.geometry.spacing_mm[:2]),
        "slice": middle_slice(main.mask) if main else len(maps.mask) // 2,
        "te_s": list(maps.provenance.te_s),
        "spectrum": {
            "hz": [p * _HZ_PER_T_AND_PPM * info.field_strength_t for p in info.ppm],
            "amplitudes": list(info.amplitudes),
        },
        "low": {"swap": limits.swap_probability, "sd": limits.total_sd_points},
        "regions": [
            {"name": r.name, "colour": COLOURS[n % len(COLOURS)], "voxels": int(r.mask.sum())} for n, r in enumerate(regions)
        ],
        "colours": {name: encoded(_colours(name)) for name in ("viridis", "magma", "plasma", "inferno", "gray")},
        "arrays": {name: described for name, (described, _) in arrays.items()},
    }
    left_out = "" if with_echoes else "The measured echoes were left out, since the page would be too large with them."
    return render(
        "viewer.html.j2",
        title=maps.provenance.source or "Scan",
        protocol=protocol(maps),
        research_use=maps.provenance.research_use,
        slices=len(maps.mask),
        maps=[{"name": name, "title": d["title"]} for name, (d, _) in arrays.items() if d["title"]],
        low_confidence=f"P(swap) above {limits.swap_probability:g} or SD above {limits.total_sd_points:g} points",
        left_out=left_out,
        meta=meta,
        arrays=[{"name": name, "data": encoded(packed)} for name, (_, packed) in arrays.items()],
    )


def _arrays(content: ReportContent, window: tuple[slice, slice], with_echoes: bool) -> dict[str, tuple[dict[str, Any], bytes]]:
    """What the page holds: description and packed values by name."""
    maps, cut = content.maps, (slice(None), *window)
    mask = maps.mask[cut]
    found: dict[str, tuple[dict[str, Any], bytes]] = {"mask": _bytes(mask.astype(np.uint8), 1.0)}
    for name, (source, colours, step) in _MAPS.items():
        info = MAP_INFO[source]
        shown = {"title": info.title, "unit": info.unit, "window": list(info.window or (0.0, 1.0)), "colours": colours}
        found[name] = _integers(getattr(maps, source)[cut], step, shown)
    total = np.nan_to_num(maps.water + maps.fat)[cut]
    largest = float(np.percentile(np.abs(total[mask]), 99.5)) if mask.any() else 1.0
    shown = {"title": "Water + fat", "unit": "a.u.", "window": [0.0, largest or 1.0], "colours": "gray"}
    found["total"] = _integers(total, float(np.abs(total).max() or 1.0) / STEPS, shown)
    if content.shown:  # a bit for each region, since they may overlap
        bits = np.packbits([region.mask[cut] for region in content.shown], axis=0, bitorder="little")
        found |= {f"regions{number}": _bytes(eight, 1.0) for number, eight in enumerate(bits)}
    if with_echoes and content.series is not None:
        amplitude = np.abs(total, dtype=np.float64)
        for number, echo in enumerate(content.series.echoes):
            share = np.zeros(mask.shape)
            np.divide(np.abs(echo[cut]) * (ECHO_STEPS / LARGEST_ECHO), amplitude, out=share, where=mask & (amplitude > 0))
            stored = np.minimum(np.round(share), ECHO_STEPS).astype(np.uint8)
            found[f"echo{number}"] = _bytes(stored, LARGEST_ECHO / ECHO_STEPS)
    return found


def _integers(values: Array, step: float, shown: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """16 bits, low bytes before high bytes."""
    finite = np.nan_to_num(values.astype(np.float64))
    stored = np.clip(np.round(finite / step), -STEPS, STEPS).astype("<i2")
    split = stored.view(np.uint8).reshape(-1, 2).T
    return {"kind": "int16", "scale": step, **shown}, zlib.compress(np.ascontiguousarray(split).tobytes(), COMPRESSION)


def _bytes(values: npt.NDArray[np.uint8], step: float) -> tuple[dict[str, Any], bytes]:
    return {"kind": "uint8", "scale": step, "title": "", "window": None}, zlib.compress(values.tobytes(), COMPRESSION)


def _colours(name: str) -> bytes:
    """256 colours as bytes."""
    from matplotlib import colormaps

    return np.round(255 * colormaps[name](np.linspace(0.0, 1.0, 256))[:, :3]).astype(np.uint8).tobytes()
