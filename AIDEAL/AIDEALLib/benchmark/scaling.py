"""Time and memory of each method against matrix, slices, echoes and threads, varied one at a time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..echoes import EchoSeries
from ..simulation.abdomen import abdomen
from ..simulation.protocol import Protocol, echo_times
from ..simulation.scan import acquire
from ..validation.tables import save_rows
from .plots import save_scaling
from .report import markdown
from .scaling_row import ScalingRow
from .worker import ProcessEnded, Runner

DISTINCT_SLICES = 2
"""Further slices are copies: time and memory do not depend on their content."""
LONGEST_S = 45.0
"""A point that would take longer, at the rate of the point before, is left out."""
REPEATS = 3
PATIENT = 400


@dataclass(frozen=True)
class Size:
    """Size of a scan, and the number of threads.

    Attributes
    ----------
    matrix : int
        Rows and columns.
    slices : int
        Number of slices.
    echoes : int
        Number of echoes.
    threads : int
        Number of threads.
    """

    matrix: int = 192
    slices: int = 2
    echoes: int = 6
    threads: int = 2

    @property
    def samples(self) -> int:
        """Complex samples of the scan."""
        return self.matrix**2 * self.slices * self.echoes

    def series(self) -> EchoSeries:
        """Simulate an upper abdomen at 1.5 T."""
        tissue = abdomen(
            PATIENT, 1.5, (DISTINCT_SLICES, self.matrix, self.matrix), (384 / self.matrix, 384 / self.matrix, 25.0)
        )
        protocol = Protocol("scaling", echo_times(1.2, 1.6, self.echoes), 1.5, snr=30.0)
        series = acquire(tissue, protocol, np.random.default_rng(PATIENT))
        return replace(series, echoes=series.echoes[:, np.arange(self.slices) % DISTINCT_SLICES])


def points(threads: int, quick: bool) -> list[tuple[str, list[int], Size]]:
    """Parameters to vary: name, values, and the size around which it is varied."""
    if quick:
        return [("matrix", [48, 64], Size(48, 1, 4, threads))]
    base = Size(threads=threads)
    return [
        ("matrix", [96, 192, 288, 384], base),
        ("slices", [1, 2, 8, 32], base),
        ("echoes", [3, 6, 12, 16], base),
        ("threads", sorted({1, threads}), base),
    ]


def scale(names: Sequence[str], folder: Path, threads: int, quick: bool, progress: Callable[[str], None]) -> str:
    """Time every method at every size; write `scaling.csv`, `scaling.md` and `scaling.png`.

    Parameters
    ----------
    names : sequence of str
        Keys of `method.METHODS`.
    folder : Path
        Folder of the results.
    threads : int
        Number of threads.
    quick : bool
        Two small sizes only.
    progress : callable
        Called with a sentence as each point begins.

    Returns
    -------
    str
        The table in Markdown.
    """
    rows = [row for name in names for row in _method(name, threads, quick, progress)]
    folder.mkdir(parents=True, exist_ok=True)
    save_rows(rows, folder / "scaling.csv")
    save_scaling(rows, folder / "scaling.png")
    text = "# Scaling\n\n" + _table(rows) + "\n"
    (folder / "scaling.md").write_text(text, encoding="utf-8")
    return text


def _method(name: str, threads: int, quick: bool, progress: Callable[[str], None]) -> list[ScalingRow]:
    rows: list[ScalingRow] = []
    for varied, values, base in points(threads, quick):
        rate = 0.0
        for value in values:
            size = replace(base, **{varied: value})
            if rate * size.samples > LONGEST_S:
                rows.append(_missing(name, varied, value, f"left out: about {rate * size.samples:.0f} s"))
                continue
            progress(f"{name}: {varied} {value}")
            row = _point(name, varied, value, size)
            rows.append(row)
            if row.note:
                return rows
            rate = row.seconds / size.samples
    return rows


def _point(name: str, varied: str, value: int, size: Size) -> ScalingRow:
    """Measure in a new process, so that the memory is that of this size."""
    series = size.series()
    with Runner(name, size.threads) as runner:
        if runner.description.failure:
            return _missing(name, varied, value, runner.description.failure)
        try:
            runs = [runner.run(series)]
            if runs[0].cost.seconds < LONGEST_S / 10:  # the first run was a warm-up
                runs = [runner.run(series) for _ in range(REPEATS)]
        except ProcessEnded as ended:
            return _missing(name, varied, value, str(ended))
    seconds = statistics.median(run.cost.seconds for run in runs)
    return ScalingRow(name, varied, value, seconds, seconds / size.slices, runs[-1].cost.peak_mib)


def _missing(name: str, varied: str, value: int, note: str) -> ScalingRow:
    return ScalingRow(name, varied, value, float("nan"), float("nan"), float("nan"), note)


def _table(rows: Sequence[ScalingRow]) -> str:
    lines = [
        [r.method, r.varied, str(r.value), r.note or f"{r.seconds_per_slice:.3f}", "" if r.note else f"{r.peak_mib:.0f}"]
        for r in rows
    ]
    return markdown(["Method", "Varied", "Value", "s per slice", "MiB"], lines)
