"""Command and worker ended at random moments; parts of `chaos.py`."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from imports import MODULES

LONGEST_POLL_MS = 5.0
KINDS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def scan_file(folder: Path, seed: int, slices: int = 2) -> Path:
    """A small simulated scan."""
    from AIDEALLib.io.npz import write_npz
    from AIDEALLib.simulation.phantom import phantom
    from AIDEALLib.simulation.protocol import PAPER
    from AIDEALLib.simulation.scan import acquire

    tissue = phantom(1, 1.5, (slices, 48, 48), pixel_mm=6.0)
    write_npz(folder / f"{seed}.npz", acquire(tissue, replace(PAPER, snr=40.0), np.random.default_rng(seed)))
    return folder / f"{seed}.npz"


def run_of(out: Path) -> str:
    """Scan that a complete result is of; raises where files are missing, of different runs, or not yet in their places."""
    manifest = json.loads((out / "files.json").read_text(encoding="utf-8"))
    wrong = [n for n, h in manifest["files"].items() if hashlib.sha256((out / n).read_bytes()).hexdigest() != h]
    if wrong or "folder" in manifest:
        raise AssertionError(f"files of another run: {wrong}")
    return str(json.loads((out / "provenance.json").read_text(encoding="utf-8"))["scan"])


def kill_command(cases: list[int]) -> Iterator[dict[str, Any]]:
    """Runs of a second scan over the result of a first, ended at random moments.

    Every other result lies in the current folder, which cannot be exchanged as a whole: its files are replaced one by one, and
    the list of files names the folder with the valid run until that is done.
    """
    _import_all()
    with tempfile.TemporaryDirectory() as name:
        folder, out, temporary = Path(name), Path(name) / "results" / "out", Path(name) / "temporary"
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        scans = [scan_file(folder, seed) for seed in (1, 2)]
        began = time.monotonic()
        _ended(_begun(scans[0], out))
        usual, present = time.monotonic() - began, 0
        checksums = {run_of(out): 0}
        for case in cases:
            r = random.Random(case)
            kind, inside, at_the_end = r.choice(KINDS), bool(case % 2), r.random() < 0.5
            other, before = 1 - present, _hidden(out)
            process = _begun(scans[other], out, inside)
            if at_the_end:  # while the result takes its place
                _wait_for_manifest(out if inside else out.parent, process)
                time.sleep(r.uniform(0.0, 0.02 if inside else 0.05))
            else:
                time.sleep(usual * r.uniform(0.0, 1.1))
            os.kill(process, kind)
            _ended(process)
            left = _hidden(out) - before if kind is not signal.SIGKILL else set()
            outcome, present = _present(out, checksums, present)
            yield {"case": case, "outcome": f"left {sorted(left)}" if left else outcome, "kind": kind.name, "inside": inside}
        _ended(_begun(scans[0], out))
        left = _hidden(out) | {p.name for p in temporary.glob("aideal-*")}
        if left:
            yield {"case": -1, "outcome": f"left after the next run {sorted(left)}"}


def _import_all() -> None:
    """Import what a run needs, so that copies of this process need not."""
    for module in MODULES:
        if module.partition(".")[0] in ("cli", "estimation", "io", "pipeline", "quality", "regions", "report", "scan_run"):
            import_module(f"AIDEALLib.{module}")


def _begun(scan: Path, out: Path, inside: bool = False) -> int:
    """Process id of a copy of this process that runs `aideal run`; it has to be waited for."""
    from AIDEALLib.cli.main import app

    process = os.fork()
    if process:
        return process
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        if inside:
            os.chdir(out)
        words = ("run", scan, "--out", out, "--method", "one-shot", "--device", "cpu", "--force")
        app(list(map(str, words)), standalone_mode=False)
    finally:
        os._exit(0)


def _ended(process: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)


def _hidden(out: Path) -> set[str]:
    return {p.name for p in (*out.parent.iterdir(), *out.iterdir()) if p.name.startswith(".")}


def _wait_for_manifest(parent: Path, process: int) -> None:
    """Wait until a run is about to take its place, or has ended without."""
    while not list(parent.glob(".aideal-partial-*/result/files.json")):
        if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)


def _present(out: Path, checksums: dict[str, int], before: int) -> tuple[str, int]:
    """Outcome of a kill, and the scan whose result is in the folder; read as every reader does."""
    from AIDEALLib.io.output.results import read_maps

    try:
        scan = str(read_maps(out).provenance.scan)
        if scan != run_of(out):
            raise AssertionError("maps of another run than the list of files")
    except Exception as error:
        return f"mixed ({type(error).__name__}: {error})", before
    now = checksums.setdefault(scan, len(checksums))
    return ("kept" if now == before else "new"), now


def command_figures(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """How many were of each kind."""
    inside = sum(bool(row.get("inside")) for row in rows)
    return f"{inside} of them into a folder that cannot be exchanged", True


def kill_worker(cases: list[int]) -> Iterator[dict[str, Any]]:
    """Runs of the worker ended at random moments, with the times of all calls of `poll`."""
    from AIDEALLib.io.load import load_series
    from AIDEALLib.options import RunOptions
    from AIDEALLib.worker.client import Failed, Progress, Result, Stage, Stopped, WorkerClient

    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name
        series = load_series(scan_file(Path(name), 3, slices=3))
        client = WorkerClient(silence_s=3.0)
        wall_ms: list[float] = []
        cpu_ms: list[float] = []

        def timed(action: Any) -> Any:
            began, computed = time.perf_counter(), time.thread_time()
            found = action()
            wall_ms.append(round(1000 * (time.perf_counter() - began), 3))
            cpu_ms.append(round(1000 * (time.thread_time() - computed), 3))
            return found

        def wait(until_s: float) -> Any:
            end = time.monotonic() + until_s
            while time.monotonic() < end:
                events = timed(client.poll)
                if events and not isinstance(events[-1], Stage | Progress):
                    return events[-1]
                time.sleep(0.005)
            return None

        def begin() -> None:
            client.start(series, RunOptions(method="one-shot", device="cpu"), check=False)

        for case in cases:
            r = random.Random(case)
            wall_ms.clear(), cpu_ms.clear()
            began = time.thread_time()
            begin()
            start_ms = 1000 * (time.thread_time() - began)
            kind = r.choice(("kill", "kill", "cancel", "stop", "close"))
            ended = wait(r.choice((0.0, 0.02, 0.2, 0.6, 1.5, 3.0)))
            if ended is None and kind == "close":
                client.close()
                begin()
                ended = wait(120.0)
            elif ended is None:
                if kind == "cancel" or (pid := client.pid) is None:
                    client.cancel()
                else:
                    os.kill(pid, signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
                ended = wait(60.0)
            outcome = type(ended).__name__.lower() if isinstance(ended, Result | Failed | Stopped) else "hung"
            if client.busy:
                outcome, _ = "busy after its end", client.close()
            yield {
                "case": case,
                "outcome": outcome,
                "kind": kind,
                "start_cpu_ms": round(start_ms, 2),
                "wall_ms": list(wall_ms),
                "cpu_ms": list(cpu_ms),
            }
        client.close()
        client = WorkerClient()
        begin()
        last = wait(600.0)
        client.close()
        left = _left(Path(name))
        tempfile.tempdir = None
    if left or not isinstance(last, Result):
        yield {"case": -1, "outcome": f"last run {type(last).__name__}, left {left}", "wall_ms": [], "cpu_ms": []}


def _left(folder: Path) -> list[str]:
    end = time.monotonic() + 20
    while (found := [path.name for path in folder.glob("aideal-*")]) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def worker_figures(rows: list[dict[str, Any]]) -> tuple[str, bool]:
    """Times of `poll`: the limit is on its CPU time, since its wall time depends on what else the machine does."""
    wall = np.concatenate([row["wall_ms"] for row in rows])
    cpu = np.concatenate([row["cpu_ms"] for row in rows])
    start = [row["start_cpu_ms"] for row in rows if "start_cpu_ms" in row]
    named = ("median", "99 %", "99.9 %", "longest")
    listed = [
        ", ".join(f"{n} {v:.2f} ms" for n, v in zip(named, np.percentile(t, [50, 99, 99.9, 100]), strict=True))
        for t in (cpu, wall)
    ]
    text = f"poll {len(cpu)} times, CPU time {listed[0]}; wall time {listed[1]}; start at most {max(start):.1f} ms of CPU time"
    return text, float(cpu.max()) < LONGEST_POLL_MS
