"""A scan in a folder, as processes of this package hand it to each other: `.npy` and JSON, nothing that runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ..choices import Readout
from ..echoes import EchoSeries, Geometry, PhaseSign

SERIES_FILE, ECHOES_FILE = "series.json", "echoes.npy"


def write_series(series: EchoSeries, folder: Path) -> None:
    """Write a scan into a folder."""
    np.save(folder / ECHOES_FILE, series.echoes)
    content = {
        "te_s": series.te_s.tolist(),
        "field_strength_t": series.field_strength_t,
        "geometry": asdict(series.geometry),
        "readout": series.readout.value,
        "phase_sign": series.phase_sign.value if series.phase_sign else None,
        "source": series.source,
        "flip_angle_deg": series.flip_angle_deg,
        "repetition_time_s": series.repetition_time_s,
        "contrast_agent": series.contrast_agent,
        "notes": series.notes,
    }
    (folder / SERIES_FILE).write_text(json.dumps(content), encoding="utf-8")


def read_series(folder: Path, mapped: bool = True) -> EchoSeries:
    """Read a scan from a folder.

    Parameters
    ----------
    folder : Path
        Where `write_series` has written it.
    mapped : bool
        Map the echoes into memory instead of reading them; the folder then has to stay.

    Returns
    -------
    EchoSeries
        The scan.
    """
    content = json.loads((folder / SERIES_FILE).read_text(encoding="utf-8"))
    return EchoSeries(
        echoes=np.load(folder / ECHOES_FILE, mmap_mode="c" if mapped else None),
        te_s=np.asarray(content["te_s"]),
        field_strength_t=content["field_strength_t"],
        geometry=geometry_from_dict(content["geometry"]),
        readout=Readout(content["readout"]),
        phase_sign=PhaseSign(content["phase_sign"]) if content["phase_sign"] else None,
        source=content["source"],
        flip_angle_deg=content["flip_angle_deg"],
        repetition_time_s=content["repetition_time_s"],
        contrast_agent=content["contrast_agent"],
        notes=tuple(content["notes"]),
    )


def geometry_from_dict(content: dict[str, Any]) -> Geometry:
    """Geometry from the JSON of its fields."""
    return Geometry(**{key: tuple(value) for key, value in content.items()})
