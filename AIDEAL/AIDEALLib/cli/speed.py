"""Command `aideal speed`: duration of a scan from file to maps, by stage."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..options import RunOptions
from .options import Debug, takes_run_options

if TYPE_CHECKING:
    from ..parameter_maps import ParameterMaps

DISTINCT_SLICES = 6
"""Further slices are copies: time and memory do not depend on their content."""


@takes_run_options("method", "device", "models", "trust_models")
def speed(
    options: RunOptions,
    matrix: Annotated[int, typer.Option(min=32, help="Rows and columns.")] = 256,
    slices: Annotated[int, typer.Option(min=1, help="Slices.")] = 32,
    echoes: Annotated[int, typer.Option(min=3, max=16, help="Echoes.")] = 6,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; by default those that torch chooses.", show_default=False)
    ] = None,
    debug: Debug = False,
) -> None:
    """Time a simulated scan from file to maps: reading, estimate, writing."""
    import tempfile

    from rich.console import Console

    from .results import number, table_of

    console = Console()
    with tempfile.TemporaryDirectory(prefix="aideal-speed-") as folder:
        file = Path(folder) / "scan.npz"
        with Console(stderr=True).status("Simulating the scan"):
            _write_scan_in_process(file, matrix, slices, echoes)
        seconds, maps = _timed_run(file, options, threads)
    import torch

    total = sum(seconds.values())
    lines = [(name, number(s, 2), number(1000 * s / slices, 0), number(100 * s / total, 0)) for name, s in seconds.items()]
    lines.append(("end to end", number(total, 2), number(1000 * total / slices, 0), "100"))
    title = (
        f"{matrix}x{matrix}x{slices}x{echoes}, {options.method}, {maps.provenance.device}, {torch.get_num_threads()} threads"
    )
    console.print(table_of(title, ("Stage", "s", "ms per slice", "%"), lines))
    console.print(f"Foreground {100 * maps.mask.mean():.0f} % of the voxels. Peak memory {_peak_memory()}.", highlight=False)


def _write_scan_in_process(file: Path, matrix: int, slices: int, echoes: int) -> None:
    """Simulate in another process, so that its memory is not counted."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(write_scan, file, matrix, slices, echoes).result()


def _timed_run(file: Path, options: RunOptions, threads: int | None) -> tuple[dict[str, float], ParameterMaps]:
    """Seconds by stage, and the maps."""
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[stage] = time.perf_counter() - start

    with timed("start-up"):
        import torch

        from ..io.load import load_series
        from ..io.output.save import save_maps
        from .running import run_with_progress

        if threads:
            torch.set_num_threads(threads)
    with timed("reading"):
        series = load_series(file)
    with timed("estimate"):
        maps = run_with_progress(series, options, check=False).maps
    estimate = seconds.pop("estimate")
    stages = maps.provenance.seconds
    seconds |= {**stages, "other (load networks, phase sign, ...)": max(0.0, estimate - sum(stages.values()))}
    with timed("writing"):
        save_maps(maps, file.with_name("maps"))
    return seconds, maps


def write_scan(file: Path, matrix: int, slices: int, echoes: int) -> None:
    """Simulate an upper abdomen at 1.5 T and write it; slices beyond `DISTINCT_SLICES` are copies."""
    from dataclasses import replace

    import numpy as np

    from ..io.npz import write_npz
    from ..simulation.abdomen import abdomen
    from ..simulation.protocol import Protocol, echo_times
    from ..simulation.scan import acquire

    tissue = abdomen(3, 1.5, (min(slices, DISTINCT_SLICES), matrix, matrix))
    protocol = Protocol(f"1.5T {echoes} echoes 1.3+2.1n", echo_times(1.3, 2.1, echoes), 1.5, snr=30.0)
    series = acquire(tissue, protocol, np.random.default_rng(3))
    order = np.arange(slices) % series.shape[0]
    write_npz(file, replace(series, echoes=series.echoes[:, order]))


def _peak_memory() -> str:
    from ..benchmark.memory import peak_mib

    peak = peak_mib()
    return f"{peak / 1024:.2f} GiB" if math.isfinite(peak) else "unknown on Windows"
