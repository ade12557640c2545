"""The last benchmark in which the peer's graph cut ran beside our methods, for machines where it cannot run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import nan
from pathlib import Path
from typing import Any

from .machine import Machine
from .run import Results
from .summary import GRAPH_CUTS, MethodSummary

LAST_PAIRED = Path(__file__).with_name("last_paired.json")
"""Written by `aideal benchmark` as `paired.json` and copied here."""


@dataclass(frozen=True)
class PairedRun:
    """Rows of a benchmark whose methods ran in turns on one machine.

    Attributes
    ----------
    machine : str
        Where.
    scans : str
        Scans and threads.
    rows : tuple of MethodSummary
        One a method.
    """

    machine: str
    scans: str
    rows: tuple[MethodSummary, ...]

    def save(self, file: Path) -> None:
        """Write as JSON; NaN becomes null."""
        rows = [{key: _without_nan(value) for key, value in asdict(row).items()} for row in self.rows]
        content = {"machine": self.machine, "scans": self.scans, "rows": rows}
        file.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, file: Path = LAST_PAIRED) -> PairedRun:
        """Read what `save` has written, by default the run that this package carries."""
        content = json.loads(file.read_text(encoding="utf-8"))
        rows: list[dict[str, Any]] = [
            {key: nan if value is None else value for key, value in row.items()} for row in content["rows"]
        ]
        return cls(content["machine"], content["scans"], tuple(MethodSummary(**row) for row in rows))


def save_if_paired(results: Results, rows: Sequence[MethodSummary], file: Path) -> None:
    """Write the rows where the peer's graph cut ran on every scan.

    Parameters
    ----------
    results : Results
        Results of the benchmark.
    rows : sequence of MethodSummary
        Its rows.
    file : Path
        File to write.
    """
    if GRAPH_CUTS[0] in results.complete:
        PairedRun(Machine.here().sentence(), results.plan.sentence(), tuple(rows)).save(file)


def _without_nan(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
