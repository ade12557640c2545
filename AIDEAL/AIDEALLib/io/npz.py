"""The project's own file: one `.npz` with the echoes, echo times, field strength and geometry.

Arrays: `echoes` complex64 (echo, slice, row, column), `te_s` (s), `field_strength_t` (T); optional `spacing_mm`, `origin_mm`,
`direction`, `readout`, `phase_sign`, `source`. Anything else in the file (a truth, say) is left alone on reading.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ..echoes import EchoSeries, Geometry, PhaseSign, Readout
from ..errors import InputError
from ..options import Overrides

REQUIRED = ("echoes", "te_s", "field_strength_t")
_Choice = TypeVar("_Choice", bound=Enum)


def read_npz(path: Path, overrides: Overrides | None = None) -> EchoSeries:
    """Read an echo series; `overrides` override the values of the file.

    Raises
    ------
    InputError
        The file is no `.npz`, lacks an array, or holds values no scan has.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            known = (*REQUIRED, "spacing_mm", "origin_mm", "direction", "readout", "phase_sign", "source")
            content = {name: stored[name] for name in known if name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path.name} could not be read as .npz ({error}); a file written by numpy.savez was expected. Write it again."
        ) from error
    missing = [name for name in REQUIRED if name not in content]
    if missing:
        raise InputError(
            f"{path.name} lacks {', '.join(missing)}; the arrays {', '.join(REQUIRED)} were expected. Add them to the file."
        )
    default = Geometry()
    try:
        numbers = {name: tuple(float(v) for v in np.ravel(content[name])) for name in content if _is_geometry(name)}
        field_strength_t = float(content["field_strength_t"])
        te_s = np.ravel(content["te_s"]).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{path.name} holds something other than numbers for its echo times, field or geometry; numbers were expected. "
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
    )


def write_npz(path: str | os.PathLike[str], series: EchoSeries, truth: Mapping[str, npt.ArrayLike] | None = None) -> None:
    """Write an echo series, with named truth arrays beside it where there are any (compressed; complete or not at all).

    Raises
    ------
    InputError
        A truth array has the name of one of the series' own.
    """
    target = Path(path)
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
    }
    taken = sorted(set(arrays) & set(truth or {}))
    if taken:
        raise InputError(
            f"Truth arrays are named {', '.join(taken)}, as the scan's own; other names were expected. Rename them."
        )
    partial = target.with_name(f".{target.name}.partial")
    try:
        with partial.open("wb") as stream:
            np.savez_compressed(stream, **arrays, **(truth or {}))  # type: ignore[arg-type]
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _is_geometry(name: str) -> bool:
    return name in ("spacing_mm", "origin_mm", "direction")


def _choice(kind: type[_Choice], content: Mapping[str, npt.NDArray[np.generic]], name: str, path: Path) -> _Choice | None:
    said = str(content[name]) if name in content else ""
    if not said:
        return None
    try:
        return kind(said)
    except ValueError as error:
        expected = ", ".join(repr(member.value) for member in kind)
        raise InputError(f"{path.name} says {name} = {said!r}; one of {expected} was expected. Correct the file.") from error
