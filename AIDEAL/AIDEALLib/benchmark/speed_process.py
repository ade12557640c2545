"""A timed process: runs the command `aideal run`, or a worker as the panel does, and writes its times as JSON.

What a run costs is measured around the unchanged command. Nothing of the package but the clocks is imported before it.
"""

from __future__ import annotations

import json
import math
import runpy
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..stopwatch import recording
from .memory import cpu_s, peak_mib

if TYPE_CHECKING:
    from ..worker.client import Event, WorkerClient

POLL_EVERY_S = 0.02
Measured = dict[str, Any]
"""`wall_s`, `cpu_s`, `process_cpu_s` (since the start of the process), `seconds` and `cpu_seconds` by step, `peak_mib`; unknown
values are None."""


def main(job_file: str) -> None:
    """Run the job of a JSON file (`speed.Job`) and write the times of each run to its `result`."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    measure = _workers_runs if job["options"] is not None else _command_runs
    Path(job["result"]).write_text(json.dumps(list(measure(job)), allow_nan=False), encoding="utf-8")


def _command_runs(job: Measured) -> Iterator[Measured]:
    """The command line, again and again in this process."""
    for number in range(job["runs"]):
        out = Path(job["result"]).with_suffix(f".out-{number}")
        measured: Measured = {}
        with recording() as watch, _clocks(measured):
            _command(["run", job["file"], "--out", str(out), *job["arguments"]])
        provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
        measured["seconds"] = provenance["seconds"] | watch.seconds
        measured["cpu_seconds"] = provenance["cpu_seconds"] | watch.cpu_seconds
        yield measured | {"peak_mib": _known(peak_mib())}


def _command(arguments: list[str]) -> None:
    before, sys.argv = sys.argv, ["aideal", *arguments]
    try:
        runpy.run_module("AIDEALLib.cli.main", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        sys.argv = before


def _workers_runs(job: Measured) -> Iterator[Measured]:
    """From Apply to maps: the scan is in memory, the maps are read back; the process stays for the next run.

    With time before the first Apply the worker warms up, as it does while a user looks at a scan that was chosen.
    """
    from ..io.load import load_series
    from ..options import RunOptions
    from ..worker.client import Result, WorkerClient

    series, options = load_series(job["file"]), RunOptions.from_dict(job["options"])
    client, pid = WorkerClient(), None
    try:
        if job["looked_at_s"]:
            client.warm_up(options)
            pid = client.pid
            time.sleep(job["looked_at_s"])
        for _ in range(job["runs"]):
            measured: Measured = {}
            child_before = cpu_s(pid) if pid else 0.0
            with _clocks(measured):
                client.start(series, options)
                pid = client.pid
                result = _end(client)
            if not isinstance(result, Result) or pid is None:
                raise RuntimeError(f"the worker failed: {result}\n{client.log()}")
            provenance = result.maps.provenance
            start = {} if result.torch_import_s is None else {"import of torch": result.torch_import_s}
            measured["seconds"], measured["cpu_seconds"] = {**start, **provenance.seconds}, dict(provenance.cpu_seconds)
            measured["cpu_s"] = _known(measured["cpu_s"] + cpu_s(pid) - child_before)
            yield measured | {"peak_mib": _known(peak_mib(pid))}
    finally:
        client.close()


def _end(client: WorkerClient) -> Event:
    """Last event of a run."""
    from ..worker.client import Progress, Stage

    while True:
        for event in client.poll():
            if not isinstance(event, Stage | Progress):
                return event
        time.sleep(POLL_EVERY_S)


@contextmanager
def _clocks(measured: Measured) -> Iterator[None]:
    """Enter wall and CPU time of the body of a `with` statement into `measured`."""
    start, cpu_start = time.perf_counter(), cpu_s()
    yield
    wall, cpu = time.perf_counter() - start, cpu_s()
    measured |= {"wall_s": wall, "cpu_s": cpu - cpu_start, "process_cpu_s": cpu}


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
