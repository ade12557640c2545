"""Questions to the user through Slicer's windows."""

from __future__ import annotations

from pathlib import Path

import slicer


class SlicerDialogs:
    """Questions to the user through Slicer."""

    def confirm(self, text: str) -> bool:
        """Yes or no."""
        return bool(slicer.util.confirmYesNoDisplay(text, windowTitle="AIDEAL"))

    def choose(self, text: str, choices: list[str]) -> int:
        """Index of the chosen button, -1 for none."""
        import qt

        box = qt.QMessageBox(slicer.util.mainWindow())
        box.setWindowTitle("AIDEAL")
        box.setText(text)
        buttons = [box.addButton(choice, qt.QMessageBox.ActionRole) for choice in choices]
        (box.exec_ if hasattr(box, "exec_") else box.exec)()
        clicked = box.clickedButton()
        return next((n for n, button in enumerate(buttons) if button == clicked), -1)

    def error(self, text: str, details: str = "") -> None:
        """Show an error."""
        slicer.util.errorDisplay(text, windowTitle="AIDEAL", detailedText=details or None)

    def ask(self, question: str) -> str:
        """A line of text, '' for none."""
        import qt

        return str(qt.QInputDialog.getText(slicer.util.mainWindow(), "AIDEAL", question) or "")

    def open_files(self, title: str, pattern: str) -> list[Path]:
        """Files to read, [] for none."""
        import qt

        names = qt.QFileDialog.getOpenFileNames(slicer.util.mainWindow(), title, "", pattern)  # PythonQt: a tuple of names
        return [Path(name) for name in names]

    def save_file(self, title: str, name: str, pattern: str) -> Path | None:
        """File to write, None for none.

        Parameters
        ----------
        title : str
            Title of the window.
        name : str
            Name proposed.
        pattern : str
            File types, as Qt takes them.
        """
        import qt

        chosen = qt.QFileDialog.getSaveFileName(slicer.util.mainWindow(), title, name, pattern)
        return Path(chosen) if chosen else None

    def folder(self, title: str) -> Path | None:
        """Folder to write into, None for none."""
        import qt

        chosen = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), title)
        return Path(chosen) if chosen else None

    def clipboard(self, text: str) -> None:
        """Put a text onto the clipboard."""
        slicer.app.clipboard().setText(text)
