"""Tasks beside the estimate: a result, an error in words, a crash, a cancelled task; their folders are gone afterwards."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from paths import MODULE
from waiting import LONG_S

from AIDEALLib.errors import AidealError
from AIDEALLib.worker import background
from AIDEALLib.worker.background import BackgroundTask, TaskFailed


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_goes_wrong_in_the_process_is_an_error_with_its_words(own_folder: Path) -> None:
    task: BackgroundTask[None] = BackgroundTask("visits", lambda folder: None, lambda folder: None)
    assert task.wait(LONG_S)
    with pytest.raises(TaskFailed, match=r"order\.json"):
        task.result()
    assert not list(own_folder.glob("aideal-task-*"))


def test_an_error_in_front_of_the_process_is_that_of_the_task() -> None:
    def refuses(folder: Path) -> None:
        raise AidealError("The disk is full.")

    task: BackgroundTask[None] = BackgroundTask("visits", refuses, lambda folder: None)
    assert task.wait(LONG_S)
    with pytest.raises(AidealError, match="disk is full"):
        task.result()


def test_a_process_that_ends_without_a_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_BOOT", "import sys; sys.exit('no such library')")
    task: BackgroundTask[None] = BackgroundTask("joint", lambda folder: None, lambda folder: None)
    assert task.wait(LONG_S)
    with pytest.raises(TaskFailed, match="exit code 1. no such library"):
        task.result()


def test_the_log_of_a_process_is_read_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_BOOT", "import sys; sys.stderr.write('x' * 3_000_000 + 'the end'); sys.exit(2)")
    task: BackgroundTask[None] = BackgroundTask("joint", lambda folder: None, lambda folder: None)
    assert task.wait(LONG_S)
    with pytest.raises(TaskFailed, match="exit code 2. x+the end$") as failed:
        task.result()
    assert len(str(failed.value)) < 5000


def test_a_task_ends_with_the_process_that_started_it(own_folder: Path) -> None:
    """The child reads what stands for its parent until it is closed."""
    folder = own_folder / "task"
    folder.mkdir()
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from AIDEALLib.worker import background\n"
        "background.importlib.import_module = lambda name: time.sleep(3600)\nbackground.main()"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(MODULE), "joint", str(folder)], stdin=subprocess.PIPE)
    child.communicate(timeout=LONG_S)
    assert child.returncode == 1


def test_a_cancelled_task_ends(monkeypatch: pytest.MonkeyPatch, own_folder: Path) -> None:
    monkeypatch.setattr(background, "_BOOT", "import time; time.sleep(1000)")
    task: BackgroundTask[None] = BackgroundTask("joint", lambda folder: None, lambda folder: None)
    task.cancel()
    assert task.wait(LONG_S)
    with pytest.raises(TaskFailed, match="cancelled"):
        task.result()
    assert not list(own_folder.glob("aideal-task-*"))
