"""Kill, damage and mislead the program at random, and measure what holds: `make chaos`.

    python Testing/tools/chaos.py kill-command --count 100      # aideal run killed while a good result is in its folder
    python Testing/tools/chaos.py kill-worker --count 100       # the worker killed, stopped, flooded; times of poll
    python Testing/tools/chaos.py files --count 10000           # damaged files of every format
    python Testing/tools/chaos.py names --count 100             # hostile names over all outputs
    python Testing/tools/chaos.py busy                          # steps of a run alone, and beside two busy processes

Each prints one line of figures, and exits with 1 where anything did not hold. Cases follow from their numbers.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from paths import MODULE

sys.path.insert(0, str(MODULE))
LONGEST_POLL_MS = 5.0
MOST_TIMES_SLOWER = 3.0
RUN = "from AIDEALLib.cli.main import app; app()"


def scan_file(folder: Path, seed: int, slices: int = 2) -> Path:
    """A small simulated scan."""
    from AIDEALLib.io.npz import write_npz
    from AIDEALLib.simulation.phantom import phantom
    from AIDEALLib.simulation.protocol import PAPER
    from AIDEALLib.simulation.scan import acquire

    tissue = phantom(1, 1.5, (slices, 48, 48), pixel_mm=6.0)
    write_npz(folder / f"{seed}.npz", acquire(tissue, replace(PAPER, snr=40.0), np.random.default_rng(seed)))
    return folder / f"{seed}.npz"


def command(*words: object) -> list[str]:
    """The command line of `aideal`, in a process of its own."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(MODULE)!r}); {RUN}", *map(str, words)]


def run_of(out: Path) -> str:
    """Scan that a complete result is of; raises where files are missing or of different runs."""
    import hashlib

    manifest = json.loads((out / "files.json").read_text(encoding="utf-8"))
    if "folder" in manifest:
        raise AssertionError("files are still being moved")
    wrong = [n for n, h in manifest["files"].items() if hashlib.sha256((out / n).read_bytes()).hexdigest() != h]
    if wrong:
        raise AssertionError(f"files of another run: {wrong}")
    return str(json.loads((out / "provenance.json").read_text(encoding="utf-8"))["scan"])


def kill_command(count: int) -> tuple[str, bool]:
    """Runs of a second scan over the result of a first, killed at random moments."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder, out = Path(name), Path(name) / "out"
        scans = [scan_file(folder, seed) for seed in (1, 2)]
        words = [command("run", scan, "--out", out, "--method", "one-shot", "--device", "cpu", "--force") for scan in scans]
        began = time.monotonic()
        subprocess.run(words[0], check=True, capture_output=True)
        usual, good = time.monotonic() - began, run_of(out)
        for number in range(count):
            r = random.Random(number)
            kind = r.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
            process = subprocess.Popen(words[number % 2], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            late = r.random() < 0.6  # while it writes and exchanges
            time.sleep(usual * (r.uniform(0.75, 1.1) if late else r.uniform(0.0, 1.1)))
            process.send_signal(kind)
            process.wait()
            left = [p.name for p in folder.iterdir() if p.name.startswith(".")]
            try:
                outcomes["new" if run_of(out) != good else "kept"] += 1
                good = run_of(out)
            except (AssertionError, OSError, ValueError) as error:
                outcomes[f"mixed ({error})"] += 1
            if kind is signal.SIGTERM and left:
                outcomes["left after SIGTERM"] += 1
        subprocess.run(words[0], check=True, capture_output=True)
        hidden = [p.name for p in (*folder.iterdir(), *out.iterdir()) if p.name.startswith(".")]
    failed = {kind for kind in outcomes if kind not in ("new", "kept")}
    text = f"{count} kills of aideal run: {dict(outcomes)}; {len(hidden)} hidden folders left after the next run"
    return text, not failed and not hidden


def kill_worker(count: int) -> tuple[str, bool]:
    """Runs of the worker ended at random moments, and the times of all calls of `poll`."""
    from AIDEALLib.io.load import load_series
    from AIDEALLib.options import RunOptions
    from AIDEALLib.worker.client import Failed, Progress, Result, Stage, Stopped, WorkerClient

    outcomes: Counter[str] = Counter()
    took: list[float] = []
    own: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        tempfile.tempdir = name
        series = load_series(scan_file(Path(name), 3, slices=3))
        client = WorkerClient(silence_s=3.0)

        def wait(until: float = 120.0) -> Any:
            end = time.monotonic() + until
            while time.monotonic() < end:
                began, computed = time.perf_counter(), time.thread_time()
                events = client.poll()
                took.append(1000 * (time.perf_counter() - began))
                own.append(1000 * (time.thread_time() - computed))
                if events and not isinstance(events[-1], Stage | Progress):
                    return events[-1]
                time.sleep(0.005)
            return None

        for number in range(count):
            r = random.Random(number)
            client.start(series, RunOptions(method="one-shot", device="cpu"), check=False)
            if client.pid is not None and number % 10 == 9:
                os.kill(client.pid, signal.SIGSTOP)
            early = wait(r.choice((0.02, 0.2, 0.6, 1.5, 3.0)))
            if early is None and client.pid is not None:
                kind = r.choice(("kill", "kill", "cancel", "stop"))
                if kind == "cancel":
                    client.cancel()
                else:
                    os.kill(client.pid, signal.SIGKILL if kind == "kill" else signal.SIGSTOP)
                early = wait(20.0)
            expected = isinstance(early, Result | Failed | Stopped) and not client.busy
            outcomes[type(early).__name__ if expected else "hung"] += 1
        client.start(series, RunOptions(method="one-shot", device="cpu"), check=False)
        outcomes["last run " + type(wait()).__name__] += 1
        client.close()
        time.sleep(0.5)
        left = [path.name for path in Path(name).glob("aideal-*")]
        tempfile.tempdir = None
    longest = np.percentile(took, [50, 99, 99.9, 100])
    text = (
        f"{count} ends of the worker: {dict(outcomes)}; poll {len(took)} times, median {longest[0]:.2f} ms, "
        f"99 % {longest[1]:.2f} ms, 99.9 % {longest[2]:.2f} ms, longest {longest[3]:.1f} ms, of its own at "
        f"most {max(own):.1f} ms; {len(left)} folders left"
    )
    return text, not outcomes["hung"] and outcomes["last run Result"] == 1 and not left and max(
        longest[1], max(own)
    ) < LONGEST_POLL_MS


def files(count: int) -> tuple[str, bool]:
    """Damaged files of every format but DICOM, which `dicom_fuzz.py` damages."""
    from file_fuzz import damaged, originals, outcome, segmentation

    scans = {**originals(), "segmentation": segmentation()}
    outcomes: Counter[str] = Counter()
    slowest, began = 0.0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        for number in range(count):
            kind = sorted(scans)[number % len(scans)]
            start = time.monotonic()
            try:
                outcomes[outcome(damaged(scans[kind], number), Path(name) / "scan")] += 1
            except Exception as error:
                outcomes["broke"] += 1
                print(f"case {number} ({kind}): {type(error).__name__}: {error}")
            slowest = max(slowest, time.monotonic() - start)
    text = (
        f"{count} damaged files over {len(scans)} formats in {time.monotonic() - began:.0f} s: {dict(outcomes)}; "
        f"slowest {slowest:.1f} s"
    )
    return text, not outcomes["broke"]


def hostile_names(count: int) -> list[bytes]:
    """Names of files, folders and segments that mislead terminals, spreadsheets, browsers or libraries."""
    known = [
        *(b"=cmd|' C'!A0", b"@SUM(1)", b"+1", b"-rf", b"a\nb", b"\x1b[2J\x1b]0;x\x07", b"[/red]", b"[link=x]", b"<img src=x>"),
        *(
            b"$\\frac{",
            b"a\xff\xfeb",
            b"\xe2\x80\xaegnp",
            b"x" * 200,
            b" ",
            b"a;b",
            b"%s%n",
            b"{0}",
            b"'\"",
            b"CON",
            b".hidden",
        ),
    ]
    r = random.Random(1)
    letters = [bytes([n]) for n in range(1, 256) if n != 0x2F]
    return [*known, *(b"".join(r.choices(letters, k=r.randint(1, 30))) for _ in range(count))][:count]


def names(count: int) -> tuple[str, bool]:
    """Hostile names of scan, folder and segment: the result is written, and the names are data in it."""
    from typer.testing import CliRunner

    from AIDEALLib.cli.main import app
    from AIDEALLib.io.load import load_series
    from AIDEALLib.io.segmentation import Segmentation, save_segmentation

    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        scan = scan_file(Path(name), 4, slices=1)
        geometry = load_series(scan).geometry
        labels = np.zeros((1, 48, 48), np.int32)
        labels[:, 20:28, 20:28] = 1
        for number, raw in enumerate(hostile_names(count)):
            place = Path(name) / str(number)
            try:
                (place / os.fsdecode(raw)).mkdir(parents=True)
                named = place / os.fsdecode(raw) / os.fsdecode(raw[:40] + b".npz")
                named.write_bytes(scan.read_bytes())
            except (OSError, ValueError):
                named = scan
            segments = place / "seg.seg.nrrd"
            place.mkdir(exist_ok=True)
            save_segmentation(Segmentation(labels, {1: os.fsdecode(raw)}), geometry, segments)
            out = place / "out"
            words = ["run", "--method", "magnitude", "--anyway", "--keep-names", "--out", out, "--segmentation", segments]
            given = [str(word) for word in (*words, "--", named)]
            done = CliRunner().invoke(app, given, env={"TERM": "dumb", "COLUMNS": "200"})
            if "\x1b" in done.output or done.exit_code not in (0, 1) or not isinstance(done.exception, SystemExit | None):
                outcomes["broke"] += 1
                print(f"{raw!r}: {done.exit_code} {done.exception!r} {done.output[-400:]!r}")
                continue
            outcomes["written" if done.exit_code == 0 else "refused"] += 1
            if done.exit_code == 0:
                rows = [line for line in (out / "statistics.csv").read_text("utf-8").splitlines() if not line.startswith("#")]
                if any(line.lstrip('"').startswith(tuple("=+-@")) for line in rows[1:]):
                    outcomes["formula in CSV"] += 1
                if raw.startswith(b"<img") and b"<img src=x>" in (out / "report.html").read_bytes():
                    outcomes["markup in report"] += 1
    failed = {kind for kind in outcomes if kind not in ("written", "refused")}
    return f"{count} hostile names: {dict(outcomes)}", not failed


def busy(count: int) -> tuple[str, bool]:
    """Wall times of the steps of a run alone, and beside two processes that compute."""
    from AIDEALLib.estimation.phase_correction.plan import plan_corrections
    from AIDEALLib.io.load import load_series
    from AIDEALLib.options import RunOptions
    from AIDEALLib.physics.spectrum import SIX_PEAK
    from AIDEALLib.pipeline import run
    from AIDEALLib.quality.assess import assess

    with tempfile.TemporaryDirectory() as name:
        file = scan_file(Path(name), 5, slices=4)
        series = load_series(file)
        options = RunOptions(device="cpu")
        maps = run(series, options, check=False).maps
        steps = {
            "reading": lambda: load_series(file),
            "phase corrections": lambda: plan_corrections(series, SIX_PEAK, options),
            "estimate": lambda: run(series, options, check=False),
            "checking": lambda: assess(series, maps, options),
            "a run": lambda: run(file, options),
        }

        def times() -> dict[str, float]:
            found = {}
            for step, work in steps.items():
                took = []
                for _ in range(max(1, count)):
                    began = time.monotonic()
                    work()
                    took.append(time.monotonic() - began)
                found[step] = float(np.median(took))
            return found

        alone = times()
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
        try:
            beside = times()
        finally:
            for other in others:
                other.kill()
                other.wait()
    ratios = {step: beside[step] / alone[step] for step in steps}
    listed = ", ".join(f"{step} {alone[step]:.2f} s alone, {beside[step]:.2f} s beside ({ratios[step]:.1f})" for step in steps)
    return f"beside two busy processes: {listed}", max(ratios.values()) < MOST_TIMES_SLOWER


PARTS = {"kill-command": kill_command, "kill-worker": kill_worker, "files": files, "names": names, "busy": busy}


def main() -> int:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--count", type=int, default=3)
    chosen = parser.parse_args()
    text, held = PARTS[chosen.part](chosen.count)
    print(text)
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
