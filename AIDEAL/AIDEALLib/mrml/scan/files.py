"""Scans from files, named as a reader knows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...io.dicom.description import series_description
from ...io.load import load_series
from ...io.neutral import SCAN
from ...options import Overrides
from .sequences import StoredScan, add_series


def load_scan(scene: Any, paths: Sequence[Path], overrides: Overrides | None = None) -> StoredScan:
    """Read a scan and put it into the scene, under its series description, or the name of its file or folder.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    paths : sequence of Path
        Files, or a folder.
    overrides : Overrides, optional
        What overrides the files.

    Returns
    -------
    StoredScan
        The sequences made.

    Raises
    ------
    InputError
        The files cannot be used.
    """
    series = load_series(paths if len(paths) > 1 else paths[0], overrides)
    described = series_description(paths, overrides.series if overrides else "") if series.source.startswith("DICOM") else ""
    return add_series(scene, series, described or paths[0].name.split(".")[0] or SCAN)
