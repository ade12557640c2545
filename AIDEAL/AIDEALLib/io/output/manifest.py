"""`files.json`: the files of a result with their checksums, and the folder of the valid run while they are being replaced."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST, PROVENANCE = "files.json", "provenance.json"
STAGE, PENDING = ".aideal-partial-", ".aideal-run-"


@dataclass(frozen=True)
class Entries:
    """Entries of a folder that holds a result.

    Attributes
    ----------
    own : set of str
        Those of the result.
    others : list of str
        Those that were there besides.
    """

    own: set[str]
    others: list[str]

    @classmethod
    def of(cls, folder: Path) -> Entries:
        """Entries of a folder, parts of runs left out."""
        listed = read_manifest(folder).get("files", {})
        own = {MANIFEST, *(listed if isinstance(listed, dict) else {})}
        names = [entry.name for entry in folder.iterdir() if not entry.name.startswith((STAGE, PENDING))]
        return cls(own, [name for name in names if name not in own])


def read_manifest(folder: Path) -> dict[str, Any]:
    """Content of the list of files, {} where there is none or it is damaged."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_manifest(folder: Path, content: dict[str, Any]) -> None:
    """Replace the list of files in one step."""
    partial = folder / f".{MANIFEST}.partial"
    try:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, folder / MANIFEST)
    finally:
        partial.unlink(missing_ok=True)


def checksums(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder by its name; '' for folders in it."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in sorted(folder.iterdir())}


def earlier_scan(directory: str | os.PathLike[str]) -> str | None:
    """Checksum of the scan that a folder holds the result of ('' where it is not stated), None where it holds no result."""
    try:
        content = json.loads((Path(directory) / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return str(content.get("scan", "")) if isinstance(content, dict) else None
