"""Export of the table as CSV at full precision, and of maps as NRRD or NIfTI."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ...errors import InputError
from ...io.output.tables import save_table
from ...statistics import SegmentStatistics
from ..nodes import ALL_MAPS, MapNodes
from ..regions.measure import MeasureOptions, of_tissue
from .live_table import CAVEAT

FORMATS = ("nrrd", "nii.gz")


def save_csv(
    rows: Sequence[SegmentStatistics], path: Path, maps: MapNodes, options: MeasureOptions, diameter_mm: float
) -> None:
    """Write the table with units in its header and provenance in comment lines above.

    Parameters
    ----------
    rows : sequence of SegmentStatistics
        Rows of the table.
    path : Path
        File to write.
    maps : MapNodes
        Maps of the run.
    options : MeasureOptions
        How the regions were measured.
    diameter_mm : float, mm
        Diameter of circles.

    Raises
    ------
    InputError
        The table is empty, or the file cannot be written.
    """
    if not rows:
        raise InputError("The table is empty; draw a region first.")
    provenance = maps.provenance()
    limits, cutoffs, edge = options.low_confidence, options.cutoffs, options.leave_out
    graded = f"{cutoffs.name}: {cutoffs.grade_1}, {cutoffs.grade_2}, {cutoffs.grade_3}"
    comments: dict[str, Any] = {
        "AIDEAL": provenance.get("version", "unknown version"),
        "research use": provenance.get("research_use", "Research use only, not for diagnosis."),
        "scan": provenance.get("source", ""),
        "method": provenance.get("method", ""),
        "device": provenance.get("device", ""),
        "echo times (s)": ", ".join(f"{t:.6g}" for t in provenance.get("te_s", ())),
        "field strength (T)": provenance.get("field_strength_t", ""),
        "fat spectrum": provenance.get("spectrum", {}).get("name", ""),
        "models": ", ".join(f"{name} {checksum[:12]}" for name, checksum in provenance.get("models", {}).items()),
        "phase sign": provenance.get("phase_sign", ""),
        "low confidence": f"swap probability > {limits.swap_probability:g} or stated SD > {limits.total_sd_points:g} points",
        "low-confidence voxels": "left out" if options.exclude_low_confidence else "included",
        "edges and vessels of drawn regions": f"left out, {edge.edge_mm:g} mm" if edge else "included",
        "steatosis cut-offs (%)": graded if of_tissue(maps) else "none (phantom)",
        "circle diameter (mm)": f"{diameter_mm:g}",
        "intervals": CAVEAT,
    }
    for number, note in enumerate(provenance.get("notes", ()), start=1):
        comments[f"note {number}"] = note
    save_table(rows, path, comments)


def save_maps(maps: MapNodes, folder: Path, suffix: str = "nrrd") -> list[Path]:
    """Write every map into a folder as `<map>.<suffix>`, without rounding or clipping.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    folder : Path
        Folder, made when it is missing.
    suffix : str
        One of `FORMATS`.

    Returns
    -------
    list of Path
        Files written.

    Raises
    ------
    InputError
        The suffix is unknown or a file cannot be written.
    """
    if suffix not in FORMATS:
        raise InputError(f"Format is '{suffix}'; one of {', '.join(FORMATS)} was expected.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"Cannot write to {folder} ({error.strerror}); choose another folder.") from error
    written = []
    for name, volume in maps:
        if name in ALL_MAPS:
            path = folder / f"{name}.{suffix}"
            _write(volume, path)
            written.append(path)
    return written


def _write(volume: Any, path: Path) -> None:
    """Write through a separate storage node, so that the scene's record of where the volume is saved does not change."""
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(True)
    if not np.isfinite(volume.GetImageData().GetScalarRange()).all() or not storage.WriteData(volume):
        raise InputError(f"Cannot write {path}; choose a folder that can be written to.")
