"""What the sections share: the widgets of the .ui file, the logic, the parameter node, and ways to ask and tell the user."""

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
        """Say that something went wrong."""

    def open_files(self, title: str, pattern: str) -> list[Path]:
        """Files to read, [] for none."""

    def save_file(self, title: str, name: str, pattern: str) -> Path | None:
        """File to write, None for none."""

    def folder(self, title: str) -> Path | None:
        """Folder to write into, None for none."""

    def clipboard(self, text: str) -> None:
        """Put a text onto the clipboard."""


@dataclass(frozen=True)
class Context:
    """Handed to every section.

    Attributes
    ----------
    ui : widgets by name. later : calls a function after some milliseconds.
    parameters : the current parameter node, None while there is none (a scene is being closed).
    """

    ui: Any
    logic: AidealLogic
    dialogs: Dialogs
    later: Callable[[int, Callable[[], None]], None]
    parameters: Callable[[], Any]

    def limits(self) -> LowConfidence:
        """When a voxel counts as low confidence: for overlay, table, jumps and voxels left out alike."""
        parameters = self.parameters()
        if parameters is None:
            return LowConfidence()
        return LowConfidence(parameters.lowConfidenceSwap, parameters.lowConfidenceSd)

    def maps(self) -> MapNodes | None:
        """The run that is looked at, None when there is none."""
        parameters = self.parameters()
        return maps_of(parameters.pdff) if parameters is not None else None
