"""Read back what a run has written: maps with their provenance, and the table of statistics."""

from __future__ import annotations

import csv
import os
from dataclasses import fields
from itertools import dropwhile
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...escaping import from_csv
from ...options import RunOptions
from ...parameter_maps import MAP_INFO, ParameterMaps
from ...statistics import RunErrors, SegmentStatistics
from .. import interchange
from ..images import read_image
from ..reader_process import read_elsewhere
from ..sizes import check_file
from .manifest import PROVENANCE
from .staging import settled
from .tables import COLUMNS


def is_result(folder: str | os.PathLike[str]) -> bool:
    """True for a folder with the maps and the provenance of a run."""
    return (Path(folder) / "provenance.json").is_file() and (Path(folder) / "pdff.nrrd").is_file()


def read_maps(folder: str | os.PathLike[str]) -> ParameterMaps:
    """Maps that `save_maps` has written, read in a process of their own, which a damaged file may crash.

    Parameters
    ----------
    folder : path
        Folder of the results of a run. A run that was interrupted while its files were moved to their places is finished first.

    Returns
    -------
    ParameterMaps

    Raises
    ------
    InputError
        A map or the provenance is missing or damaged.
    """
    source = Path(folder)
    settled(source)
    for name in (PROVENANCE, *(f"{name}.nrrd" for name in (*MAP_INFO, "mask"))):
        check_file(source / name)
    with read_elsewhere(_read_apart, {"folder": str(source.absolute())}, source.name) as result:
        return interchange.read_maps(result)


def _read_apart(request: dict[str, str], result: Path) -> None:
    source = Path(request["folder"])
    try:
        provenance = interchange.provenance_from_dict(interchange.read_json(source / PROVENANCE))
        RunErrors.of(provenance.as_dict())
        RunOptions.from_dict(provenance.options.get("run", {}))
    except Exception as error:  # whatever a damaged file leads to
        raise InputError(f"{PROVENANCE} could not be read ({error}); results of `aideal run` were expected.") from error
    images = {name: read_image(source / f"{name}.nrrd") for name in (*MAP_INFO, "mask")}
    arrays: dict[str, Any] = {name: np.asarray(images[name].array[0], np.float32) for name in MAP_INFO}
    mask = images["mask"].array[0] > 0
    if any(array.shape != mask.shape for array in arrays.values()):
        raise InputError(f"The maps in {source.name} differ in size; the results of one run were expected. Run it again.")
    maps = ParameterMaps(**arrays, mask=mask, geometry=images["mask"].geometry, provenance=provenance)
    interchange.write_maps(maps, result)


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
        lines = list(dropwhile(lambda line: line.startswith("#"), source.read_text(encoding="utf-8").splitlines()))
        if len(lines) < 2:
            raise ValueError("no row of values")
        kinds = {entry.name: entry.type for entry in fields(SegmentStatistics)}
        return [
            SegmentStatistics(**{name: _value(row[column], str(kinds[name])) for name, column in COLUMNS.items()})
            for row in csv.DictReader(lines)
        ]
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InputError(
            f"{source} could not be read ({error}); the table of `aideal run` was expected. Run it again."
        ) from error


def _value(cell: str, kind: str) -> Any:
    if kind == "str":
        return from_csv(cell)
    return int(cell) if kind == "int" else float(cell or "nan")
