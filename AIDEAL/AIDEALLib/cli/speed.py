"""`aideal speed`: how long a scan takes from file to maps, and where the time goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..options import RunOptions
from .options import Debug, takes_run_options

DISTINCT_SLICES = 6
"""More slices than this are repeats: time and memory do not care."""


@takes_run_options("method", "device", "models")
def speed(
    options: RunOptions,
    matrix: Annotated[int, typer.Option(min=32, help="Rows and columns.")] = 256,
    slices: Annotated[int, typer.Option(min=1, help="Slices.")] = 32,
    echoes: Annotated[int, typer.Option(min=3, max=16, help="Echoes.")] = 6,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads; torch decides when not given.", show_default=False)
    ] = None,
    debug: Debug = False,
) -> None:
    """Time a simulated scan end to end: read it, estimate it, write its maps."""
    import multiprocessing
    import tempfile
    import time
    from concurrent.futures import ProcessPoolExecutor

    from rich.console import Console

    from .results import number, table_of

    console = Console()
    with tempfile.TemporaryDirectory(prefix="aideal-speed-") as folder:
        file = Path(folder) / "scan.npz"
        # in a process of its own, so that its memory does not count
        with (
            Console(stderr=True).status("Simulating the scan"),
            ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool,
        ):
            pool.submit(write_scan, file, matrix, slices, echoes).result()
        start = time.perf_counter()
        import torch

        from ..io.load import load_series
        from ..io.output.save import save_maps
        from .running import run_with_progress

        if threads:
            torch.set_num_threads(threads)
        seconds = {"start-up": time.perf_counter() - start}
        start = time.perf_counter()
        series = load_series(file)
        seconds["reading"] = time.perf_counter() - start
        start = time.perf_counter()
        maps = run_with_progress(series, options, check=False).maps
        estimating = time.perf_counter() - start
        stages = maps.provenance.seconds
        seconds |= {**stages, "other (load networks, phase sign, ...)": max(0.0, estimating - sum(stages.values()))}
        start = time.perf_counter()
        save_maps(maps, Path(folder) / "maps")
        seconds["writing"] = time.perf_counter() - start
        used = torch.get_num_threads()
    total = sum(seconds.values())
    lines = [(name, number(s, 2), number(1000 * s / slices, 0), number(100 * s / total, 0)) for name, s in seconds.items()]
    lines.append(("end to end", number(total, 2), number(1000 * total / slices, 0), "100"))
    title = f"{matrix}x{matrix}x{slices}x{echoes}, {options.method}, {maps.provenance.device}, {used} threads"
    console.print(table_of(title, ("Stage", "s", "ms a slice", "%"), lines))
    console.print(f"Foreground {100 * maps.mask.mean():.0f} % of the voxels. Peak memory {_peak_memory()}.", highlight=False)


def write_scan(file: Path, matrix: int, slices: int, echoes: int) -> None:
    """Simulate an upper abdomen at 1.5 T and write it; beyond `DISTINCT_SLICES` slices it repeats."""
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
    """Largest memory of this process so far."""
    if sys.platform == "win32":
        return "unknown on Windows"
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"{peak / (1024**3 if sys.platform == 'darwin' else 1024**2):.2f} GiB"
