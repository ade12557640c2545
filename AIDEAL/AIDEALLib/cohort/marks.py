"""Marks of readers: accept, reject or redo a scan, with a note, as the gallery saves them."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError

MARKS = "marks.csv"
VERDICTS = ("accept", "reject", "redo")
COLUMNS = ("scan", "mark", "note")


@dataclass(frozen=True)
class Mark:
    """What a reader thinks of a scan.

    Attributes
    ----------
    verdict : str
        'accept', 'reject', 'redo', or '' for a note alone.
    note : str
        Free text.
    """

    verdict: str
    note: str = ""


def read_marks(path: Path) -> dict[str, Mark]:
    """Marks by id of the scan.

    Parameters
    ----------
    path : Path
        File that the gallery has saved.

    Returns
    -------
    dict of str to Mark

    Raises
    ------
    InputError
        It is another table, or has another mark.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            lines = list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} could not be read ({error}); marks saved by the gallery were expected.") from error
    marks = {}
    for number, line in enumerate(lines, start=2):
        if not set(COLUMNS) <= set(line):
            raise InputError(f"{path} lacks the columns {', '.join(COLUMNS)}; marks saved by the gallery were expected.")
        if line["mark"] not in ("", *VERDICTS):
            raise InputError(f"Line {number} of {path} has the mark '{line['mark']}'; {', '.join(VERDICTS)} were expected.")
        marks[line["scan"]] = Mark(line["mark"], line["note"] or "")
    return marks
