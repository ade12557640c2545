"""The scan is written for the child in a thread: nothing of it holds up Slicer, and every end of it is an event."""

from __future__ import annotations

import errno
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from waiting import LONG_S, until

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import Cancelled
from AIDEALLib.io.interchange import read_series, write_series
from AIDEALLib.worker import handover
from AIDEALLib.worker.client import Event, Failed, Reason, Stage, Step, Stopped, WorkerClient

SCAN = EchoSeries(np.ones((3, 1, 2, 2), np.complex64), np.array([0.001, 0.003, 0.005]), 1.5)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[WorkerClient]:
    """A client whose child answers nothing but is alive."""
    python = tmp_path / "child"
    code = 'import os, time\nwhile True: os.write(1, b\'{"kind": "alive"}\\n\'); time.sleep(0.2)\n'
    python.write_text(f"#!{sys.executable}\n{code}", encoding="utf-8")
    python.chmod(0o755)
    made = WorkerClient(python=str(python), grace_s=LONG_S)
    yield made
    made.close()


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Writing waits until the event is set, or the run is cancelled."""
    free = threading.Event()

    def write(series: EchoSeries, folder: Path, cancelled: Callable[[], bool]) -> None:
        (folder / "begun").touch()
        while not free.wait(0.01):
            if cancelled():
                raise Cancelled
        write_series(series, folder)

    monkeypatch.setattr(handover, "write_series", write)
    yield free
    free.set()


Wait = Callable[..., list[Event]]


def folder_of(client: WorkerClient) -> Path:
    assert client._run_folder is not None
    return client._run_folder


def test_start_returns_while_the_disk_is_busy(client: WorkerClient, slow_disk: threading.Event, wait_for: Wait) -> None:
    client.start(SCAN)
    folder = folder_of(client)
    assert client.busy and not (folder / "echoes.npy").exists()
    assert client.poll() == [Stage(1, Step.READ)]
    child = client.pid
    client.cancel()
    assert wait_for(client) == [Stopped(1)]
    until(lambda: not folder.exists(), "removal of the scan")
    assert client.pid == child, "the child stays for the next run"


def test_close_while_the_scan_is_written(client: WorkerClient, slow_disk: threading.Event) -> None:
    client.start(SCAN)
    folder = folder_of(client)
    client.close()
    assert not client.busy
    until(lambda: not folder.exists(), "removal of the scan")


def test_a_full_disk_is_an_event(client: WorkerClient, monkeypatch: pytest.MonkeyPatch, wait_for: Wait) -> None:
    for error, words in (
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device.*Free space there, then press Apply"),
        (ZeroDivisionError("x"), "ZeroDivisionError: x"),
    ):

        def write(*_: object, raised: Exception = error) -> None:
            raise raised

        monkeypatch.setattr(handover, "write_series", write)
        client.start(SCAN)
        failed = wait_for(client)[-1]
        assert isinstance(failed, Failed) and failed.reason is Reason.INTERNAL
        assert not client.busy
        assert re.search(words, failed.message)


def test_a_scan_of_any_memory_order_travels_unchanged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = (rng.normal(size=(2, 4, 3, 5)) + 1j * rng.normal(size=(2, 4, 3, 5))).astype(np.complex64)
    for echoes in (values.transpose(3, 1, 0, 2), np.asfortranarray(values.transpose(3, 0, 1, 2)), values.transpose(1, 2, 0, 3)):
        te_s = np.arange(1, len(echoes) + 1) * 1e-3
        write_series(EchoSeries(echoes, te_s, 1.5), tmp_path)
        np.testing.assert_array_equal(read_series(tmp_path).echoes, echoes)
    with pytest.raises(Cancelled):
        write_series(SCAN, tmp_path, lambda: True)
