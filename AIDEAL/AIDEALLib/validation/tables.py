"""Rows of a data class as CSV, and as the lines of a table for people."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path


def save_rows(rows: Sequence[object], path: Path) -> None:
    """Write rows of one dataclass as CSV under its fields' names; values that are not a number become empty cells."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = [entry.name for entry in fields(rows[0])]  # type: ignore[arg-type]
        writer.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            writer.writerow(["" if isinstance(v, float) and not math.isfinite(v) else v for v in values])


@dataclass(frozen=True)
class Column:
    """A column for people: its title, the field it shows and how (a format specification)."""

    title: str
    field: str
    spec: str = ""

    def text(self, row: object) -> str:
        """The cell of a row, a dash for what is not a number."""
        return shown(getattr(row, self.field), self.spec)


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes
    ----------
    name : of its CSV file; empty: no file. caption : what it shows, with units.
    rows : of one dataclass, all of them, for the CSV file.
    titles, lines : what people read, often fewer or put side by side; none: the file alone is named.
    """

    name: str
    caption: str
    rows: Sequence[object]
    titles: Sequence[str]
    lines: Sequence[Sequence[str]]


def table(name: str, caption: str, rows: Sequence[object], columns: Sequence[Column] = ()) -> Table:
    """A table that shows these columns of every row; without columns it is a file alone."""
    lines = [[column.text(row) for column in columns] for row in rows]
    return Table(name, caption, rows, [column.title for column in columns], lines)


def shown(value: object, spec: str) -> str:
    """A value by its format specification, a dash for what is not a number."""
    return "-" if isinstance(value, float) and not math.isfinite(value) else format(value, spec)
