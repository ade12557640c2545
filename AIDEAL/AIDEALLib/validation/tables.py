"""Rows of a data class as CSV."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path


def save_rows(rows: Sequence[object], path: Path) -> None:
    """Write rows of one dataclass as CSV under its fields' names; values that are not a number become empty cells."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = [entry.name for entry in fields(rows[0])]  # type: ignore[arg-type]
        writer.writerow(names)
        for row in rows:
            values = [getattr(row, name) for name in names]
            writer.writerow(["" if isinstance(v, float) and not math.isfinite(v) else v for v in values])
