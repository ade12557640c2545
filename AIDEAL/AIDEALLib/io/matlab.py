"""MATLAB files: the struct `imDataParams` of the ISMRM fat-water toolbox, or the variables `data`, `te`, `Tesla`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..choices import Readout
from ..echoes import EchoSeries, Geometry, PhaseSign
from ..errors import InputError
from ..options import Overrides
from .coils import combine_coils


def read_matlab(path: Path, overrides: Overrides) -> EchoSeries:
    """Read a file of the ISMRM fat-water challenge, or one with plain variables.

    Parameters
    ----------
    path : Path
        MATLAB file.
    overrides : Overrides
        Values that override those of the file.

    Returns
    -------
    EchoSeries
        The scan; its `source` states how many coils were combined.

    Raises
    ------
    InputError
        The file is no MATLAB file up to version 7, or lacks images, echo times or field strength.

    Notes
    -----
    The first array axis becomes the row, the second the column. These files hold no geometry: voxels are taken as 1 mm unless
    `imDataParams.voxelSize` gives them (mm, along the array axes x, y, slice). Several coils are combined (`combine_coils`).
    `PrecessionIsClockwise` 1 is read as `PhaseSign.AS_MODEL`, -1 as `CONJUGATED`. `FlipAngle` (degrees) and `TR` (s) are
    optional.
    """
    content = _load(path)
    if "imDataParams" in content:
        fields = _struct(content["imDataParams"], path)
        echoes, coils = _challenge_images(fields, path)
        te, field_t = fields.get("TE"), fields.get("FieldStrength")
        names = "imDataParams.TE", "imDataParams.FieldStrength"
    elif "data" in content:
        fields, coils = content, 1
        echoes = _plain_images(content["data"], path)
        te, field_t = content.get("te"), content.get("Tesla")
        names = "te", "Tesla"
    else:
        raise InputError(
            f"{path.name} holds {len(content)} other variables; a struct imDataParams, or data with te and Tesla, was "
            "expected. Save the scan in one of these forms."
        )
    return EchoSeries(
        echoes=echoes,
        te_s=_numbers(te, names[0], "te_s", path) if overrides.te_s is None else np.asarray(overrides.te_s),
        field_strength_t=(
            float(_numbers(field_t, names[1], "field_strength_t", path)[0])
            if overrides.field_strength_t is None
            else overrides.field_strength_t
        ),
        geometry=_geometry(fields),
        readout=overrides.readout or Readout.UNKNOWN,
        phase_sign=_phase_sign(fields.get("PrecessionIsClockwise")),
        flip_angle_deg=_number(fields, "FlipAngle"),
        repetition_time_s=_number(fields, "TR"),
        source=path.name,
        notes=() if coils == 1 else (f"{coils} coils were combined by a local matched filter.",),
    )


def _load(path: Path) -> dict[str, Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, squeeze_me=False, struct_as_record=False)
    except NotImplementedError as error:
        raise InputError(
            f"{path.name} is a MATLAB 7.3 file; version 7 or older was expected. Save it again in MATLAB with save(..., '-v7')."
        ) from error
    except (OSError, ValueError, TypeError, EOFError, KeyError, IndexError, MatReadError) as error:
        raise InputError(
            f"{path.name} could not be read as a MATLAB file ({type(error).__name__}); a complete one was "
            "expected. Save or copy it again."
        ) from error
    return {name: value for name, value in content.items() if not name.startswith("__")}


def _struct(value: Any, path: Path) -> dict[str, Any]:
    item = np.asarray(value).ravel()
    names = getattr(item[0], "_fieldnames", None) if item.size else None
    if not names:
        raise InputError(
            f"imDataParams of {path.name} is no struct; one with images, TE and FieldStrength was expected. Save it so."
        )
    return {name: getattr(item[0], name) for name in names}


def _challenge_images(fields: Mapping[str, Any], path: Path) -> tuple[npt.NDArray[np.complex64], int]:
    images = np.asarray(fields.get("images", np.empty(0)))
    if images.ndim != 5 or images.size == 0:
        raise InputError(
            f"imDataParams.images of {path.name} has shape {images.shape}; (x, y, slice, coil, echo) was expected. "
            "Reshape it so, with an axis of length 1 for a single slice or coil."
        )
    by_coil = np.transpose(images, (3, 4, 2, 0, 1))
    coils = by_coil.shape[0]
    if coils == 1:
        return by_coil[0], coils
    if not np.all(np.isfinite(by_coil)):
        raise InputError(
            f"imDataParams.images of {path.name} has NaN or infinite samples; all must be finite. Export it again."
        )
    return combine_coils(by_coil), coils


def _plain_images(data: Any, path: Path) -> npt.NDArray[np.complex64]:
    images = np.asarray(data)
    if images.ndim == 3:
        images = images[:, :, np.newaxis, :]
    if images.ndim != 4:
        raise InputError(
            f"data of {path.name} has shape {images.shape}; (x, y, echo) or (x, y, slice, echo) was expected. Reshape it so."
        )
    return np.transpose(images, (3, 2, 0, 1))


def _numbers(value: Any, name: str, option: str, path: Path) -> npt.NDArray[np.float64]:
    try:
        numbers = np.ravel(np.asarray(value, dtype=np.float64)) if value is not None else np.empty(0)
    except (TypeError, ValueError):
        raise InputError(
            f"{path.name} has {name} stored as {_kind(value)}; numbers were expected. Convert it in MATLAB (str2double), and "
            "save again.",
            advise("Or give them ({}).", option),
        ) from None
    if numbers.size == 0:
        raise InputError(f"{path.name} has no {name}; numbers were expected.", advise("Give them ({}).", option))
    return numbers


def _kind(value: Any) -> str:
    """What a value is that holds no numbers, without its content."""
    array = np.asarray(value)
    if array.dtype.kind in "US":
        return "text"
    return "a cell array" if array.dtype == object else f"values of type {array.dtype}"


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    """Single number of a field, None where there is none."""
    try:
        value = float(np.ravel(np.asarray(fields[name], dtype=np.float64))[0])
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return value if np.isfinite(value) else None


def _geometry(fields: Mapping[str, Any]) -> Geometry:
    try:
        size = np.ravel(np.asarray(fields["voxelSize"], dtype=np.float64))
    except (KeyError, TypeError, ValueError):
        return Geometry()
    if size.size != 3 or not np.all(np.isfinite(size) & (size > 0)):
        return Geometry()
    x, y, z = (float(v) for v in size)
    return Geometry(spacing_mm=(y, x, z))


def _phase_sign(value: Any) -> PhaseSign | None:
    try:
        sign = float(np.ravel(np.asarray(value, dtype=np.float64))[0])
    except (TypeError, ValueError, IndexError):
        return None
    return {1.0: PhaseSign.AS_MODEL, -1.0: PhaseSign.CONJUGATED}.get(sign)
