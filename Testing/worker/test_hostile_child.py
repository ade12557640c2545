"""Whatever the child does, the client stays quick: floods, silence, lines without end, a grandchild that keeps the pipe."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from paths import MODULE
from waiting import LONG_S, alive, until

from AIDEALLib import scratch
from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import MAP_INFO
from AIDEALLib.scratch import ScratchFolder, remove_abandoned
from AIDEALLib.worker import connection
from AIDEALLib.worker.client import Event, Failed, Progress, Reason, Stage, Stopped, WorkerClient
from AIDEALLib.worker.messages import decode
from AIDEALLib.worker.pipes import LOG_BYTES, LONGEST_LINE_BYTES, Lines, LogRing

pytestmark = pytest.mark.skipif(os.name == "nt", reason="fake interpreters are scripts")
LONGEST_POLL_S = 0.005
"""CPU time, which other programs do not change; `Testing/tools/chaos.py` measures the wall time too."""


@pytest.fixture
def series() -> EchoSeries:
    return EchoSeries(np.ones((3, 1, 2, 2), np.complex64), np.array([0.001, 0.003, 0.005]), 1.5)


Fake = Callable[..., WorkerClient]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    """Make a client whose child runs the given code."""
    clients = []

    def make(code: str, **options: float) -> WorkerClient:
        script = tmp_path / "child"
        script.write_text(f"#!{sys.executable}\nimport os, sys, time, signal, subprocess\n{code}\n", encoding="utf-8")
        script.chmod(0o755)
        clients.append(WorkerClient(python=str(script), **options))  # type: ignore[arg-type]
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def ends(client: WorkerClient) -> tuple[Event, float]:
    """Last event of the run, and the median of the CPU times of all calls of `poll`."""
    took, end = [], time.monotonic() + LONG_S
    while time.monotonic() < end:
        began = time.thread_time()
        events = client.poll()
        took.append(time.thread_time() - began)
        if events and not isinstance(events[-1], Stage | Progress):
            return events[-1], float(np.median(took))
        time.sleep(0.01)
    raise AssertionError("the run did not end")


@pytest.mark.parametrize(
    "code",
    [
        "sys.exit(3)",
        "sys.stderr.write('x' * 50_000_000); sys.exit(3)",
        "sys.stdout.write('[' * 200_000 + '\\n'); sys.stdout.flush(); sys.exit(3)",
        "sys.stdout.write('x' * 5_000_000); sys.stdout.flush(); sys.exit(3)",
        "os.write(1, b'\\xff\\x00{}\\n[]\\n3\\nnull\\n{\"kind\": []}\\n' * 1000); sys.exit(3)",
        "os.close(1); time.sleep(3600)",
    ],
    ids=["exit", "log", "nested", "long line", "garbage", "pipe closed"],
)
def test_ends_as_a_crash(fake: Fake, series: EchoSeries, code: str) -> None:
    client = fake(code)
    client.start(series)
    event, typical = ends(client)
    assert isinstance(event, Failed) and event.reason is Reason.CRASH
    assert len(event.details) <= 20_000
    assert typical < LONGEST_POLL_S
    assert not client.busy


MAPS = """
import json, pathlib
import numpy as np
request = json.loads(sys.stdin.readline())
folder = pathlib.Path(request["folder"])
def save(shape, dtype=np.float32):
    for name in NAMES:
        np.save(folder / f"{name}.npy", np.zeros(shape, bool if name == "mask" else dtype))
def header(shape):
    for name in NAMES:
        with (folder / f"{name}.npy").open("wb") as stream:
            np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
save((1, 2, 2))
ACT
os.write(1, b'{"kind": "finished", "run": 1, "seconds": 1.0, "torch_import_s": null}\\n'); time.sleep(3600)
"""


@pytest.mark.parametrize(
    "act",
    [
        "save((1, 2000, 2000))",
        "header((1 << 40, 1, 1))",
        "save((1, 2, 2), np.complex128)",
        "save((1, 2, 2), object)",
        "(folder / 'provenance.json').write_text('[' * 100_000)",
        "(folder / 'provenance.json').write_bytes(b' ' * 50_000_000)",
        '(folder / \'provenance.json\').write_text(\'{"geometry": {}, "provenance": {"version": 1}}\')',
        "(folder / 'pdff.npy').unlink(); os.mkfifo(folder / 'pdff.npy')",
        "(folder / 'pdff.npy').unlink(); (folder / 'pdff.npy').symlink_to('/dev/zero')",
        "(folder / 'provenance.json').symlink_to('/dev/zero')",
        "os.mkfifo(folder / 'provenance.json')",
        "save((1, 2, 2)); os.truncate(folder / 'pdff.npy', 130)",
    ],
    ids=lambda act: act[:60],
)
def test_maps_that_are_none(fake: Fake, series: EchoSeries, act: str) -> None:
    names = repr([*MAP_INFO, "mask"])
    client = fake(MAPS.replace("NAMES", names).replace("ACT", act))
    client.start(series)
    event, typical = ends(client)
    assert isinstance(event, Failed) and event.reason is Reason.INTERNAL and "could not be read back" in event.message
    assert typical < LONGEST_POLL_S


def test_a_flood_of_messages_is_taken_in_portions(fake: Fake, series: EchoSeries) -> None:
    client = fake('line = b\'{"kind": "progress", "run": 1, "done": 1, "total": 9}\\n\' * 100\nwhile True: os.write(1, line)')
    client.start(series)
    took, sizes = [], []

    def several_portions() -> bool:
        began = time.thread_time()
        sizes.append(len(client.poll()))
        took.append(time.thread_time() - began)
        return sum(size > 1 for size in sizes) > 20

    until(several_portions, "flood")
    assert max(sizes) <= 64
    assert float(np.median(took)) < LONGEST_POLL_S
    client.cancel()
    assert isinstance(ends(client)[0], Stopped)


@pytest.mark.parametrize("code", ["time.sleep(3600)", "os.kill(os.getpid(), signal.SIGSTOP)"], ids=["silent", "stopped"])
def test_no_sign_of_life(fake: Fake, series: EchoSeries, code: str) -> None:
    client = fake(code, silence_s=0.5)
    client.start(series)
    pid = client.pid
    event, _ = ends(client)
    assert isinstance(event, Failed) and "no sign of life" in event.message
    assert client.pid is None and pid is not None


def test_signs_of_life_keep_a_run_alive(fake: Fake, series: EchoSeries, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of our own, which goes on by a second before each call of `poll`."""
    now = 0.0
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: now))
    client = fake('while True: os.write(1, b\'{"kind": "alive"}\\n\'); time.sleep(0.05)', silence_s=5.0)
    client.start(series)
    child = client._child
    assert child is not None and client.pid is not None

    def events_after_a_second() -> list[Event]:
        nonlocal now
        now += 1.0
        return [event for event in client.poll() if not isinstance(event, Stage)]

    for _ in range(12):
        heard = child._messages.heard
        until(lambda heard=heard: child._messages.heard > heard, "sign of life")
        assert events_after_a_second() == []
    os.kill(client.pid, signal.SIGSTOP)
    until(lambda: any(isinstance(event, Failed) for event in events_after_a_second()), "end of a silent run")


def test_a_grandchild_that_left_the_group_does_not_hold_up_cancel_or_close(
    fake: Fake, series: EchoSeries, tmp_path: Path
) -> None:
    note = tmp_path / "grandchild"
    code = (
        "started = subprocess.Popen(['sleep', '3600'], start_new_session=True)\n"
        f"open({str(note)!r} + '.new', 'w').write(str(started.pid)); os.rename({str(note)!r} + '.new', {str(note)!r})\n"
        "time.sleep(3600)"
    )
    client = fake(code, grace_s=0.2)
    client.start(series)
    until(note.exists, "grandchild")
    grandchild = int(note.read_text())
    try:
        client.cancel()
        assert isinstance(ends(client)[0], Stopped)
        client.close()
        assert alive(grandchild), "nothing waited for its end"
    finally:
        os.kill(grandchild, signal.SIGKILL)


def test_lines_and_log_are_bounded() -> None:
    seen: list[bytes] = []
    lines = Lines(seen.append)
    for chunk in (b"a", b"b\nc\n", b"x" * (LONGEST_LINE_BYTES + 1), b"still the same\nd", b"\n"):
        lines(chunk)
    assert seen == [b"ab", b"c", b"d"]
    ring = LogRing()
    for number in range(3 * LOG_BYTES // 1000):
        ring(b"%d\n" % number + b"y" * 990 + b"\n")
    assert ring._size <= LOG_BYTES
    assert ring.last_lines(1) == "y" * 990


def test_messages_that_are_none() -> None:
    for line in (b"[" * 100_000, b'{"kind": "failed", "run": 1}', b'{"kind": "stage", "run": 1, "step": {}}', b"\xff"):
        assert decode(line) is None


def test_folders_of_the_dead_are_removed_and_no_others(tmp_path: Path) -> None:
    own = ScratchFolder("aideal-worker-", tmp_path)
    code = (
        "import sys, os, signal; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom AIDEALLib.scratch import ScratchFolder\n"
        "folder = ScratchFolder('aideal-worker-', Path(sys.argv[2]))\n"
        "(folder.path / 'echoes.npy').write_bytes(b'patient'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(MODULE), str(tmp_path)], check=False)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / scratch.LOCK).touch()
    (tmp_path / "aideal-worker-link").symlink_to(elsewhere)
    (tmp_path / "aideal-worker-without-lock").mkdir()
    dead = [path for path in tmp_path.glob("aideal-worker-*") if (path / "echoes.npy").exists()]
    assert len(dead) == 1
    assert remove_abandoned("aideal-worker-", tmp_path) == dead
    assert not dead[0].exists()
    assert own.path.exists() and elsewhere.exists() and (tmp_path / "aideal-worker-without-lock").exists()
    own.remove()
    assert not own.path.exists()


def test_the_scan_goes_when_the_client_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, os, time, signal, tempfile; sys.path.insert(0, sys.argv[1]); tempfile.tempdir = sys.argv[2]\n"
        "import numpy as np\nfrom AIDEALLib.echoes import EchoSeries\nfrom AIDEALLib.worker.client import Step, WorkerClient\n"
        "scan = EchoSeries(np.ones((3, 1, 2, 2), np.complex64), np.array([.001, .003, .005]), 1.5)\n"
        "client = WorkerClient(); client.start(scan)\n"
        "end = time.monotonic() + 600\n"
        "while time.monotonic() < end and not any(e.step is Step.TORCH for e in client.poll()): time.sleep(.05)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(MODULE), str(tmp_path)], check=False)
    assert list(tmp_path.glob("aideal-worker-*"))
    until(lambda: not list(tmp_path.glob("aideal-worker-*/run-*")), "removal of the scan")
