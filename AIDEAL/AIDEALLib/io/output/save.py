"""Write maps as NRRD files with geometry and unit, and their provenance."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import Geometry
from ...errors import InputError
from ...parameter_maps import MAP_INFO, ParameterMaps
from ...stopwatch import timed
from ..images import image_of
from .manifest import PROVENANCE
from .staging import staged_directory


@timed("writing maps")
def save_maps(maps: ParameterMaps, directory: str | os.PathLike[str]) -> None:
    """Write each map as `<name>.nrrd`, the mask as `mask.nrrd`, and `provenance.json`, all of them or none.

    Maps are float32, signed as estimated (nothing clipped), compressed; the NRRD header names title and unit.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    directory : path
        Folder to write to.

    Raises
    ------
    InputError
        `directory` is a file, or cannot be written to.
    """
    with staged_directory(directory) as stage:
        for name, array in maps.items():
            info = MAP_INFO[name]
            write_map(stage / f"{name}.nrrd", np.asarray(array, dtype=np.float32), maps.geometry, info.title, info.unit)
        write_map(stage / "mask.nrrd", maps.mask.astype(np.uint8), maps.geometry, "Foreground", "1")
        text = json.dumps(maps.provenance.as_dict(), indent=2, ensure_ascii=False, default=_plain)
        (stage / PROVENANCE).write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")


def write_map(path: Path, array: npt.NDArray[Any], geometry: Geometry, title: str, unit: str) -> None:
    """Write a map as NRRD.

    Parameters
    ----------
    path : Path
        File to write.
    array : np.ndarray, shape (slice, row, column)
        The map.
    geometry : Geometry
        Its grid.
    title : str
        What it shows.
    unit : str
        UCUM unit.
    """
    import SimpleITK as sitk

    image = image_of(array, geometry)
    for key, value in (("title", title), ("unit", unit), ("note", "Research use only, not for diagnosis.")):
        image.SetMetaData(key, value)
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise InputError(f"{path.name} could not be written ({reason}); is the disk full? Nothing was replaced.") from error


def _plain(value: Any) -> Any:
    """Values without a form in JSON: numpy scalars and arrays as numbers, the rest as text."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)
