"""The project's own file: one `.npz` with the echoes, echo times, field strength and geometry.

Arrays: `echoes` complex64 (echo, slice, row, column), `te_s` (s), `field_strength_t` (T); optional `spacing_mm`, `origin_mm`,
`direction`, `readout`, `phase_sign`, `source`, `flip_angle_deg`, `repetition_time_s`, `contrast_agent`, `notes`. Others, such
as a truth, are ignored on reading.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..choices import Readout
from ..echoes import EchoSeries, Geometry, PhaseSign
from ..errors import InputError
from ..options import Overrides
from .output.staging import staged_file

REQUIRED = ("echoes", "te_s", "field_strength_t")
NUMERIC = ("field_strength_t", "spacing_mm", "origin_mm", "direction", "flip_angle_deg", "repetition_time_s")
OPTIONAL = (*NUMERIC[1:], "contrast_agent", "readout", "phase_sign", "source", "notes")
_Choice = TypeVar("_Choice", bound=Enum)


def read_npz(path: Path, overrides: Overrides | None = None) -> EchoSeries:
    """Read an echo series.

    Parameters
    ----------
    path : Path
        File of `write_npz`, or of `numpy.savez` with the arrays named above.
    overrides : Overrides, optional
        Values that override those of the file.

    Returns
    -------
    EchoSeries
        The scan.

    Raises
    ------
    InputError
        The file is no `.npz`, lacks an array, or holds values that no scan has.
    """
    content = _content(path)
    default = Geometry()
    try:
        numbers = {name: tuple(float(v) for v in np.ravel(content[name])) for name in NUMERIC if name in content}
        te_s = np.ravel(content["te_s"]).astype(np.float64)
        (field_strength_t,) = numbers["field_strength_t"]
        flip_angle_deg, repetition_time_s = (_only(numbers, name) for name in ("flip_angle_deg", "repetition_time_s"))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path.name} holds something other than numbers for {', '.join(NUMERIC)} or te_s; numbers were expected. "
            "Write the file again."
        ) from error
    overrides = overrides or Overrides()
    return EchoSeries(
        echoes=content["echoes"],
        te_s=te_s if overrides.te_s is None else np.asarray(overrides.te_s),
        field_strength_t=field_strength_t if overrides.field_strength_t is None else overrides.field_strength_t,
        geometry=Geometry(
            spacing_mm=numbers.get("spacing_mm", default.spacing_mm),  # type: ignore[arg-type]
            origin_mm=numbers.get("origin_mm", default.origin_mm),  # type: ignore[arg-type]
            direction=numbers.get("direction", default.direction),
        ),
        readout=overrides.readout or _choice(Readout, content, "readout", path) or Readout.UNKNOWN,
        phase_sign=_choice(PhaseSign, content, "phase_sign", path),
        source=str(content["source"]) if "source" in content else path.name,
        flip_angle_deg=flip_angle_deg,
        repetition_time_s=repetition_time_s,
        contrast_agent=bool(content["contrast_agent"]) if np.size(content.get("contrast_agent", ())) else None,
        notes=tuple(map(str, np.ravel(content["notes"]))) if "notes" in content else (),
    )


def _content(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Arrays of a file that belong to a series.

    Raises
    ------
    InputError
        The file is no `.npz`, or lacks a required array.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            content = {name: stored[name] for name in (*REQUIRED, *OPTIONAL) if name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path.name} could not be read as .npz ({type(error).__name__}); a file written by numpy.savez was "
            "expected. Write it again."
        ) from error
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise InputError(
            f"{path.name} lacks {', '.join(missing)}; the arrays {', '.join(REQUIRED)} were expected. Add them to the file."
        )
    return content


def _only(numbers: Mapping[str, tuple[float, ...]], name: str) -> float | None:
    """The one number stored under a name; None where there is none."""
    if not numbers.get(name):
        return None
    (value,) = numbers[name]
    return value


def write_npz(path: str | os.PathLike[str], series: EchoSeries, truth: Mapping[str, npt.ArrayLike] | None = None) -> None:
    """Write an echo series (compressed; complete or not at all).

    Parameters
    ----------
    path : path
        File to write.
    series : EchoSeries
        The scan.
    truth : Mapping of str to array, optional
        Arrays stored beside it.

    Raises
    ------
    InputError
        A truth array has the name of one of the series' own.
    """
    arrays: dict[str, npt.ArrayLike] = {
        "echoes": series.echoes,
        "te_s": series.te_s,
        "field_strength_t": series.field_strength_t,
        "spacing_mm": series.geometry.spacing_mm,
        "origin_mm": series.geometry.origin_mm,
        "direction": series.geometry.direction,
        "readout": series.readout.value,
        "phase_sign": series.phase_sign.value if series.phase_sign else "",
        "source": series.source,
        "flip_angle_deg": _listed(series.flip_angle_deg),
        "repetition_time_s": _listed(series.repetition_time_s),
        "contrast_agent": _listed(series.contrast_agent),
        "notes": np.array(series.notes, dtype=np.str_),
    }
    taken = sorted(set(arrays) & set(truth or {}))
    if taken:
        raise InputError(
            f"Truth arrays are named {', '.join(taken)}, as the scan's own; other names were expected. Rename them."
        )
    with staged_file(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays, **(truth or {}))  # type: ignore[arg-type]


def _listed(value: float | None) -> list[float]:
    """A number as an array of one, None as an empty array."""
    return [] if value is None else [value]


def _choice(kind: type[_Choice], content: Mapping[str, npt.NDArray[np.generic]], name: str, path: Path) -> _Choice | None:
    stated = str(content[name]) if name in content else ""
    if not stated:
        return None
    try:
        return kind(stated)
    except ValueError as error:
        expected = ", ".join(repr(member.value) for member in kind)
        raise InputError(
            f"{path.name} states another {name} than is known; one of {expected} was expected. Correct the file."
        ) from error
