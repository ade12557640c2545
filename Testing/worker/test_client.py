"""The worker with real processes: progress, cancel, crash, missing torch, a warm second run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from paths import PACKAGE
from waiting import alive, until

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import (
    Event,
    Failed,
    Progress,
    Reason,
    Result,
    Severity,
    Stage,
    Step,
    Stopped,
    WorkerBusy,
    WorkerClient,
)

WORKER = PACKAGE / "worker"
Wait = Callable[..., list[Event]]


def many_slices(series: EchoSeries, times: int) -> EchoSeries:
    return EchoSeries(np.tile(series.echoes, (1, times, 1, 1)), series.te_s, series.field_strength_t, series.geometry)


@pytest.fixture
def client() -> Iterator[WorkerClient]:
    made = WorkerClient()
    yield made
    made.close()


def test_second_run_reuses_process_and_torch(
    client: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    series, truth = small_liver
    options = RunOptions(models=models)
    client.start(series, options)
    first = wait_for(client)
    pid = client.pid
    client.start(series, options)
    second = wait_for(client)

    assert [(e.done, e.total) for e in second if isinstance(e, Progress)] == [(n, 3) for n in range(4)]
    a, b = first[-1], second[-1]
    assert isinstance(a, Result)
    assert isinstance(b, Result)
    again = [Step.READ, Step.CHECK, Step.PREPARE, Step.NETWORKS, Step.ASSESS]
    assert [e.step for e in first if isinstance(e, Stage)] == [Step.READ, Step.TORCH, *again[1:]]
    assert [e.step for e in second if isinstance(e, Stage)] == again
    assert a.quality is not None and a.quality.expected["snr"] > 5
    assert a.torch_import_s is not None and a.torch_import_s > 0
    assert b.torch_import_s is None, "torch was imported again"
    assert client.pid == pid
    np.testing.assert_array_equal(a.maps.pdff, b.maps.pdff)
    assert b.maps.geometry == series.geometry
    assert b.maps.provenance.source == series.source
    liver = truth.segment("Right lobe") & b.maps.mask
    assert abs(np.median(b.maps.pdff[liver]) - truth.pdff_percent[liver].mean()) < 2.0


def test_a_run_after_warming_up_imports_and_loads_nothing(
    client: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    options = RunOptions(models=models)
    client.warm_up(options)
    assert not client.busy and client.poll() == []
    pid = client.pid
    client.warm_up(options)  # again, as every update of the panel does
    client.start(small_liver[0], options)
    *steps, result = wait_for(client)
    assert isinstance(result, Result) and result.torch_import_s is None
    assert Step.TORCH not in [e.step for e in steps if isinstance(e, Stage)]
    assert client.pid == pid is not None


def test_what_fails_while_warming_up_is_reported_by_the_run(
    client: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], tmp_path: Path, wait_for: Wait
) -> None:
    options = RunOptions(models=str(tmp_path))
    client.warm_up(options)
    client.start(small_liver[0], options)
    failed = wait_for(client)[-1]
    assert isinstance(failed, Failed) and failed.reason is Reason.MODEL


def test_cancel_ends_a_long_run_and_the_next_one_works(
    client: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    long = many_slices(small_liver[0], 40)
    client.start(
        long,
        RunOptions(models=models),
        check=False,
    )
    with pytest.raises(WorkerBusy):
        client.start(long)
    wait_for(client, lambda event: isinstance(event, Progress) and event.done >= 1)
    client.cancel()
    events = wait_for(client)
    assert isinstance(events[-1], Stopped)
    assert not client.busy
    client.start(
        small_liver[0],
        RunOptions(models=models),
        check=False,
    )
    assert isinstance(wait_for(client)[-1], Result)


def test_cancel_during_the_import_of_torch(tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps], wait_for: Wait) -> None:
    (tmp_path / "torch.py").write_text("import time; time.sleep(3600)\n", encoding="utf-8")
    client = WorkerClient(environment={"PYTHONPATH": str(tmp_path)})
    try:
        client.start(small_liver[0], check=False)
        pid = client.pid
        assert pid is not None
        wait_for(client, lambda event: isinstance(event, Stage) and event.step is Step.TORCH)
        client.cancel()
        assert isinstance(wait_for(client)[-1], Stopped)
        assert client.pid is None
        until(lambda: not alive(pid), "end of the child")
    finally:
        client.close()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_killed_in_mid_run_then_next_run_works(
    client: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    client.start(
        many_slices(small_liver[0], 40),
        RunOptions(models=models),
        check=False,
    )
    wait_for(client, lambda event: isinstance(event, Progress) and event.done >= 1)
    assert client.pid is not None
    os.kill(client.pid, signal.SIGKILL)
    failed = wait_for(client)[-1]
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.CRASH
    assert "SIGKILL" in failed.message
    assert not client.busy
    client.start(
        small_liver[0],
        RunOptions(models=models),
        check=False,
    )
    assert isinstance(wait_for(client)[-1], Result)


def test_missing_torch_is_a_message(tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps], wait_for: Wait) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    client = WorkerClient(environment={"PYTHONPATH": str(tmp_path)})
    try:
        client.start(small_liver[0])
        failed = wait_for(client)[-1]
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.TORCH_MISSING
        assert "PyTorch" in failed.message
        assert client.pid is None, "a child without torch must not be used again"
    finally:
        client.close()


def test_bad_models_are_a_message(
    warm_worker: WorkerClient, tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps], wait_for: Wait
) -> None:
    warm_worker.start(small_liver[0], RunOptions(models=str(tmp_path)))
    failed = wait_for(warm_worker)[-1]
    assert isinstance(failed, Failed)
    assert failed.reason is Reason.MODEL
    assert "models.json" in failed.message
    assert warm_worker.pid is not None, "an error of the request leaves the process alive"


def test_stray_output_of_libraries_does_not_disturb(
    tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps], wait_for: Wait
) -> None:
    noisy = "import os; print('hello'); os.write(1, b'from C\\n'); raise ModuleNotFoundError('none', name='torch')\n"
    (tmp_path / "torch.py").write_text(noisy)
    client = WorkerClient(environment={"PYTHONPATH": str(tmp_path)})
    try:
        client.start(small_liver[0])
        assert isinstance(wait_for(client)[-1], Failed)
        until(lambda: "from C" in client.log(), "line of the log")
    finally:
        client.close()


def test_an_unusable_scan_is_refused_with_findings_unless_asked_for(
    warm_worker: WorkerClient, small_liver: tuple[EchoSeries, TissueMaps], models: str, wait_for: Wait
) -> None:
    echoes = small_liver[0].echoes
    one_phase = replace(small_liver[0], echoes=(np.abs(echoes) * np.exp(1j * np.angle(echoes[:1]))).astype(np.complex64))
    warm_worker.start(one_phase, RunOptions(models=models))
    refused = wait_for(warm_worker)[-1]
    assert isinstance(refused, Failed)
    assert refused.reason is Reason.UNUSABLE
    assert [(f.code, f.severity) for f in refused.findings] == [("phase-constant", Severity.STOP)]
    assert refused.message == refused.findings[0].sentence
    warm_worker.start(one_phase, RunOptions(models=models, method="one-shot", anyway=True))
    done = wait_for(warm_worker)[-1]
    assert isinstance(done, Result)
    assert done.quality is not None and "phase-constant" in done.quality.codes()
    warm_worker.start(
        small_liver[0],
        RunOptions(models=models, method="one-shot"),
        check=False,
    )
    unchecked = wait_for(warm_worker)[-1]
    assert isinstance(unchecked, Result) and unchecked.quality is None


@pytest.mark.skipif(os.name == "nt", reason="shell script")
def test_another_interpreter_by_environment_variable(
    tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps], wait_for: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    from AIDEALLib.worker.process import has_torch

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nenv > "{tmp_path}/seen"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("AIDEAL_PYTHON", str(python))
    monkeypatch.setenv("PYTHONHOME", "/of/the/application")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/of/the/application")
    assert has_torch(str(python))
    assert not has_torch(str(tmp_path / "missing"))
    client = WorkerClient()
    try:
        client.start(small_liver[0], RunOptions(models=str(tmp_path)))
        failed = wait_for(client)[-1]
        assert isinstance(failed, Failed)
        assert failed.reason is Reason.MODEL, "torch was found there"
    finally:
        client.close()
    assert "/of/the/application" not in (tmp_path / "seen").read_text()


@pytest.mark.skipif(os.name == "nt", reason="process groups")
def test_killing_reaches_what_the_child_started(
    client: WorkerClient, tmp_path: Path, small_liver: tuple[EchoSeries, TissueMaps]
) -> None:
    launcher = tmp_path / "launcher.sh"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "$@"\nexit $?\n')
    launcher.chmod(0o755)
    through_launcher = WorkerClient(python=str(launcher))
    through_launcher.start(small_liver[0])
    launcher_pid = through_launcher.pid
    assert launcher_pid is not None

    def children() -> list[int]:
        listed = subprocess.run(["pgrep", "-P", str(launcher_pid)], capture_output=True, text=True, check=False).stdout
        return [int(word) for word in listed.split()]

    until(children, "child of the launcher")
    started = [launcher_pid, *children()]
    through_launcher.close()
    until(lambda: not any(map(alive, started)), "end of all that was started")


def test_child_ends_when_its_parent_is_gone(small_liver: tuple[EchoSeries, TissueMaps]) -> None:
    code = (
        "import sys, os; sys.path.insert(0, sys.argv[1])\n"
        "from AIDEALLib.worker.process import start_server, python_executable\n"
        "child = start_server(python_executable(), {})\n"
        "child.stdout.readline(); print(child.pid, flush=True); os._exit(1)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(WORKER.parents[1])], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    until(lambda: not alive(pid), "end of the child")


def test_a_python_without_numpy_is_named(
    small_liver: tuple[EchoSeries, TissueMaps], wait_for: Callable[..., list[Event]], tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'numpy'\" >&2\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    client = WorkerClient(python=str(python))
    client.start(small_liver[0])
    failed = wait_for(client)[-1]
    client.close()
    assert isinstance(failed, Failed) and failed.reason is Reason.CRASH
    assert "lacks numpy" in failed.message and "memory" not in failed.message
