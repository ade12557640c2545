"""Prove that a cohort survives what clusters do: `make cohort`, with COHORT of them.

    python Testing/tools/cohort_proof.py all --scans 1000 --folder nightly-output/cohort

Parts, which `all` runs in this order; each prints what it has found, and the status is 1 where anything did not hold:

    write      simulated scans of three scanners in four formats, 5 % of them faulty in known ways
    serial     every scan one after the other in one process, undisturbed: the reference
    disturbed  `aideal cohort` on two workers; workers, their processes and, twice, everything killed at random, and resumed
    faults     which of the faulty scans were found, and how many others were doubted
    external   a scheduler with two workers on two addresses of the loopback, on the first scans
    speed      processor time of a scan with one worker and with two, on the first scans, and what 60,000 scans would take
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
from cohort_scans import MANIFEST, write_cohort
from paths import MODULE

sys.path.insert(0, str(MODULE))
FAULTY = 0.05
FEW = 40
EQUAL = "table equal to that of the reference"
MOST_CALLS = 20
AGAIN = 0.3
"""Chance of another kill soon after one, while processes start again."""
LARGE_COHORT = 60_000
OPTIONS = ("--no-reports", "--device", "cpu")
ENDED = (0, 3)
"""Exit statuses of a cohort that was run to its end; 3 where scans failed or regions have no number."""
RUN = "from AIDEALLib.cli.main import app; app()"
PARTS = ("write", "serial", "disturbed", "faults", "external", "speed")


def command(source: Path, out: Path, *words: object) -> list[str]:
    """`aideal cohort` in a process of its own."""
    boot = f"import sys; sys.path.insert(0, {str(MODULE)!r}); {RUN}"
    return [sys.executable, "-c", boot, "cohort", str(source), "--out", str(out), *OPTIONS, *map(str, words)]


def rows(out: Path) -> list[list[str]]:
    """Lines of the table."""
    with (out / "cohort.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.reader(stream))


def difference(found: Path, reference: Path, only: set[str] | None = None) -> str:
    """How two tables differ, '' where they are equal; restricted to some scans."""
    a, b = ([row for row in rows(out) if only is None or row[0] in only or row[0] == "scan"] for out in (found, reference))
    if a == b:
        return ""
    scans = {row[0] for row in a} ^ {row[0] for row in b}
    differing = {tuple(row) for row in a} ^ {tuple(row) for row in b}
    repeated = len(a) - len({tuple(row) for row in a})
    return f"{len(a)} and {len(b)} rows, {len(differing)} differ, {repeated} repeated, scans in one only: {sorted(scans)[:5]}"


class Memory(threading.Thread):
    """Memory of a process and its descendants over time, from /proc."""

    def __init__(self, pid: int, every_s: float = 2.0) -> None:
        super().__init__(daemon=True)
        self._pid, self._every_s, self._stop_now = pid, every_s, threading.Event()
        self.samples: list[tuple[float, float]] = []
        self.processor_s: dict[tuple[int, float], float] = {}
        self._began = time.monotonic()
        self.start()

    def run(self) -> None:
        while not self._stop_now.wait(self._every_s):
            total = 0
            for process in family(self._pid):
                try:
                    with process.oneshot():
                        total += process.memory_info().rss
                        times = process.cpu_times()
                        self.processor_s[process.pid, process.create_time()] = times.user + times.system
                except psutil.Error:
                    continue
            self.samples.append((time.monotonic() - self._began, total / 2**20))

    def stop(self) -> None:
        self._stop_now.set()
        self.join()

    def __str__(self) -> str:
        if not self.samples:
            return "not sampled"
        third = max(1, len(self.samples) // 3)
        parts = (self.samples[:third], self.samples[third:-third] or self.samples, self.samples[-third:])
        means = ", ".join(f"{sum(m for _, m in part) / len(part):.0f}" for part in parts)
        return f"mean of the thirds of the time {means} MiB, most {max(m for _, m in self.samples):.0f} MiB"


def family(pid: int) -> list[psutil.Process]:
    """A process and all that it has started, those that have moved to a session of their own included."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def serial(folder: Path, out: Path) -> tuple[str, bool]:
    """The reference."""
    import torch

    from AIDEALLib.cli.cohort_options import parse_run_options
    from AIDEALLib.cohort.discover import SourceRequest
    from AIDEALLib.cohort.opened import CohortRequest, open_cohort
    from AIDEALLib.cohort.results import write_tables
    from AIDEALLib.cohort.scan import CohortScan
    from AIDEALLib.cohort.task import Output, Task, do
    from AIDEALLib.options import RunOptions

    torch.set_num_threads(1)
    template = Task(CohortScan("", ()), RunOptions(device="cpu"), out=out, output=Output(reports=False))
    request = CohortRequest(SourceRequest(folder / MANIFEST, out, parse_run_options), template)
    cohort = open_cohort(request)
    began = time.monotonic()
    for planned in cohort.plan.todo:
        do(planned.task)
    write_tables(cohort)
    return f"{len(cohort.plan.todo)} scans one by one in {time.monotonic() - began:.0f} s, {len(rows(out))} rows", True


def ended_count(out: Path) -> int:
    """Scans with a record."""
    return len(list(out.glob("scans/*/record.json"))) + len(list(out.glob("failed/*.json")))


def disturbed(folder: Path, out: Path, scans: int, reference: Path | None, every: int, seed: int = 0) -> tuple[str, bool]:
    """The same with kills throughout, and two ends of everything."""
    r = random.Random(seed)
    ends = [r.uniform(0.25, 0.45), r.uniform(0.6, 0.8)]
    kills, survivors, memories, calls, began = 0, 0, [], 0, time.monotonic()
    with (folder / "disturbed.log").open("wb") as log:
        while True:
            calls += 1
            process = subprocess.Popen(command(folder / MANIFEST, out, "--workers", 2), stdout=log, stderr=log)
            memory, whole = Memory(process.pid), False
            kill_at, kill_soon = ended_count(out) + r.randint(1, 2 * every), 0.0
            while process.poll() is None:
                time.sleep(0.2)
                done = ended_count(out) / scans
                if ends and done >= ends[0]:
                    ends.pop(0)
                    members = family(process.pid)
                    process.kill()  # the whole: what it had started has to end by itself
                    process.wait()
                    whole = True
                    survivors += len(psutil.wait_procs(members, timeout=60)[1])
                elif done * scans >= kill_at or 0 < kill_soon < time.monotonic():
                    victims = family(process.pid)[1:]
                    if victims:
                        try:
                            r.choice(victims).kill()
                            kills += 1
                        except psutil.Error:
                            pass
                    kill_at = int(done * scans) + r.randint(1, 2 * every)
                    kill_soon = time.monotonic() + r.uniform(0, 10) if r.random() < AGAIN else 0.0
            memory.stop()
            memories.append(memory)
            if not whole and (process.returncode in ENDED or calls > MOST_CALLS):
                break
    processor = sum(sum(memory.processor_s.values()) for memory in memories)
    text = (
        f"{scans} scans on 2 workers in {time.monotonic() - began:.0f} s ({processor:.0f} s of processors), {calls} calls, "
        f"{kills} processes and {2 - len(ends)} times everything killed; {survivors} processes left after those; "
        f"memory: {'; '.join(map(str, memories))}"
    )
    wrong = difference(out, reference) if reference is not None else ""
    left = [path.name for path in (out / "scans").iterdir() if path.name.startswith(".")]
    complete = ended_count(out) == scans and process.returncode in ENDED
    verdict = wrong or EQUAL if reference is not None else "not compared"
    return f"{text}; {len(left)} hidden folders left; {verdict}", complete and not wrong and not survivors


def faults(folder: Path, out: Path) -> tuple[str, bool]:
    """Faulty scans that failed or have a warning, and others that have."""
    known: dict[str, str] = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
    with (out / "scans.csv").open(newline="", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    doubted = {line["scan"] for line in lines if line["status"] != "done" or "warn:" in line["findings"]}
    missed = sorted(set(known) - doubted)
    listed = f" ({', '.join(f'{name}: {known[name]}' for name in missed)})" if missed else ""
    false = doubted - set(known)
    others = len(lines) - len(known)
    text = f"{len(known) - len(missed)} of {len(known)} faulty scans found{listed}; {len(false)} of {others} others doubted"
    return text, not missed


def first_scans(folder: Path, count: int) -> Path:
    """Table of the first scans."""
    lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    path = folder / f"first-{count}.csv"
    path.write_text("\n".join(lines[: count + 1]) + "\n", encoding="utf-8")
    return path


def external(folder: Path, out: Path, count: int, reference: Path | None) -> tuple[str, bool]:
    """A scheduler of its own with two workers on 127.0.0.2 and 127.0.0.3."""
    table = first_scans(folder, count)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": str(MODULE), "OMP_NUM_THREADS": "1"}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": folder}
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"], [sys.executable, "-m", "distributed.cli.dask_worker"]
    started = [subprocess.Popen([*dask[0], "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"], **quiet)]
    for number in (2, 3):
        words = [address, "--host", f"127.0.0.{number}", "--nthreads", "1", "--no-dashboard", "--name", f"host-{number}"]
        started.append(subprocess.Popen([*dask[1], *words], **quiet))
    try:
        done = None
        for _ in range(10):  # until the scheduler listens
            done = subprocess.run(command(table, out, "--scheduler", address), capture_output=True, text=True, check=False)
            if "No scheduler answers" not in done.stderr:
                break
        assert done is not None
        if done.returncode not in ENDED:
            return f"external scheduler: {done.stderr[-500:]}", False
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(timeout=60)
    with table.open(newline="", encoding="utf-8") as stream:
        names = {line["id"] for line in csv.DictReader(stream)}
    wrong = difference(out, reference, names) if reference is not None else ""
    return (
        f"{count} scans through {address}, workers on 127.0.0.2 and 127.0.0.3: {wrong or EQUAL}",
        not wrong,
    )


def speed(folder: Path, out: Path, count: int) -> tuple[str, bool]:
    """Processor and wall time of a scan with one worker and with two."""
    table, found = first_scans(folder, count), {}
    for workers in (1, 2):
        process = subprocess.Popen(
            command(table, out / str(workers), "--workers", workers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        memory, began = Memory(process.pid, 0.5), time.monotonic()
        process.wait()
        memory.stop()
        scans = [json.loads(p.read_text(encoding="utf-8")) for p in (out / str(workers)).glob("scans/*/record.json")]
        own = sum(scan["processor_s"] for scan in scans) / len(scans)
        found[workers] = (time.monotonic() - began, sum(memory.processor_s.values()), own)
    (one, two) = (found[n] for n in (1, 2))
    per_scan = two[1] / count
    clock, total, own = (dict(zip((1, 2), pair, strict=True)) for pair in zip(one, two, strict=True))
    text = (
        f"{count} scans: "
        + "; ".join(
            f"{n} worker(s) {clock[n]:.0f} s, {total[n]:.0f} s of processors, {own[n]:.2f} s of them a scan" for n in (1, 2)
        )
        + f"; efficiency of 2 workers {own[1] / own[2]:.2f} by processor time of the scans, {clock[1] / clock[2] / 2:.2f} by "
        f"the clock, start included; {LARGE_COHORT} such scans: {LARGE_COHORT * per_scan / 3600:.0f} core hours"
    )
    return text, True


def main() -> int:
    """Run the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("all", *PARTS))
    parser.add_argument("--scans", type=int, default=100)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--few", type=int, default=FEW)
    parser.add_argument("--kill-every", type=int, default=5, metavar="SCANS", help="scans between kills, on average")
    parser.add_argument("--no-reference", action="store_true", help="do not compare with the serial run")
    chosen = parser.parse_args()
    folder, held = chosen.folder, True
    reference = None if chosen.no_reference else folder / "serial"
    for part in PARTS if chosen.part == "all" else (chosen.part,):
        if part == "write":
            shutil.rmtree(folder, ignore_errors=True)
            known = write_cohort(folder, chosen.scans, max(1, round(FAULTY * chosen.scans)))
            (folder / "faults.json").write_text(json.dumps(known), encoding="utf-8")
            found = f"{chosen.scans} scans, {len(known)} of them faulty", True
        elif part == "serial":
            found = serial(folder, folder / "serial")
        elif part == "disturbed":
            found = disturbed(folder, folder / "disturbed", chosen.scans, reference, chosen.kill_every)
        elif part == "faults":
            found = faults(folder, folder / "disturbed")
        elif part == "external":
            found = external(folder, folder / "external", min(chosen.few, chosen.scans), reference)
        else:
            found = speed(folder, folder / "speed", min(chosen.few, chosen.scans))
        print(f"{part}: {found[0]}", flush=True)
        held &= found[1]
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
