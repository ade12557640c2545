"""What the gallery shows of a scan: a small picture, the main numbers, the worst finding."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries
from ..parameter_maps import MAP_INFO, ParameterMaps
from ..quality.findings import QualityReport, Severity
from ..report.places import bounding_box, middle_slice
from ..scan_run.folder import report_content
from ..scan_run.measured import BODY, measured_regions
from ..scan_run.run import ScanResult
from ..statistics import SegmentStatistics
from .rows import Row, row_of_scan

PICTURE = "card.jpg"
HEIGHT = 132
QUALITY = 82
OUTSIDE = (43, 46, 52)
OUTLINE = (255, 255, 255)
Array = npt.NDArray[Any]
UNITS: dict[str, str] = {"pdff": "%", "r2star": "1/s", "sd": "%", "snr": "1", "residual": "%", "swap": "1"}
"""Quantities that scans of a cohort are compared by."""


def card_of(result: ScanResult) -> tuple[dict[str, Any], list[Row], bytes]:
    """Content of a card.

    Parameters
    ----------
    result : ScanResult
        Result of a run.

    Returns
    -------
    card : dict
        Numbers and findings, in plain types.
    rows : list of Row
        Quantities of the main region for the table.
    picture : bytes
        JPEG: magnitude and PDFF of one slice.
    """
    outcome, found = result.outcome, result.saved.measured
    quality = outcome.quality or QualityReport(())
    regions = measured_regions(found)
    main = report_content(outcome, regions, found.notes).main or next(iter(r for r in regions if r.mask.any()), None)
    mask = outcome.maps.mask if main is None else main.mask & outcome.maps.mask
    values = _values(outcome.maps, mask, quality, main.statistics if main else None)
    card = {
        "region": main.name if main else BODY,
        "regions_withheld": {row.name: row.withheld for row in found.rows if row.number_withheld},
        "values": values,
        "low": main.statistics.reported_low if main else float("nan"),
        "high": main.statistics.reported_high if main else float("nan"),
        "chances": [getattr(main.statistics, f"chance_s{grade}") for grade in range(4)] if main else [],
        "protocol": protocol_of(outcome.series),
        "method": str(outcome.options.method),
        "findings": [{"code": f.code, "severity": f.severity.value, "sentence": f.sentence} for f in quality.findings],
        "severity": quality.findings[0].severity.value if quality.findings else "",
    }
    rows = [row_of_scan(f"main_region_{name}", value, UNITS[name]) for name, value in values.items() if np.isfinite(value)]
    rows += [row_of_scan(f"findings_{s.value}", sum(f.severity is s for f in quality.findings), "1") for s in Severity]
    return card, rows, picture(outcome.series, outcome.maps, mask)


def protocol_of(series: EchoSeries) -> str:
    """Protocol in a few words, equal for scans of one protocol."""
    te_ms = 1000 * series.te_s
    return f"{series.field_strength_t:.2g} T, {series.n_echoes} echoes, {te_ms[0]:.2f} to {te_ms[-1]:.2f} ms"


def _values(
    maps: ParameterMaps, mask: npt.NDArray[np.bool_], quality: QualityReport, row: SegmentStatistics | None
) -> dict[str, float]:
    unknown = float("nan")
    inside = bool(mask.any())
    return {
        "pdff": row.reported if row else unknown,
        "r2star": row.r2star_mean if row else unknown,
        "sd": row.stated_sd_mean if row else unknown,
        "snr": float(quality.expected.get("snr", unknown)),
        "residual": float(np.median(maps.residual[mask])) if inside else unknown,
        "swap": float(np.mean(maps.swap_probability[mask], dtype=np.float64)) if inside else unknown,
    }


def picture(series: EchoSeries, maps: ParameterMaps, mask: npt.NDArray[np.bool_]) -> bytes:
    """Magnitude of the first echo and PDFF side by side in the slice through the middle of a region, outlined.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    maps : ParameterMaps
        Its maps.
    mask : np.ndarray, shape (slice, row, column), bool
        The region.

    Returns
    -------
    bytes
        JPEG.
    """
    from PIL import Image

    index = middle_slice(mask) if mask.any() else len(mask) // 2
    rows, columns = bounding_box(maps.mask)
    magnitude = np.abs(series.echoes[0, index, rows, columns]).astype(np.float64)
    top = float(np.percentile(magnitude, 99.5)) or 1.0
    grey = np.repeat(np.clip(255 * magnitude / top, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
    coloured = _coloured(maps.pdff[index, rows, columns], maps.mask[index, rows, columns])
    column_mm, row_mm, _ = maps.geometry.spacing_mm
    width = max(1, round(HEIGHT * grey.shape[1] * column_mm / max(grey.shape[0] * row_mm, 1e-6)))
    outlined = _outlined(mask[index, rows, columns], (HEIGHT, width))
    panels = []
    for panel, resampling in ((grey, Image.Resampling.BILINEAR), (coloured, Image.Resampling.NEAREST)):
        scaled = np.asarray(Image.fromarray(panel).resize((width, HEIGHT), resampling)).copy()
        scaled[outlined] = OUTLINE
        panels.append(scaled)
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(panels, axis=1)).save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()


def _coloured(values: Array, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    from matplotlib import colormaps

    low, high = MAP_INFO["pdff"].window or (0.0, 100.0)
    colours = colormaps["viridis"](np.clip((np.nan_to_num(values) - low) / (high - low), 0, 1))[..., :3]
    return np.where(mask[..., None], np.round(255 * colours), OUTSIDE).astype(np.uint8)


def _outlined(mask: npt.NDArray[np.bool_], size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Border of a region in a picture of another size."""
    from PIL import Image
    from scipy.ndimage import binary_erosion

    large = np.asarray(Image.fromarray(mask.astype(np.uint8) * 255).resize(size[::-1], Image.Resampling.NEAREST)) > 0
    return np.asarray(large & ~binary_erosion(large), bool)
