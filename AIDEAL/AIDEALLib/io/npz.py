"""The project's own file: one `.npz` with the echoes, echo times, field strength and geometry.

Arrays: `echoes` complex64 (echo, slice, row, column), `te_s` (s), `field_strength_t` (T); optional `spacing_mm`, `origin_mm`,
`direction`, `readout`, `phase_sign`, `source`, `flip_angle_deg`, `repetition_time_s`, `contrast_agent`, `notes`,
`echo_numbers`, `other_sequence`. Others, such as a truth, are ignored on reading.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
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
OPTIONAL = (*NUMERIC[1:], "contrast_agent", "readout", "phase_sign", "source", "notes", "echo_numbers", "other_sequence")
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
    overrides = overrides or Overrides()
    stated = {"te_s": overrides.te_s, "field_strength_t": overrides.field_strength_t}
    content = _content(path, [name for name in REQUIRED if stated.get(name) is None])
    default = Geometry()
    numbers = {name: _numbers(content, name, path) for name in ("te_s", *NUMERIC) if name in content and not stated.get(name)}
    te_s = numbers["te_s"] if overrides.te_s is None else overrides.te_s
    if overrides.field_strength_t is None and len(numbers["field_strength_t"]) != 1:
        raise InputError(f"{path.name} holds {len(numbers['field_strength_t'])} field strengths; one was expected. Correct it.")
    return EchoSeries(
        echoes=content["echoes"],
        te_s=np.asarray(te_s),
        field_strength_t=numbers["field_strength_t"][0] if overrides.field_strength_t is None else overrides.field_strength_t,
        geometry=Geometry(
            spacing_mm=numbers.get("spacing_mm", default.spacing_mm),  # type: ignore[arg-type]
            origin_mm=numbers.get("origin_mm", default.origin_mm),  # type: ignore[arg-type]
            direction=numbers.get("direction", default.direction),
        ),
        readout=overrides.readout or _choice(Readout, content, "readout", path) or Readout.UNKNOWN,
        phase_sign=_choice(PhaseSign, content, "phase_sign", path),
        source=str(content["source"]) if "source" in content else path.name,
        flip_angle_deg=_only(numbers, "flip_angle_deg", path),
        repetition_time_s=_only(numbers, "repetition_time_s", path),
        contrast_agent=bool(content["contrast_agent"]) if np.size(content.get("contrast_agent", ())) else None,
        notes=tuple(map(str, np.ravel(content["notes"]))) if "notes" in content else (),
        echo_numbers=_whole_numbers(content, "echo_numbers", path),
        other_sequence=str(content.get("other_sequence", "")),
    )


def _whole_numbers(content: dict[str, npt.NDArray[Any]], name: str, path: Path) -> tuple[int, ...]:
    """Rising whole numbers of an array, () where there is none.

    Raises
    ------
    InputError
        The array holds something else.
    """
    values = np.ravel(content.get(name, ()))
    if values.size and (values.dtype.kind not in "iu" or np.any(np.diff(values) <= 0)):
        raise InputError(f"{name} of {path.name} are no rising whole numbers, one an echo, as were expected. Correct them.")
    return tuple(int(value) for value in values)


def _content(path: Path, required: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
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
    missing = [name for name in required if name not in content]
    if missing:
        raise InputError(
            f"{path.name} lacks {', '.join(missing)}; the arrays {', '.join(REQUIRED)} were expected. Add them to the file."
        )
    return content


def _numbers(content: Mapping[str, npt.NDArray[Any]], name: str, path: Path) -> tuple[float, ...]:
    try:
        return tuple(float(value) for value in np.ravel(content[name]))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path.name} holds something other than numbers for {name}; numbers were expected. Write the file again."
        ) from error


def _only(numbers: Mapping[str, tuple[float, ...]], name: str, path: Path) -> float | None:
    """The one number stored under a name; None where there is none."""
    values = numbers.get(name, ())
    if len(values) > 1:
        raise InputError(f"{path.name} holds {len(values)} values of {name}; one was expected. Write the file again.")
    return values[0] if values else None


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
        "echo_numbers": np.array(series.echo_numbers, dtype=np.int64),
        "other_sequence": series.other_sequence,
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
