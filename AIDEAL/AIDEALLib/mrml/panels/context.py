"""Context of the sections: widgets of the .ui file, logic, parameter node and dialogs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ...statistics import LowConfidence
from ..logic import AidealLogic
from ..nodes import MapNodes, maps_of


class Dialogs(Protocol):
    """Questions to the user; tests answer them without a window."""

    def confirm(self, text: str) -> bool:
        """Yes or no."""

    def choose(self, text: str, choices: list[str]) -> int:
        """Index of the chosen button, -1 for none."""

    def error(self, text: str, details: str = "") -> None:
        """Show an error."""

    def ask(self, question: str) -> str:
        """A line of text, '' for none."""

    def open_files(self, title: str, pattern: str) -> list[Path]:
        """Files to read, [] for none."""

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

    def folder(self, title: str) -> Path | None:
        """Folder to write into, None for none."""

    def clipboard(self, text: str) -> None:
        """Put a text onto the clipboard."""


@dataclass(frozen=True)
class Context:
    """Shared by all sections.

    Attributes
    ----------
    ui : namespace
        Widgets by name.
    logic : AidealLogic
        Logic of the module.
    dialogs : Dialogs
        Questions to the user.
    later : callable
        Calls a function after some milliseconds.
    parameters : callable
        Returns the current parameter node; None while there is none, as when a scene is being closed.
    """

    ui: Any
    logic: AidealLogic
    dialogs: Dialogs
    later: Callable[[int, Callable[[], None]], None]
    parameters: Callable[[], Any]

    def limits(self) -> LowConfidence:
        """Limits of low confidence, for overlay, table, jumps and exclusion of voxels alike."""
        parameters = self.parameters()
        if parameters is None:
            return LowConfidence()
        return LowConfidence(parameters.lowConfidenceSwap, parameters.lowConfidenceSd)

    def maps(self) -> MapNodes | None:
        """Maps of the run that is shown, None when there is none."""
        parameters = self.parameters()
        return maps_of(parameters.pdff) if parameters is not None else None
