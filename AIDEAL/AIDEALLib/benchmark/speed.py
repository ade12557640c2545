"""Time what users do, in processes of their own: `aideal run` from file to report, and Apply to maps through the worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import AidealError
from ..io.npz import write_npz
from ..options import RunOptions
from .machine import Machine
from .scan_size import ScanSize
from .speed_report import SpeedReport, WayCost
from .worker import THREAD_SETTINGS

NEW_PROCESS, SAME_PROCESS = "aideal run, new process", "aideal run, again in the same process"
AT_ONCE_APPLY = "Apply to maps, first in a session, at once"
FIRST_APPLY, LATER_APPLY = "Apply to maps, first in a session", "Apply to maps, later in a session"
LOOKED_AT_S = 10.0
"""Time from the choice of a scan to Apply, in which the panel has the worker warm up."""
NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""With this variable every process compiles the package again, which users' processes do not."""
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from AIDEALLib.benchmark.speed_process import main; main(sys.argv[2])"
_PACKAGE_FOLDER = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """What a timed process does (`speed_process`).

    Attributes
    ----------
    file : str
        The scan.
    result : str
        File for the times.
    runs : int
        Number of runs in the process.
    arguments : tuple of str
        Options of `aideal run`.
    options : dict or None
        Options of a run of the worker; None times the command.
    looked_at_s : float, seconds
        Time that the worker has to warm up before its first run.
    """

    file: str
    result: str
    runs: int
    arguments: tuple[str, ...] = ()
    options: dict[str, Any] | None = None
    looked_at_s: float = 0.0


@dataclass(frozen=True)
class SpeedPlan:
    """What is timed.

    Attributes
    ----------
    run_size : ScanSize
        Scan of `aideal run`.
    apply_size : ScanSize
        Scan of the worker.
    options : RunOptions
        Options of the worker's runs.
    arguments : tuple of str
        The same options on the command line.
    threads : int or None
        Number of threads; None leaves the choice to torch.
    repeats : int
        Timed runs of each way; the one with the median time is reported.
    """

    run_size: ScanSize
    apply_size: ScanSize
    options: RunOptions
    arguments: tuple[str, ...]
    threads: int | None = None
    repeats: int = 1


def measure(plan: SpeedPlan, progress: Callable[[str], None]) -> SpeedReport:
    """Time every way.

    Parameters
    ----------
    plan : SpeedPlan
        What is timed.
    progress : callable
        Called with a sentence as each part begins.

    Returns
    -------
    SpeedReport

    Raises
    ------
    AidealError
        A timed process failed.

    Notes
    -----
    The first run, which is not timed, fills the cache of bytecode and the file cache of the system.
    """
    machine = Machine.here()
    with tempfile.TemporaryDirectory(prefix="aideal-speed-") as folder:
        progress("Simulating the scans")
        run_file, apply_file = Path(folder, "run.npz"), Path(folder, "apply.npz")
        write_npz(run_file, plan.run_size.series())
        write_npz(apply_file, plan.apply_size.series())
        command = Job(str(run_file), str(Path(folder, "times.json")), 1, plan.arguments)
        apply = replace(command, file=str(apply_file), options=plan.options.as_dict())

        progress(SAME_PROCESS)
        again = _runs(replace(command, runs=1 + plan.repeats), plan.threads)[1:]
        progress(NEW_PROCESS)
        new = [_whole_process(command, plan.threads) for _ in range(plan.repeats)]
        progress(FIRST_APPLY)
        at_once = [_runs(apply, plan.threads)[0] for _ in range(plan.repeats)]
        warm = replace(apply, runs=2, looked_at_s=LOOKED_AT_S)
        sessions = [_runs(warm, plan.threads) for _ in range(plan.repeats)]
    ways = (
        WayCost.of(NEW_PROCESS, str(plan.run_size), _median(new)),
        WayCost.of(SAME_PROCESS, str(plan.run_size), _median(again)),
        WayCost.of(AT_ONCE_APPLY, str(plan.apply_size), _median(at_once)),
        WayCost.of(FIRST_APPLY, str(plan.apply_size), _median([first for first, _ in sessions])),
        WayCost.of(LATER_APPLY, str(plan.apply_size), _median([later for _, later in sessions])),
    )
    settings = {"method": plan.options.method.value, "device": plan.options.device, "threads": plan.threads}
    return SpeedReport(machine, settings, ways)


def _whole_process(job: Job, threads: int | None) -> dict[str, Any]:
    """One run with start and end of its process."""
    start = time.perf_counter()
    (run,) = _runs(job, threads)
    return run | {"wall_s": time.perf_counter() - start, "cpu_s": run["process_cpu_s"]}


def _runs(job: Job, threads: int | None) -> list[dict[str, Any]]:
    """Times of each run of a process."""
    file = Path(job.result).with_suffix(".job.json")
    file.write_text(json.dumps(asdict(job)), encoding="utf-8")
    command = [sys.executable, "-c", _BOOT, str(_PACKAGE_FOLDER), str(file)]
    done = subprocess.run(
        command, env=environment(threads), capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no message").splitlines()[-1].strip()
        raise AidealError(f"A timed process ended with exit code {done.returncode}: {reason}")
    return json.loads(Path(job.result).read_text(encoding="utf-8"))


def environment(threads: int | None) -> dict[str, str]:
    """Environment of a timed process: bytecode is kept as users have it; the number of threads, unless torch chooses it."""
    kept = {name: value for name, value in os.environ.items() if name != NO_BYTECODE}
    return kept | (dict.fromkeys(THREAD_SETTINGS, str(threads)) if threads else {})


def _median(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The run of median wall time; the faster one of the middle two."""
    return sorted(runs, key=lambda run: run["wall_s"])[(len(runs) - 1) // 2]
