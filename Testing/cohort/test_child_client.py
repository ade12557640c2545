"""A worker's process: what it answers, and what becomes of a scan that crashes, hangs or takes too much."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from AIDEALLib.cohort.child_client import Limits, ScanProcess
from AIDEALLib.cohort.ends import KILLED

TASK = {"scan": {"id": "one"}}
ANSWER = "import sys, json\nfor line in sys.stdin: print(json.dumps({'id': json.loads(line)['scan']['id']}), flush=True)\n"
HANG = "import sys, time\nsys.stdin.readline()\ntime.sleep(600)\n"
FILL = "import sys, time\nsys.stdin.readline()\nkept = bytearray(300 << 20)\ntime.sleep(600)\n"
CRASH = "import sys, os, signal\nsys.stdin.readline()\nos.kill(os.getpid(), signal.SIGSEGV)\n"
LEAVE = "import sys\nsys.stdin.readline()\nsys.exit(7)\n"


@pytest.fixture
def process() -> Iterator[Callable[[str], ScanProcess]]:
    made: list[ScanProcess] = []

    def start(code: str) -> ScanProcess:
        made.append(ScanProcess([sys.executable, "-c", code]))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_one_process_runs_many_scans(process: Callable[[str], ScanProcess]) -> None:
    one = process(ANSWER)
    assert one.run(TASK, Limits()) == {"id": "one"}
    pid = one.pid
    assert one.run({"scan": {"id": "two"}}, Limits()) == {"id": "two"} and one.pid == pid


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("code", "reason"), [(CRASH, "SIGSEGV"), (LEAVE, "exit code 7")])
def test_a_crash_is_told_from_a_kill(code: str, reason: str, process: Callable[[str], ScanProcess]) -> None:
    end = process(code).run(TASK, Limits())
    assert end["kind"] == "crash" and reason in end["reason"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_kill_from_outside(process: Callable[[str], ScanProcess]) -> None:
    one = process(HANG)

    def kill() -> None:
        while one.pid is None:
            time.sleep(0.01)
        os.kill(one.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert one.run(TASK, Limits())["kind"] == KILLED
    killer.join()
    assert one.pid is None


def test_a_hang_ends_at_the_time_limit_and_the_next_scan_has_a_new_process(process: Callable[[str], ScanProcess]) -> None:
    one = process(HANG)
    assert one.run(TASK, Limits(seconds=1.0))["kind"] == "time"
    assert one.pid is None
    assert one.run(TASK, Limits(seconds=1.0))["kind"] == "time"


def test_memory_is_limited(process: Callable[[str], ScanProcess]) -> None:
    end = process(FILL).run(TASK, Limits(memory_bytes=200 << 20))
    assert end["kind"] == "memory" and "0.2 are allowed" in end["reason"]


@pytest.mark.skipif(os.name == "nt", reason="process groups of POSIX")
def test_the_process_ends_with_its_worker() -> None:
    code = (
        "import os, sys\nfrom AIDEALLib.cohort.child_client import ScanProcess\none = ScanProcess()\n"
        "one._started()\nprint(one.pid, flush=True)\nsys.stdin.readline()\nos._exit(1)\n"
    )
    import subprocess

    from paths import MODULE

    environment = {**os.environ, "PYTHONPATH": str(MODULE)}
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert worker.stdout is not None and worker.stdin is not None
    child = psutil.Process(int(worker.stdout.readline()))
    worker.stdin.close()
    worker.wait()
    worker.stdout.close()
    assert not psutil.wait_procs([child], timeout=120)[1]
