"""Tables of the panel: rows as high as their text, no taller than their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

ROW_PIXELS, SCROLL_BAR_PIXELS, FEWEST_ROWS, MOST_ROWS = 24, 18, 2, 10
"""Height of a row and of a scroll bar, and how many rows are seen at least, and at most without scrolling."""


def set_up_table(table: Any) -> None:
    """Rows without numbers, and the width used up by the last column."""
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(ROW_PIXELS)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setHighlightSections(False)


def fill_table(table: Any, headings: Sequence[str], rows: Sequence[Sequence[str]], tips: Sequence[str] = ()) -> None:
    """Put texts into a table, and give it their height.

    Parameters
    ----------
    table : QTableWidget
        The table.
    headings : sequence of str
        One for each column.
    rows : sequence of sequence of str
        Cells of each row.
    tips : sequence of str
        Tooltip of each heading.
    """
    import qt

    table.setColumnCount(len(headings))
    table.setHorizontalHeaderLabels(list(headings))
    for column, tip in enumerate(tips):
        table.horizontalHeaderItem(column).setToolTip(tip)
    table.setRowCount(len(rows))
    for n, row in enumerate(rows):
        for column, text in enumerate(row):
            item = qt.QTableWidgetItem(text)
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
            if column:
                item.setTextAlignment(qt.Qt.AlignCenter)
            table.setItem(n, column, item)
    table.resizeColumnsToContents()
    seen = min(max(len(rows), FEWEST_ROWS), MOST_ROWS)
    table.setFixedHeight(table.horizontalHeader().height + seen * ROW_PIXELS + SCROLL_BAR_PIXELS + 2)
