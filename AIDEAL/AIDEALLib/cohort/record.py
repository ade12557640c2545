"""Records: what is known of a scan that has been run, beside its results, or in a folder of failures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..io.output.manifest import MANIFEST
from ..io.output.staging import staged_file

RECORD = "record.json"
SCANS, FAILED = "scans", "failed"
FORMAT = 1


@dataclass(frozen=True)
class Record:
    """A scan that has been run.

    Attributes
    ----------
    scan : Mapping
        What its source states (`CohortScan.described`).
    state : str
        Digest of names, sizes and times of its files.
    content : str
        Digest of their contents.
    settings : Mapping
        Options, version and networks.
    failure : Mapping
        `kind` and `reason` of a failure; empty where there are results.
    files : Mapping of str to int, bytes
        Size of each file of the results.
    rows : tuple
        Rows of the table: region, statistic, value, unit, lower and upper end of the interval.
    card : Mapping
        What the gallery shows.
    seconds : Mapping of str to float, seconds
        Time of each step.
    processor_s : float, seconds
        Time of processors that the scan took.
    """

    scan: Mapping[str, Any]
    state: str
    content: str
    settings: Mapping[str, Any]
    failure: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, int] = field(default_factory=dict)
    rows: tuple[tuple[Any, ...], ...] = ()
    card: Mapping[str, Any] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    processor_s: float = 0.0

    @property
    def id(self) -> str:
        """Id of the scan."""
        return str(self.scan["id"])

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        return {"format": FORMAT, **{name: getattr(self, name) for name in self.__dataclass_fields__}}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Record:
        """Record from what `as_dict` returned."""
        known = {name: content[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "rows": tuple(tuple(row) for row in known["rows"])})

    def save(self, path: Path) -> None:
        """Write as JSON, complete or not at all."""
        text = json.dumps(_finite(self.as_dict()), ensure_ascii=False, allow_nan=False)
        with staged_file(path) as partial:
            partial.write_bytes(text.encode("utf-8", "backslashreplace") + b"\n")


def scan_folder(out: Path, name: str) -> Path:
    """Folder of the results of a scan."""
    return out / SCANS / name


def failure_file(out: Path, name: str) -> Path:
    """Record of a failure."""
    return out / FAILED / f"{name}.json"


def read_record(path: Path) -> Record | None:
    """Record in a file; None where there is none that can be read."""
    try:
        return Record.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def finished(out: Path, name: str) -> Record | None:
    """Record of a scan whose results are complete; None where they are not."""
    folder = scan_folder(out, name)
    record = read_record(folder / RECORD)
    if record is None or not (folder / MANIFEST).is_file():
        return None
    return record if all(_size(folder / file) == size for file, size in record.files.items()) else None


def sizes(folder: Path) -> dict[str, int]:
    """Size of each file of a folder, the list of files apart, which is written last."""
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.is_file() and path.name != MANIFEST}


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _finite(value: Any) -> Any:
    """The same with None for what JSON has no number for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(name): _finite(entry) for name, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, list | tuple) else value
