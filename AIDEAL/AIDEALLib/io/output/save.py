"""Maps onto disk: NRRD files with geometry and unit, and how they came about."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import Geometry
from ...errors import InputError
from ...parameter_maps import MAP_INFO, ParameterMaps


@contextmanager
def staged_directory(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Folder to write into that becomes `directory` when the block ends well, and vanishes when it does not.

    Where `directory` exists already, each file written replaces its namesake in one step; other files stay.

    Raises
    ------
    InputError
        `directory` is a file, or cannot be written to.
    """
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; a folder for the results was expected. Give another one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"Cannot write to {target.parent} ({error.strerror}); a writable folder was expected. Give another."
        ) from error
    try:
        yield stage
        if target.exists():
            for path in sorted(stage.iterdir()):
                os.replace(path, target / path.name)
        else:
            stage.chmod(0o777 & ~_umask())
            os.replace(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def save_maps(maps: ParameterMaps, directory: str | os.PathLike[str]) -> None:
    """Write each map as `<name>.nrrd`, the mask as `mask.nrrd`, and `provenance.json`, all of them or none.

    Maps are float32, signed as estimated (nothing clipped), compressed; the NRRD header names title and unit.
    """
    with staged_directory(directory) as stage:
        for name, array in maps.items():
            info = MAP_INFO[name]
            _write(stage / f"{name}.nrrd", np.asarray(array, dtype=np.float32), maps.geometry, info.title, info.unit)
        _write(stage / "mask.nrrd", maps.mask.astype(np.uint8), maps.geometry, "Foreground", "1")
        text = json.dumps(maps.provenance.as_dict(), indent=2, ensure_ascii=False, default=_plain)
        (stage / "provenance.json").write_text(text + "\n", encoding="utf-8")


def _write(path: Path, array: npt.NDArray[Any], geometry: Geometry, title: str, unit: str) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    for key, value in (("title", title), ("unit", unit), ("note", "Research use only, not for diagnosis.")):
        image.SetMetaData(key, value)
    sitk.WriteImage(image, str(path), useCompression=True)


def _plain(value: Any) -> Any:
    """What JSON does not know: numpy scalars and arrays as numbers, the rest by its name."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return str(value)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
