"""A scan of a cohort, as its source names it before it is read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError

LONGEST_ID = 100
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class CohortScan:
    """A scan with what its source states of it.

    Attributes
    ----------
    id : str
        Name of the scan within the cohort, and of the folder of its results.
    files : tuple of Path
        Files or folder of the scan.
    participant : str
        Who was scanned; '' where the source leaves it open.
    session : str
        Visit of the participant; '' where the source leaves it open.
    segmentation : Path or None
        Segments on the grid of the scan.
    options : Mapping of str to Any
        Options of a run that differ from those of the cohort, by field of `RunOptions` or `Overrides`.
    facts : Mapping of str to str
        What else the source states, such as date, scanner, site or reader.
    entities : Mapping of str to str
        BIDS entities of the files, in their order, without echo and part.
    """

    id: str
    files: tuple[Path, ...]
    participant: str = ""
    session: str = ""
    segmentation: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """What results state of the scan: no paths."""
        return {
            "id": self.id,
            "participant": self.participant,
            "session": self.session,
            "facts": dict(self.facts),
            "entities": dict(self.entities),
        }


@dataclass(frozen=True)
class Skipped:
    """Something in the source that is not run.

    Attributes
    ----------
    place : str
        Where it lies, relative to the source.
    reason : str
        Why it is not run.
    """

    place: str
    reason: str


@dataclass(frozen=True)
class Found:
    """Content of a source.

    Attributes
    ----------
    kind : str
        'BIDS', 'manifest' or 'folders'.
    scans : tuple of CohortScan
        Scans to run, sorted by their id.
    skipped : tuple of Skipped
        What else is there.
    linked : bool
        True where the ids are neutral, so that a table of ids and paths is needed to find a participant.
    """

    kind: str
    scans: tuple[CohortScan, ...]
    skipped: tuple[Skipped, ...] = ()
    linked: bool = False


def is_id(text: str) -> bool:
    """Whether a text can be the id of a scan: letters, digits, '.', '_' and '-', as the name of a folder everywhere."""
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None and not text.endswith(".")


def as_id(text: str) -> str:
    """The id nearest to a text; 'scan' where nothing is left of it."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:LONGEST_ID].rstrip(".") or "scan"


def check_unique(ids: Iterable[str]) -> None:
    """Refuse ids that name the same folder.

    Raises
    ------
    InputError
        Two ids are equal, or differ only in the case of letters.
    """
    seen: dict[str, str] = {}
    for name in ids:
        if name.lower() in seen:
            raise InputError(
                f"Two scans have the id '{name}'; ids that differ in more than the case of letters were expected. Rename one."
            )
        seen[name.lower()] = name


def input_files(paths: Sequence[Path]) -> list[Path]:
    """Files that a scan consists of: those named, what shares their names (sidecars), and everything in folders named.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders of the scan.

    Returns
    -------
    list of Path
        Sorted, each once.
    """
    from ..io.naming import stem

    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found |= {entry for entry in path.rglob("*") if entry.is_file()}
            continue
        found.add(path)
        found |= {
            beside
            for suffix in (".json", ".raw", ".zraw", ".raw.gz")
            if (beside := path.parent / (stem(path) + suffix)).is_file()
        }
    return sorted(found)
