"""A folder of results, read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...parameter_maps import MAP_INFO, ParameterMaps, Provenance
from ..images import read_image


def load_maps(directory: Path) -> ParameterMaps:
    """Maps that `save_maps` wrote.

    Parameters
    ----------
    directory : Path
        Folder of a run.

    Returns
    -------
    ParameterMaps
        The maps with their provenance.

    Raises
    ------
    InputError
        A file is missing or damaged.
    """
    for name in (*(f"{name}.nrrd" for name in MAP_INFO), "mask.nrrd", "provenance.json"):
        if not (directory / name).is_file():
            raise InputError(f"{directory} has no {name}; a folder written by 'aideal run' was expected.")
    images = {name: read_image(directory / f"{name}.nrrd") for name in (*MAP_INFO, "mask")}
    shapes = {image.array.shape for image in images.values()}
    if len(shapes) > 1:
        raise InputError(f"The maps in {directory} differ in shape; those of one run were expected.")
    arrays = {name: np.asarray(image.array[0], dtype=np.float32) for name, image in images.items() if name != "mask"}
    mask = images["mask"].array[0] > 0
    return ParameterMaps(**arrays, mask=mask, geometry=images["pdff"].geometry, provenance=_provenance(directory))


def provenance_from(content: Mapping[str, Any], place: str) -> Provenance:
    """Provenance from what `Provenance.as_dict` returned.

    Parameters
    ----------
    content : mapping
        The stored values; those of other versions are left out.
    place : str
        Where it is stored, for the message.

    Returns
    -------
    Provenance

    Raises
    ------
    InputError
        Values are missing.
    """
    known = {f.name for f in fields(Provenance)}
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in content.items() if name in known}
    try:
        return Provenance(**values)
    except TypeError as error:
        raise InputError(f"{place} is damaged ({error}); restore it, or run again.") from error


def _provenance(directory: Path) -> Provenance:
    place = f"provenance.json in {directory}"
    try:
        content = dict(json.loads((directory / "provenance.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise InputError(f"{place} is damaged ({error}); restore it, or run again.") from error
    return provenance_from(content, place)
