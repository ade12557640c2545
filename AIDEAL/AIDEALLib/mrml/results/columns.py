"""Columns of the table as a reader sees it: what is read first, rounded without contradicting the grade."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import vtk

from ...io.output.tables import COLUMNS
from ...statistics import SegmentStatistics, SteatosisCutoffs
from .live_table import TITLES, head_by_column_names

USUAL = ("name", "reported", "low_confidence_percent", "steatosis_grade", "volume_ml")
"""Columns that are shown unless others are chosen, in the width of the panel; the PDFF is the reported one, which is graded."""
_WITH_REPORTED = ("reported_low", "reported_high")
EVERY = (*USUAL, *(field for field in COLUMNS if field not in (*USUAL, *_WITH_REPORTED)))
"""Columns to choose from, what is read first in front."""
_SHORT = {
    "name": "Segment",
    "reported": "PDFF % (95 % CI)",
    "low_confidence_percent": "Low %",
    "steatosis_grade": "Grade",
    "volume_ml": "ml",
}
_DECIMALS = {
    "voxels": 0,
    "used_voxels": 0,
    "r2star_mean": 1,
    "mean_error": 2,
    "median_error": 2,
    "joint_error": 2,
    **{f"chance_s{grade}": 2 for grade in range(4)},
}
_MOST_DECIMALS = 3


def chosen(stored: str, every: bool) -> tuple[str, ...]:
    """Columns to show.

    Parameters
    ----------
    stored : str
        Columns as the panel stores them, separated by spaces; '' for none chosen.
    every : bool
        All of them where none is chosen, as older scenes store it.

    Returns
    -------
    tuple of str
        Fields of `EVERY`, the name first.
    """
    wanted = {"name", *stored.split()}
    return tuple(field for field in EVERY if field in wanted) if stored else (EVERY if every else USUAL)


def explained(field: str) -> str:
    """Heading of a column in full, for its tooltip."""
    return {"reported": "Reported PDFF in percent, which is graded, with its 95 % interval"}.get(field, TITLES[field])


def title(field: str) -> str:
    """Heading of a column."""
    return _SHORT.get(field, TITLES[field])


def texts(row: SegmentStatistics, cutoffs: SteatosisCutoffs, fields: Sequence[str]) -> list[str]:
    """Cells of a row, rounded.

    Parameters
    ----------
    row : SegmentStatistics
        The row.
    cutoffs : SteatosisCutoffs
        Cut-offs of the grades, which the rounded PDFF does not contradict.
    fields : sequence of str
        Columns.

    Returns
    -------
    list of str
        One text for each column.
    """
    return [_with_interval(row, cutoffs) if field == "reported" else rounded(row, field) for field in fields]


def rounded(row: SegmentStatistics, field: str) -> str:
    """A value as it is shown, '' where there is none."""
    value = getattr(row, field)
    if isinstance(value, str):
        return value
    return f"{value:.{_DECIMALS.get(field, 1)}f}" if math.isfinite(value) else ""


def row_as_text(row: SegmentStatistics, cutoffs: SteatosisCutoffs) -> str:
    """A row as a line of text with units, for the clipboard; rounded as it is shown, separated by tabs."""
    return "\t".join(f"{title(field)}: {text}" for field, text in zip(EVERY, texts(row, cutoffs, EVERY), strict=True))


def fill_shown_table(table: Any, rows: Sequence[SegmentStatistics], cutoffs: SteatosisCutoffs, fields: Sequence[str]) -> None:
    """Put rows, as they are shown, into a table node for the table view.

    Parameters
    ----------
    table : vtkMRMLTableNode
        The table.
    rows : sequence of SegmentStatistics
        The rows.
    cutoffs : SteatosisCutoffs
        Cut-offs of the grades.
    fields : sequence of str
        Columns.
    """
    modified = table.StartModify()
    table.RemoveAllColumns()
    cells = [texts(row, cutoffs, fields) for row in rows]
    for number, field in enumerate(fields):
        column = vtk.vtkStringArray()
        column.SetName(title(field))
        for row in cells:
            column.InsertNextValue(row[number])
        table.AddColumn(column)
    head_by_column_names(table)
    table.SetLocked(True)
    table.EndModify(modified)


def at_a_cutoff(row: SegmentStatistics, cutoffs: SteatosisCutoffs) -> bool:
    """Whether one decimal would not show on which side of a cut-off the reported PDFF lies."""
    return math.isfinite(row.reported) and _hides_its_side(row.reported, 1, cutoffs)


def _hides_its_side(value: float, places: int, cutoffs: SteatosisCutoffs) -> bool:
    limits = (cutoffs.grade_1, cutoffs.grade_2, cutoffs.grade_3)
    return any(float(f"{value:.{places}f}") == limit != value for limit in limits)


def _with_interval(row: SegmentStatistics, cutoffs: SteatosisCutoffs) -> str:
    value = row.reported
    if not math.isfinite(value):
        return row.without_number
    places = 1
    while places < _MOST_DECIMALS and _hides_its_side(value, places, cutoffs):
        places += 1  # 11.308 is S2 at a cut-off of 11.3: '11.3' would not show why, and 11.29 is S1
    known = math.isfinite(row.reported_low) and math.isfinite(row.reported_high)
    return f"{value:.{places}f}" + (f" ({row.reported_low:.1f} to {row.reported_high:.1f})" if known else "")
