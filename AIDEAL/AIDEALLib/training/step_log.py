"""The log of a run: one CSV line for each step, also after interruptions."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import IO


class StepLog:
    """Context that appends (step, loss) lines after those of the steps up to `start`.

    Parameters
    ----------
    path : Path
        The file.
    start : int
        Steps done. Lines of later steps, lost with an interruption, are dropped: those steps will be repeated.
    enabled : bool
        False writes nothing, for processes other than the first.
    """

    def __init__(self, path: Path, start: int, enabled: bool = True) -> None:
        self._path, self._start, self._enabled = path, start, enabled
        self._stream: IO[str] | None = None

    def __enter__(self) -> StepLog:
        if self._enabled:
            kept = self._path.read_text(encoding="utf-8").splitlines()[: self._start] if self._path.is_file() else []
            unfinished = self._path.with_suffix(".part")
            unfinished.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            unfinished.replace(self._path)
            self._stream = self._path.open("a", newline="", encoding="utf-8")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._stream is not None:
            self._stream.close()

    def write(self, step: int, loss: float) -> None:
        """Append one line."""
        if self._stream is not None:
            csv.writer(self._stream, lineterminator="\n").writerow([step, f"{loss:.6f}"])

    def flush(self) -> None:
        """Write the lines to disk, before the checkpoint that relies on them."""
        if self._stream is not None:
            self._stream.flush()
