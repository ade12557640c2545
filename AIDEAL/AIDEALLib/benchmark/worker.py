"""Each method in a process of its own, with its own memory and threads; all of them stay up, so that runs interleave.

Loading this file must load neither torch nor a method: the number of threads is fixed before they are.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..echoes import EchoSeries
from ..parameter_maps import ParameterMaps
from .method import Comparator, NotInstalled, load

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_comparator: Comparator | None = None


@dataclass(frozen=True)
class Introduction:
    """What a started method says of itself; `missing` says what to install when it cannot run."""

    settings: str = ""
    version: str = ""
    missing: str = ""


@dataclass(frozen=True, eq=False)
class Run:
    """Maps of one run, how long it took, and the largest memory of the process so far."""

    maps: ParameterMaps
    seconds: float
    peak_mib: float


class Runner:
    """A method, running. Close it, or use it in a `with` statement."""

    def __init__(self, name: str, threads: int) -> None:
        with _thread_settings(threads):
            self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
            self.introduction = self._pool.submit(_start, name, threads).result()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.shutdown()

    def run(self, series: EchoSeries) -> Run:
        """Estimate a scan; the process does nothing else meanwhile."""
        return self._pool.submit(_run, series).result()


@contextmanager
def _thread_settings(threads: int) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(name: str, threads: int) -> Introduction:
    global _comparator
    import torch

    torch.set_num_threads(threads)
    try:
        _comparator = load(name)
    except NotInstalled as error:
        return Introduction(missing=str(error))
    for _ in range(2):  # what is compiled or allocated on first use belongs to no scan's time
        _comparator.estimate(_small_scan())
    return Introduction(_comparator.settings, _comparator.version)


def _small_scan() -> EchoSeries:
    """Fat beside water on 32 x 32 pixels."""
    import torch

    from ..physics.spectrum import SIX_PEAK

    te = np.linspace(1.5e-3, 9e-3, 6, dtype=np.float64)
    fat = SIX_PEAK.modulation(torch.from_numpy(te), 1.5).numpy()
    columns = np.arange(32) >= 16
    echoes = np.where(columns, fat[:, None], 1.0)[:, None, None, :] * np.exp(-40.0 * te)[:, None, None, None]
    noise = np.random.default_rng(0).normal(0, 0.01, (2, 6, 1, 32, 32))
    return EchoSeries((np.broadcast_to(echoes, (6, 1, 32, 32)) + noise[0] + 1j * noise[1]).astype(np.complex64), te, 1.5)


def _run(series: EchoSeries) -> Run:
    assert _comparator is not None
    start = time.perf_counter()
    maps = _comparator.estimate(series)
    return Run(maps, time.perf_counter() - start, peak_mib())


def peak_mib() -> float:
    """Largest memory of this process so far in MiB; NaN where the system does not tell.

    On Linux not by `getrusage`, whose figure starts at the size of the parent.
    """
    if sys.platform == "linux":
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    if sys.platform == "win32":
        return float("nan")
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
