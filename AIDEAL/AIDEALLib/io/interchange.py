"""Scans and maps in a folder, as processes of this package hand them to each other: `.npy` and JSON, nothing that runs."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from ..choices import Readout
from ..echoes import EchoSeries, Geometry, PhaseSign
from ..errors import Cancelled
from ..parameter_maps import MAP_INFO, ParameterMaps, Provenance

SERIES_FILE, ECHOES_FILE, MASK_FILE, PROVENANCE_FILE = "series.json", "echoes.npy", "mask.npy", "provenance.json"
LARGEST_JSON_BYTES = 1 << 20


def write_series(series: EchoSeries, folder: Path, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Write a scan into a folder.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    folder : Path
        An existing folder.
    cancelled : callable
        Asked before each echo; when it returns True, nothing more is written.

    Raises
    ------
    Cancelled
        `cancelled` returned True.
    OSError
        The disk is full, or the folder cannot be written to.
    """
    with (folder / ECHOES_FILE).open("wb") as stream:
        kind = np.lib.format.dtype_to_descr(series.echoes.dtype)
        header = {"descr": kind, "fortran_order": False, "shape": series.echoes.shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for echo in series.echoes:
            if cancelled():
                raise Cancelled
            stream.write(np.ascontiguousarray(echo).data)
    content = {
        "te_s": series.te_s.tolist(),
        "field_strength_t": series.field_strength_t,
        "geometry": asdict(series.geometry),
        "readout": series.readout.value,
        "phase_sign": series.phase_sign.value if series.phase_sign else None,
        "source": series.source,
        "flip_angle_deg": series.flip_angle_deg,
        "repetition_time_s": series.repetition_time_s,
        "contrast_agent": series.contrast_agent,
        "notes": series.notes,
        "echo_numbers": series.echo_numbers,
        "other_sequence": series.other_sequence,
    }
    (folder / SERIES_FILE).write_text(json.dumps(content), encoding="utf-8")


def read_series(folder: Path, mapped: bool = True) -> EchoSeries:
    """Read a scan from a folder.

    Parameters
    ----------
    folder : Path
        Where `write_series` has written it.
    mapped : bool
        Map the echoes into memory instead of reading them; the folder then has to stay.

    Returns
    -------
    EchoSeries
        The scan.
    """
    content = json.loads((folder / SERIES_FILE).read_text(encoding="utf-8"))
    return EchoSeries(
        echoes=np.load(folder / ECHOES_FILE, mmap_mode="c" if mapped else None),
        te_s=np.asarray(content["te_s"]),
        field_strength_t=content["field_strength_t"],
        geometry=geometry_from_dict(content["geometry"]),
        readout=Readout(content["readout"]),
        phase_sign=PhaseSign(content["phase_sign"]) if content["phase_sign"] else None,
        source=content["source"],
        flip_angle_deg=content["flip_angle_deg"],
        repetition_time_s=content["repetition_time_s"],
        contrast_agent=content["contrast_agent"],
        notes=tuple(content["notes"]),
        echo_numbers=tuple(content["echo_numbers"]),
        other_sequence=content["other_sequence"],
    )


def write_maps(maps: ParameterMaps, folder: Path) -> None:
    """Write maps into a folder."""
    for name, array in maps.items():
        np.save(folder / f"{name}.npy", array)
    np.save(folder / MASK_FILE, maps.mask)
    content = {"geometry": asdict(maps.geometry), "provenance": maps.provenance.as_dict()}
    (folder / PROVENANCE_FILE).write_text(json.dumps(content), encoding="utf-8")


def read_maps(folder: Path, shape: tuple[int, int, int] | None = None) -> ParameterMaps:
    """Read maps from a folder into memory, so that the folder can be removed.

    Parameters
    ----------
    folder : Path
        Where `write_maps` has written them.
    shape : tuple of int, optional
        Slices, rows and columns expected; any where None.

    Returns
    -------
    ParameterMaps
        The maps.

    Raises
    ------
    ValueError
        A file is damaged, or its array has another shape or type; nothing of it is read into memory then.
    OSError
        A file is missing.
    """
    content = read_json(folder / PROVENANCE_FILE)
    mask = _array(folder / MASK_FILE, np.dtype(np.bool_), shape)
    return ParameterMaps(
        **{name: _array(folder / f"{name}.npy", np.dtype(np.float32), mask.shape) for name in MAP_INFO},
        mask=mask,
        geometry=geometry_from_dict(content["geometry"]),
        provenance=provenance_from_dict(content["provenance"]),
    )


def read_json(path: Path) -> Any:
    """Content of a JSON file of at most `LARGEST_JSON_BYTES`; larger ones, and pipes, raise `ValueError` unread."""
    with _regular_file(path) as stream:
        text = stream.read(LARGEST_JSON_BYTES + 1)
    if len(text) > LARGEST_JSON_BYTES:
        raise ValueError(f"{path.name} is larger than {LARGEST_JSON_BYTES} bytes")
    return json.loads(text)


@contextmanager
def _regular_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file without ever waiting, as a pipe would make this process do."""
    kind = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_BINARY"))
    with os.fdopen(os.open(path, os.O_RDONLY | kind), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError(f"{path.name} is no regular file")
        yield stream


def _array(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...] | None) -> npt.NDArray[Any]:
    """An array of the expected kind; read, not mapped, since a file that another process cuts short would end this one."""
    with _regular_file(path) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        stated, columns_first, kind = read(stream)
        if kind != dtype or len(stated) != 3 or (shape is not None and stated != shape):
            raise ValueError(f"{path.name} holds {kind} of shape {stated}; {dtype} of shape {shape} was expected")
        values = np.fromfile(stream, dtype, math.prod(stated))
    if values.size != math.prod(stated):
        raise ValueError(f"{path.name} is truncated")
    return values.reshape(stated, order="F" if columns_first else "C")


def geometry_from_dict(content: dict[str, Any]) -> Geometry:
    """Geometry from the JSON of its fields."""
    return Geometry(**{key: tuple(value) for key, value in content.items()})


def provenance_from_dict(content: dict[str, Any]) -> Provenance:
    """Provenance from the JSON of its `as_dict`; keys of other versions are dropped.

    Raises
    ------
    TypeError
        Values are missing, or of another type.
    """
    known = get_type_hints(Provenance)
    values: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in content.items() if key in known}
    for key, value in values.items():
        if not _is_of(value, known[key]):
            raise TypeError(f"{key} has values of other types than {known[key]}")
    return Provenance(**values)


def _is_of(value: object, hint: Any) -> bool:
    """Whether a value from JSON is of an annotated type, and what it holds of the types inside; lists stand for tuples."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is tuple:
        return isinstance(value, list | tuple) and all(_is_of(item, inner[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_is_of(item, inner[1]) for item in value.values())
    return isinstance(value, int | float if hint is float else hint) and not isinstance(value, bool)
