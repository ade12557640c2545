"""A signal in plain Python: custom Qt signals crash PythonQt, and logic must not know Qt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Signal:
    """Calls every connected function, in the order they were connected."""

    def __init__(self) -> None:
        self._slots: list[Callable[..., Any]] = []

    def connect(self, slot: Callable[..., Any]) -> None:
        """Call `slot` with every `emit`."""
        self._slots.append(slot)

    def disconnect(self, slot: Callable[..., Any]) -> None:
        """Stop calling `slot`; harmless when it is not connected."""
        if slot in self._slots:
            self._slots.remove(slot)

    def emit(self, *arguments: Any) -> None:
        """Call the slots."""
        for slot in list(self._slots):
            slot(*arguments)
