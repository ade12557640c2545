"""Read back what a run has written: maps with their provenance, and the table of statistics."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...parameter_maps import MAP_INFO, ParameterMaps, Provenance
from ...statistics import SegmentStatistics
from ..images import read_image
from .tables import COLUMNS


def is_result(folder: str | os.PathLike[str]) -> bool:
    """True for a folder with the maps and the provenance of a run."""
    return (Path(folder) / "provenance.json").is_file() and (Path(folder) / "pdff.nrrd").is_file()


def read_maps(folder: str | os.PathLike[str]) -> ParameterMaps:
    """Maps that `save_maps` has written.

    Parameters
    ----------
    folder : path
        Folder of the results of a run.

    Returns
    -------
    ParameterMaps

    Raises
    ------
    InputError
        A map or the provenance is missing or damaged.
    """
    source = Path(folder)
    try:
        content = json.loads((source / "provenance.json").read_text(encoding="utf-8"))
        provenance = provenance_from(content)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{source / 'provenance.json'} could not be read ({error}); results of `aideal run` were expected."
        ) from error
    images = {name: read_image(source / f"{name}.nrrd") for name in (*MAP_INFO, "mask")}
    arrays: dict[str, Any] = {name: np.asarray(images[name].array[0], np.float32) for name in MAP_INFO}
    mask = images["mask"].array[0] > 0
    if any(array.shape != mask.shape for array in arrays.values()):
        raise InputError(f"The maps in {source} differ in size; the results of one run were expected. Run it again.")
    return ParameterMaps(**arrays, mask=mask, geometry=images["mask"].geometry, provenance=provenance)


def read_table(path: str | os.PathLike[str]) -> list[SegmentStatistics]:
    """Rows that `save_table` has written.

    Parameters
    ----------
    path : path
        File `statistics.csv`.

    Returns
    -------
    list of SegmentStatistics
        Empty cells are NaN.

    Raises
    ------
    InputError
        The file is missing, or is another table.
    """
    source = Path(path)
    try:
        lines = [line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        kinds = {entry.name: entry.type for entry in fields(SegmentStatistics)}
        return [
            SegmentStatistics(**{name: _value(row[column], str(kinds[name])) for name, column in COLUMNS.items()})
            for row in csv.DictReader(lines)
        ]
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{source} could not be read ({error}); the table of `aideal run` was expected. Run it again."
        ) from error


def _value(cell: str, kind: str) -> Any:
    if kind == "str":
        return cell
    return int(cell) if kind == "int" else float(cell or "nan")


def provenance_from(content: Mapping[str, Any]) -> Provenance:
    """Provenance from what `Provenance.as_dict` returned; values of other versions are left out.

    Parameters
    ----------
    content : Mapping
        The stored values.

    Returns
    -------
    Provenance

    Raises
    ------
    TypeError
        Values are missing.
    """
    known = {entry.name for entry in fields(Provenance)}
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items() if k in known}
    return Provenance(**values)
