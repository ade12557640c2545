"""One process per method, with its own memory and number of threads; all stay alive, so that runs can be interleaved.

Loading this module must load neither torch nor a method: the number of threads is fixed before they are loaded.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from ..echoes import EchoSeries
from ..io.interchange import read_maps, read_series, write_maps, write_series
from ..parameter_maps import ParameterMaps
from .memory import peak_mib
from .method import METHODS, Comparator, Unavailable, check_names, create

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WARM_UP_RUNS = 2


@dataclass(frozen=True)
class MethodDescription:
    """Settings and version of a method.

    Attributes
    ----------
    settings : str
        Settings, for the report.
    version : str
        Version that stored results depend on.
    failure : str
        Why the method has no results; empty while it runs.
    """

    settings: str = ""
    version: str = ""
    failure: str = ""


@dataclass(frozen=True)
class RunCost:
    """Time and memory of one run.

    Attributes
    ----------
    seconds : float, seconds
        Wall time.
    cpu_s : float, seconds
        CPU time of all threads.
    peak_mib : float, MiB
        Peak memory of the process so far.
    """

    seconds: float
    cpu_s: float
    peak_mib: float


@dataclass(frozen=True, eq=False)
class Run:
    """Result of one run.

    Attributes
    ----------
    maps : ParameterMaps
        The maps.
    cost : RunCost
        Time and memory.
    """

    maps: ParameterMaps
    cost: RunCost


class ProcessEnded(Exception):
    """The process of a method ended by itself; the message names the signal or exit code."""


class Runner:
    """A method in its own process; a context manager that ends the process.

    Parameters
    ----------
    name : str
        Key of `METHODS`.
    threads : int
        Number of threads.

    Attributes
    ----------
    description : MethodDescription
        Settings and version; `failure` is set once the method cannot run.

    Raises
    ------
    InputError
        The name is unknown.
    """

    def __init__(self, name: str, threads: int) -> None:
        check_names([name])
        context = multiprocessing.get_context("spawn")
        self._connection, remote = context.Pipe()
        self._process = context.Process(target=_serve, args=(remote, METHODS[name], threads))
        with _thread_settings(threads):
            self._process.start()
        remote.close()  # the end of the process then ends the connection
        self.description = MethodDescription()
        with suppress(ProcessEnded):  # the description then gives the reason
            self.description = self._receive()

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self._process.terminate()
        self._process.join()
        self._connection.close()

    def run(self, series: EchoSeries) -> Run:
        """Estimate a scan; the process does nothing else meanwhile.

        Parameters
        ----------
        series : EchoSeries
            The scan.

        Returns
        -------
        Run
            Maps, duration and memory.

        Raises
        ------
        ProcessEnded
            The process ended; `description.failure` then gives the reason.
        """
        with tempfile.TemporaryDirectory(prefix="aideal-benchmark-") as folder:
            write_series(series, Path(folder))  # a pickle in the pipe would count as memory of the method
            try:
                self._connection.send(folder)
            except OSError as error:
                raise self._ended() from error
            cost: RunCost = self._receive()
            return Run(read_maps(Path(folder)), cost)

    def _receive(self) -> Any:
        try:
            result = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if isinstance(result, Exception):
            raise result
        return result

    def _ended(self) -> ProcessEnded:
        self._process.join()
        self.description = replace(self.description, failure=f"its process ended: {_reason(self._process.exitcode or 0)}")
        return ProcessEnded(self.description.failure)


def _reason(exit_code: int) -> str:
    """Name of the signal, such as SIGILL, or the exit code; hexadecimal for the exceptions of Windows."""
    if exit_code < 0:
        return signal.Signals(-exit_code).name
    return f"exit code {exit_code:#x}" if exit_code > 0xFF else f"exit code {exit_code}"


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


def _serve(connection: Connection, location: str, threads: int) -> None:
    """Main function of the process: send the description, then the cost for each folder received; errors are sent as well."""
    try:
        import torch

        torch.set_num_threads(threads)
        comparator = create(location)
        for _ in range(WARM_UP_RUNS):  # compilation and allocation on first use are not timed
            comparator.estimate(_small_scan())
        connection.send(MethodDescription(comparator.settings, comparator.version))
        for folder in iter(lambda: _next(connection), None):
            connection.send(_timed(comparator, folder))
    except Unavailable as missing:
        connection.send(MethodDescription(failure=str(missing)))
    except Exception as error:
        connection.send(error)
        raise  # the traceback, on the standard error stream


def _next(connection: Connection) -> Path | None:
    """Folder of the next scan; None when the benchmark has ended."""
    try:
        return Path(connection.recv())
    except EOFError:
        return None


def _timed(comparator: Comparator, folder: Path) -> RunCost:
    """Estimate the scan of a folder and write the maps into it."""
    series = read_series(folder, mapped=False)
    start, cpu_start = time.perf_counter(), time.process_time()
    maps = comparator.estimate(series)
    cost = RunCost(time.perf_counter() - start, time.process_time() - cpu_start, peak_mib())
    write_maps(maps, folder)
    return cost


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
