"""Keys for reading while the module is shown: next slice of low confidence, next region, overlay on and off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer


class ReadingKeys:
    """Shortcuts of the main window, which work while the mouse is over an image; off while another module is shown.

    Parameters
    ----------
    root : QWidget
        Widget that holds the shortcuts where there is no main window.
    functions : dict of str to callable
        Functions by key sequence, such as 'Alt+L'.
    """

    def __init__(self, root: Any, functions: dict[str, Callable[[], None]]) -> None:
        import qt

        parent = slicer.util.mainWindow() if slicer.app.layoutManager() else None
        self._shortcuts = []
        for keys, function in functions.items():
            shortcut = qt.QShortcut(parent or root)
            shortcut.setKey(qt.QKeySequence(keys))
            shortcut.connect("activated()", function)
            self._shortcuts.append(shortcut)

    def enable(self, on: bool) -> None:
        """Switch the keys on or off."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(on)

    def close(self) -> None:
        """Remove the shortcuts: the main window outlives the panel."""
        for shortcut in self._shortcuts:
            shortcut.setEnabled(False)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts.clear()
