"""Rows of a dataclass as CSV file and as table of a report."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from ..escaping import for_csv


def save_rows(rows: Sequence[object], path: Path) -> None:
    """Write rows of one dataclass as CSV; columns are its fields, NaN and infinity become empty cells."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = [entry.name for entry in fields(rows[0])]  # type: ignore[arg-type]
        writer.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            values = [for_csv(v) if isinstance(v, str) else v for v in values]
            writer.writerow(["" if isinstance(v, float) and not math.isfinite(v) else v for v in values])


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
        Title.
    field : str
        Attribute of the rows.
    spec : str
        Format specification.
    """

    title: str
    field: str
    spec: str = ""

    def text(self, row: object) -> str:
        """Cell of a row; a dash for NaN and infinity."""
        return format_cell(getattr(row, self.field), self.spec)


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Attributes
    ----------
    name : str
        Name of its CSV file; empty for no file.
    caption : str
        Caption with units.
    rows : sequence
        Rows of one dataclass, for the CSV file.
    titles : sequence of str
        Titles of the columns; empty where the report only names the file.
    lines : sequence of sequence of str
        Cells by row, often a part of `rows`.
    """

    name: str
    caption: str
    rows: Sequence[object]
    titles: Sequence[str]
    lines: Sequence[Sequence[str]]


def table(name: str, caption: str, rows: Sequence[object], columns: Sequence[Column] = ()) -> Table:
    """Table of the chosen columns of every row.

    Parameters
    ----------
    name : str
        Name of its CSV file; empty for no file.
    caption : str
        Caption with units.
    rows : sequence
        Rows of one dataclass.
    columns : sequence of Column
        Columns to show; none for a CSV file only.

    Returns
    -------
    Table
        The table.
    """
    lines = [[column.text(row) for column in columns] for row in rows]
    return Table(name, caption, rows, [column.title for column in columns], lines)


def format_cell(value: object, spec: str) -> str:
    """Format a value; a dash for NaN and infinity."""
    return "-" if isinstance(value, float) and not math.isfinite(value) else format(value, spec)
