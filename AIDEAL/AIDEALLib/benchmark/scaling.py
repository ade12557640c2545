"""Time and memory of each method against matrix, slices, echoes and threads, varied one at a time."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path

from ..validation.tables import save_rows
from .machine import Machine
from .plots import save_scaling
from .report import markdown
from .scaling_row import LARGE, MATRIX, ScalingRow
from .scaling_summary import summarise, titles
from .scan_size import ScanSize
from .worker import ProcessEnded, Runner

LONGEST_CPU_S = 90.0
"""A point that would take more CPU time, at the rate of the point before, is left out."""
LONGEST_LARGE_CPU_S = 180.0
"""The same of the large scan."""
ONE_RUN_CPU_S = 10.0
"""A run that takes more CPU time is not repeated."""
REPEATS = 3


@dataclass(frozen=True)
class Size(ScanSize):
    """Size of a scan, and the number of threads.

    Attributes
    ----------
    threads : int
        Number of threads.
    """

    threads: int


def points(threads: int, quick: bool) -> list[tuple[str, list[int], Size]]:
    """Parameters to vary: name, values, and the size around which it is varied."""
    if quick:
        return [(MATRIX, [48, 64], Size(48, 1, 4, threads))]
    base = Size(192, 2, 6, threads)
    return [
        (MATRIX, [96, 192, 288, 384], base),
        ("slices", [1, 2, 8, 32], base),
        ("echoes", [3, 6, 12, 16], base),
        ("threads", sorted({1, threads}), base),
        (LARGE, [60], replace(base, matrix=384)),
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
        The tables in Markdown.
    """
    rows = [row for name in names for row in _method(name, threads, quick, progress)]
    folder.mkdir(parents=True, exist_ok=True)
    save_rows(rows, folder / "scaling.csv")
    save_scaling(rows, folder / "scaling.png")
    text = "\n\n".join(["# Scaling", Machine.here().sentence(), _summary(rows), _table(rows)]) + "\n"
    (folder / "scaling.md").write_text(text, encoding="utf-8")
    return text


def _method(name: str, threads: int, quick: bool, progress: Callable[[str], None]) -> list[ScalingRow]:
    rows: list[ScalingRow] = []
    rate = 0.0
    for varied, values, base in points(threads, quick):
        limit = LONGEST_LARGE_CPU_S if varied == LARGE else LONGEST_CPU_S
        for value in values:
            size = replace(base, **{"slices" if varied == LARGE else varied: value})
            if rate * size.samples > limit:
                rows.append(_missing(name, varied, value, f"left out: about {rate * size.samples:.0f} s of CPU time"))
                continue
            progress(f"{name}: {varied} {value}")
            row = _point(name, varied, value, size)
            rows.append(row)
            if row.note:
                return rows
            rate = row.cpu_s / size.samples
    return rows


def _point(name: str, varied: str, value: int, size: Size) -> ScalingRow:
    """Measure in a new process, so that the memory is that of this size."""
    series = size.series()
    with Runner(name, size.threads) as runner:
        if runner.description.failure:
            return _missing(name, varied, value, runner.description.failure)
        try:
            costs = [runner.run(series).cost]
            if costs[0].cpu_s < ONE_RUN_CPU_S:  # the first run was a warm-up
                costs = [runner.run(series).cost for _ in range(REPEATS)]
        except ProcessEnded as ended:
            return _missing(name, varied, value, str(ended))
    seconds, cpu = (statistics.median(times) for times in ([c.seconds for c in costs], [c.cpu_s for c in costs]))
    return ScalingRow(name, varied, value, seconds, cpu, seconds / size.slices, costs[-1].peak_mib)


def _missing(name: str, varied: str, value: int, note: str) -> ScalingRow:
    return ScalingRow(name, varied, value, nan, nan, nan, nan, note)


def _summary(rows: Sequence[ScalingRow]) -> str:
    return markdown(titles(), [summary.cells() for summary in summarise(rows)])


def _table(rows: Sequence[ScalingRow]) -> str:
    lines = [[r.method, r.varied, str(r.value), *_figures(r)] for r in rows]
    return markdown(["Method", "Varied", "Value", "s per slice", "CPU s", "MiB"], lines)


def _figures(row: ScalingRow) -> list[str]:
    if row.note:
        return [row.note, "", ""]
    return [f"{row.seconds_per_slice:.3f}", f"{row.cpu_s:.2f}", f"{row.peak_mib:.0f}"]
