"""Scans on workers: no more under way than fit, killed ones again, and the end of a call on request."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster

from AIDEALLib.choices import Retry
from AIDEALLib.cli.cohort_options import bytes_of
from AIDEALLib.cli.running import ctrl_c_cancels
from AIDEALLib.cohort import engine
from AIDEALLib.cohort.ends import KILLED
from AIDEALLib.cohort.engine import AHEAD, TIMES_LOST, EngineOptions, Workers, connected, run_tasks
from AIDEALLib.cohort.plan import plan
from AIDEALLib.cohort.scan import CohortScan
from AIDEALLib.cohort.task import Task
from AIDEALLib.errors import InputError
from AIDEALLib.options import RunOptions


def scripted(task: dict[str, Any], limits: tuple[float, int]) -> dict[str, Any]:
    """Ends of scans by their names: each attempt leaves a file."""
    name = task["scan"]["id"]
    attempts = Path(task["out"]) / "attempts" / name
    attempts.mkdir(parents=True, exist_ok=True)
    (attempts / uuid.uuid4().hex).touch()
    number = len(list(attempts.iterdir()))
    if name == "always-killed" or (name == "killed-once" and number == 1):
        return {"id": name, "kind": KILLED, "reason": "Its process was killed."}
    if name == "slow":
        return {"id": name, "kind": "time", "reason": f"It took more than the {limits[0]:.0f} s that are allowed."}
    return {"id": name}


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two threads of this process."""
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as client,
    ):
        yield Workers(client)


def tasks_in(out: Path, *names: str) -> list[Task]:
    (out / "in").mkdir()
    files = {name: out / "in" / f"{name}.npz" for name in names}
    for file in files.values():
        file.touch()
    return [Task(CohortScan(name, (file,)), RunOptions(device="cpu"), out=out) for name, file in files.items()]


def test_killed_scans_are_run_again_and_limits_are_failures(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "run_here", scripted)
    tasks, ends = tasks_in(tmp_path, "good", "killed-once", "always-killed", "slow"), dict[str, Any]()
    run_tasks(workers, tasks, EngineOptions(), lambda end: ends.update({end["id"]: end.get("kind", "")}), lambda: False)
    assert ends == {"good": "", "killed-once": "", "always-killed": KILLED, "slow": "time"}
    attempts = {folder.name: len(list(folder.iterdir())) for folder in (tmp_path / "attempts").iterdir()}
    assert attempts == {"good": 1, "killed-once": 2, "always-killed": TIMES_LOST, "slow": 1}
    failed = {record.id: record.failure["kind"] for record in plan(tasks, tmp_path).failed}
    assert failed == {"always-killed": KILLED, "slow": "time"}
    assert {p.task.scan.id for p in plan(tasks, tmp_path, {Retry.FAILED}).todo} == {"good", *failed, "killed-once"}


def test_few_tasks_are_ahead_and_a_cancelled_call_ends(
    workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "run_here", scripted)
    submitted: list[str] = []
    submit = engine._submitted

    def counted(client: Client, task: Task, attempt: int, options: EngineOptions) -> Any:
        submitted.append(task.scan.id)
        return submit(client, task, attempt, options)

    monkeypatch.setattr(engine, "_submitted", counted)
    tasks, ended = tasks_in(tmp_path, *(f"s{n}" for n in range(40))), list[str]()

    def end(what: dict[str, Any]) -> None:
        ended.append(what["id"])
        assert len(submitted) - len(ended) <= 2 * AHEAD

    run_tasks(workers, tasks, EngineOptions(), end, lambda: len(ended) >= 10)
    assert 10 <= len(ended) < 40


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        pytest.raises(InputError, match="No scheduler answers at nonsense"),
        connected(EngineOptions(scheduler="nonsense://x")),
    ):
        pass


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_request_to_end_is_like_ctrl_c() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with ctrl_c_cancels(("SIGTERM",)) as cancelled:
        assert not cancelled()
        os.kill(os.getpid(), signal.SIGTERM)
        assert cancelled()
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("4GiB", 4 << 30), ("1.5 g", 3 << 29), ("512MB", 512 << 20), ("10", 10)])
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


def test_what_is_no_size() -> None:
    with pytest.raises(InputError, match="4GiB"):
        bytes_of("much")
