"""Menu of the table's columns: what is read first in front, then all others."""

from __future__ import annotations

from functools import partial
from typing import Any

from ..results import columns
from ..text import tr
from .context import Context


class ColumnsMenu:
    """Keeps ticks of a menu and the columns stored in the parameter node in step.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    """

    def __init__(self, context: Context) -> None:
        import qt

        self._context = context
        self._showing = False
        button = context.ui.columnsButton
        self._menu = qt.QMenu(button)
        self._actions: dict[str, Any] = {}
        for name, fields in ((tr("Usual columns"), columns.USUAL), (tr("All columns"), columns.EVERY)):
            self._menu.addAction(name).connect("triggered(bool)", partial(self._store, fields))
        self._menu.addSeparator()
        for field in columns.EVERY[1:]:
            if field == columns.EVERY[len(columns.USUAL)]:
                self._menu.addSeparator()
            action = self._menu.addAction(tr(columns.title(field)))
            action.setCheckable(True)
            action.connect("toggled(bool)", self.onToggled)
            self._actions[field] = action
        button.setMenu(self._menu)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Columns to show."""
        parameters = self._context.parameters()
        return columns.USUAL if parameters is None else columns.chosen(parameters.columns, parameters.allColumns)

    def update(self) -> None:
        """Tick the columns that are shown."""
        shown, self._showing = self.chosen, True
        for field, action in self._actions.items():
            action.setChecked(field in shown)
        self._showing = False

    def onToggled(self, *_: Any) -> None:
        """A column was ticked or unticked."""
        if not self._showing:
            self._store(tuple(field for field, action in self._actions.items() if action.checked))

    def _store(self, fields: tuple[str, ...], *_: Any) -> None:
        parameters = self._context.parameters()
        if parameters is not None:
            parameters.columns = " ".join(("name", *(field for field in fields if field != "name")))
