"""Findings of scan and maps, the worst first, with advice and a button to their slices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...worker.client import Finding, Severity
from ..nodes import findings_of
from ..text import tr
from ..views import display
from ..views.outline import outline
from ..volumes import array_of, world_position
from ..wording import panel_words
from .context import Context

MOST_SLICES_NAMED = 8


class FindingsPanel:
    """Shows the findings for which a scan was refused, else those of the maps that are shown.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    refused : callable
        Returns the findings for which the chosen scan was refused.
    """

    def __init__(self, context: Context, refused: Callable[[], tuple[Finding, ...]]) -> None:
        import qt

        self._context, self._refused, self._qt = context, refused, qt
        self._shown: tuple[Finding, ...] = ()
        self._visited = (-1, -1)
        table = context.ui.findingsTable
        table.setColumnCount(2)
        table.setHorizontalHeaderLabels([tr("Severity"), tr("Finding and advice")])
        table.verticalHeader().setVisible(False)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)  # follows the width of the panel
        table.horizontalHeader().setStretchLastSection(True)
        table.wordWrap = True
        table.setVisible(False)
        context.ui.findingPlaceButton.setVisible(False)
        table.connect("itemSelectionChanged()", self.onSelected)
        context.ui.findingPlaceButton.connect("clicked(bool)", self.onPlace)

    def update(self) -> None:
        """Show the findings of the scan or maps chosen."""
        maps = self._context.maps()
        found = self._refused() or (findings_of(maps.pdff) if maps is not None else ())
        if found == self._shown:
            return
        self._shown, self._visited = found, (-1, -1)
        table = self._context.ui.findingsTable
        table.setRowCount(len(found))
        for n, finding in enumerate(found):
            for column, text in enumerate((_severity(finding), sentence(finding))):
                table.setItem(n, column, self._item(text, finding))
        table.setVisible(bool(found))
        table.resizeColumnToContents(0)
        self._context.ui.findingPlaceButton.setVisible(any(finding.slices for finding in found))
        self.onSelected()

    def onSelected(self, *_: Any) -> None:
        """Another finding was selected."""
        self._context.ui.findingPlaceButton.enabled = bool(self._row() is not None and self._context.maps())

    def onPlace(self, *_: Any) -> None:
        """Go to the slice of the selected finding (or of the first that has one), and with every press to its next."""
        maps, row = self._context.maps(), self._row()
        if maps is None or row is None:
            return
        slices = self._shown[row].slices
        turn = self._visited[1] + 1 if self._visited[0] == row else 0
        self._visited = (row, turn % len(slices))
        index = slices[self._visited[1]]
        count, rows, columns = array_of(maps.pdff).shape
        if index >= count:
            return
        scene, box = self._context.logic.scene, self._shown[row].box
        if not box:
            display.jump_to(scene, world_position(maps.pdff, index, rows / 2, columns / 2))
            return
        display.point_at(scene, world_position(maps.pdff, index, (box[0] + box[1]) / 2, (box[2] + box[3]) / 2))
        outline(maps, index, box)

    def _row(self) -> int | None:
        """Number of the finding to go to, None when none has slices."""
        selected = self._context.ui.findingsTable.currentRow()
        placed = [n for n, finding in enumerate(self._shown) if finding.slices]
        if selected in placed:
            return int(selected)
        return placed[0] if placed and not 0 <= selected < len(self._shown) else None

    def _item(self, text: str, finding: Finding) -> Any:
        qt = self._qt
        item = qt.QTableWidgetItem(text)
        item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
        if text == _severity(finding):
            icon = {
                Severity.STOP: qt.QStyle.SP_MessageBoxCritical,
                Severity.WARN: qt.QStyle.SP_MessageBoxWarning,
                Severity.INFO: qt.QStyle.SP_MessageBoxInformation,
            }[finding.severity]
            item.setIcon(self._context.ui.findingsTable.style().standardIcon(icon))
        return item


def sentence(finding: Finding) -> str:
    """Finding with its slices and advice, options named as the panel shows them."""
    named = ", ".join(str(index + 1) for index in finding.slices[:MOST_SLICES_NAMED])
    more = ", ..." if len(finding.slices) > MOST_SLICES_NAMED else ""
    where = " " + tr("Slices {numbers}.").format(numbers=named + more) if finding.slices else ""
    return f"{finding.without_place}{where} {finding.advice.worded(panel_words)}"


def short_title(finding: Finding) -> str:
    """Finding in a few words, for a narrow line."""
    words = finding.code.split("-")
    written = {"snr": "SNR", "r2star": "R2*", "t1": "T1"}
    return f"{_severity(finding)}: {' '.join(written.get(word, word) for word in words)}"


def _severity(finding: Finding) -> str:
    return {Severity.STOP: tr("Stop"), Severity.WARN: tr("Warning"), Severity.INFO: tr("Note")}[finding.severity]
