"""Steps of a run alone and on a busy machine; a part of `chaos.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from chaos_ends import scan_file

MOST_TIMES_SLOWER = 3.0
REPEATS = 3


def busy(cases: list[int]) -> Iterator[dict[str, Any]]:
    """Wall times of the steps of a run alone, and beside two processes that compute; one row for all cases."""
    with tempfile.TemporaryDirectory() as name:
        steps = _steps(scan_file(Path(name), 5, slices=4))
        alone = _times(steps)
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
        try:
            beside = _times(steps)
        finally:
            for other in others:
                other.kill()
                other.wait()
    worst = max(beside[step] / alone[step] for step in steps)
    outcome = "held" if worst < MOST_TIMES_SLOWER else f"{worst:.1f} times slower"
    yield {"case": cases[0], "outcome": outcome, "alone": alone, "beside": beside}


def _steps(file: Path) -> dict[str, Callable[[], object]]:
    from AIDEALLib.estimation.phase_correction.plan import plan_corrections
    from AIDEALLib.io.load import load_series
    from AIDEALLib.options import RunOptions
    from AIDEALLib.physics.spectrum import SIX_PEAK
    from AIDEALLib.pipeline import run
    from AIDEALLib.quality.assess import assess

    series, options = load_series(file), RunOptions(device="cpu")
    maps = run(series, options, check=False).maps
    return {
        "reading": lambda: load_series(file),
        "phase corrections": lambda: plan_corrections(series, SIX_PEAK, options),
        "estimate": lambda: run(series, options, check=False),
        "checking": lambda: assess(series, maps, options),
        "a run": lambda: run(file, options),
    }


def _times(steps: dict[str, Callable[[], object]]) -> dict[str, float]:
    found = {}
    for step, work in steps.items():
        took = []
        for _ in range(REPEATS):
            began = time.monotonic()
            work()
            took.append(time.monotonic() - began)
        found[step] = float(np.median(took))
    return found


def busy_figures(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Times of each step in the latest row."""
    alone, beside = rows[-1]["alone"], rows[-1]["beside"]
    return ", ".join(f"{s} {alone[s]:.2f} s alone, {beside[s]:.2f} s beside ({beside[s] / alone[s]:.1f})" for s in alone), True
