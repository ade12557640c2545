"""A result is written whole or not at all, whatever lies in the way."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from paths import MODULE
from waiting import LONG_S

from AIDEALLib.errors import InputError
from AIDEALLib.io.output import staging as staged
from AIDEALLib.io.output import target
from AIDEALLib.io.output.exchange import exchange
from AIDEALLib.io.output.manifest import MANIFEST, PENDING, STAGE
from AIDEALLib.io.output.staging import finish_moving, refuse_other_scan, settled, staged_directory
from AIDEALLib.scratch import ScratchFolder

CODE = f"import sys; sys.path.insert(0, {str(MODULE)!r})\n"


def write(folder: Path, run: str, names: tuple[str, ...] = ("water", "fat")) -> None:
    with staged_directory(folder) as stage:
        for name in names:
            (stage / name).write_text(run, encoding="utf-8")


def content(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in folder.iterdir() if p.is_file() and p.name != MANIFEST}


def whole(folder: Path) -> str:
    """The one run that all files of a folder are of."""
    (run,) = {folder.joinpath(name).read_text(encoding="utf-8") for name in ("water", "fat")}
    return run


@pytest.fixture(params=["exchanged", "moved"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to put a result in its place."""
    if request.param == "moved":
        monkeypatch.setattr(target, "exchangeable", lambda _: False)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_an_earlier_result_goes_as_a_whole_and_other_files_stay(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    write(out, "first", ("water", "fat", "circles"))
    (out / "notes").write_text("mine", encoding="utf-8")
    (out / "folder").mkdir()
    (out / "folder" / "inner").write_text("mine too", encoding="utf-8")
    (out / "link").symlink_to("notes")
    write(out, "second")
    assert content(out) == {"water": "second", "fat": "second", "notes": "mine", "link": "mine"}
    assert (out / "link").is_symlink() and (out / "folder" / "inner").read_text(encoding="utf-8") == "mine too"
    assert sorted(json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]) == ["fat", "water"]
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    assert not [p.name for p in out.iterdir() if p.name.startswith(".")]


@pytest.mark.usefixtures("way")
def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, "first")
    with pytest.raises(RuntimeError), staged_directory(out) as stage:
        raise RuntimeError((stage / "water").write_text("second", encoding="utf-8"))
    assert content(out) == {"water": "first", "fat": "first"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    with pytest.raises(RuntimeError), staged_directory(tmp_path / "a" / "b" / "c"):
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("exchangeable", [True, False])
@pytest.mark.parametrize("step", ["write_manifest", "os.replace", "exchange", "_remove", "_sync"])
def test_killed_at_any_step_of_the_commit(tmp_path: Path, step: str, exchangeable: bool) -> None:
    """The process ends itself before the n-th call of a step; then the folder holds one run, or its manifest names one."""
    out = tmp_path / "out"
    for number in range(12):
        write(out, "first", ("water", "fat", "circles"))
        code = CODE + (
            "import os, signal\nfrom pathlib import Path\nfrom AIDEALLib.io.output import staging as staged, target\n"
            f"left, owner, name = {number}, {'os' if step.startswith('os.') else 'staged'}, {step.removeprefix('os.')!r}\n"
            "original = getattr(owner, name)\n"
            "def dying(*given):\n    global left\n    left -= 1\n"
            "    if left < 0: os.kill(os.getpid(), signal.SIGKILL)\n    return original(*given)\n"
            f"target.exchangeable = lambda _: {exchangeable}\n"
            f"with staged.staged_directory(Path({str(out)!r})) as stage:\n"
            "    [(stage / n).write_text('second', encoding='utf-8') for n in ('water', 'fat')]\n"
            "    setattr(owner, name, dying)\n"
        )
        ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
        assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
        if exchangeable:
            whole(out)
        manifest = json.loads((out / MANIFEST).read_text(encoding="utf-8"))
        valid = out / manifest["folder"] if "folder" in manifest and (out / manifest["folder"]).exists() else None
        if valid is not None and len(list(valid.iterdir())) == 3:
            assert whole(valid) == "second"
        finish_moving(out)
        assert whole(out) in ("first", "second")
        assert (out / "circles").exists() == (whole(out) == "first")
        if ended.returncode == 0:
            break
    assert ended.returncode == 0
    write(out, "third")
    assert content(out) == {"water": "third", "fat": "third"}
    assert not [p for p in (*tmp_path.iterdir(), *out.iterdir()) if p.name.startswith(STAGE)]


def test_what_a_living_process_moves_is_left_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write(out, "first")
    writer = ScratchFolder(STAGE, out)
    pending = out / writer.path.name.replace(STAGE, PENDING, 1)
    pending.mkdir()
    for name in ("water", "fat"):
        (pending / name).write_text("second", encoding="utf-8")
    listed = {"files": {"water": "", "fat": ""}, "folder": pending.name, "replaces": []}
    (out / MANIFEST).write_text(json.dumps(listed), encoding="utf-8")
    monkeypatch.setattr(staged, "LONGEST_MOVE_S", 0.1)
    with pytest.raises(InputError, match="is being written to by another process"):
        settled(out)
    assert whole(out) == "first" and pending.exists()
    writer.remove()
    settled(out)
    assert whole(out) == "second" and not pending.exists()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_asked_to_end_while_it_computes(tmp_path: Path) -> None:
    code = CODE + (
        "import os, signal, time, typer\nfrom pathlib import Path\nfrom AIDEALLib.cli.failure import FailingClearly\n"
        "from AIDEALLib.io.output.staging import staged_directory\napp = typer.Typer(cls=FailingClearly)\n"
        "@app.command()\ndef one():\n"
        f"    with staged_directory(Path({str(tmp_path / 'out')!r})) as stage:\n"
        "        (stage / 'water').write_text('x'); os.kill(os.getpid(), signal.SIGTERM); time.sleep(3600)\n"
        "@app.command()\ndef two(): pass\napp(['one'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=LONG_S)
    assert ended.returncode == 128 + signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def refused(place: Path, *inputs: Path) -> str:
    with pytest.raises(InputError) as error, staged_directory(place, inputs):
        raise AssertionError("found only after the computation")
    return str(error.value)


def test_places_that_cannot_be_are_found_before_computing(tmp_path: Path) -> None:
    file, scan = tmp_path / "file", tmp_path / "scan"
    file.write_text("mine", encoding="utf-8")
    scan.mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert "is a file" in refused(file)
    assert "Cannot write to" in refused(file / "below")
    assert "leads nowhere" in refused(tmp_path / "dangling")
    assert "lies inside the folder that is read" in refused(scan, scan)
    assert "lies inside the folder that is read" in refused(scan / "a" / "b", scan)
    assert "has no name" in refused(Path("a\0b"))
    assert "no text" in refused(tmp_path / os.fsdecode(b"bad\xff"))
    assert "too long" in refused(tmp_path / ("n" * 300))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dangling", "file", "scan"]


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(target.os, "access", lambda path, mode: Path(path) != out)
    assert "is read-only" in refused(out)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    write(tmp_path / "out", "first")
    with (
        pytest.raises(InputError, match=r"out \(No space left on device\); what was there is unchanged"),
        staged_directory(tmp_path / "out"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert whole(tmp_path / "out") == "first"
    with (
        pytest.raises(InputError, match=r"written to [^ ]*out \(No space left on device\)"),
        staged_directory(tmp_path / "out") as stage,
    ):
        raise InputError(f"Cannot write {stage / 'table'}.") from OSError(errno.ENOSPC, "No space left on device")


def test_the_folder_in_use_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write(out, "first")
    monkeypatch.chdir(out)
    write(Path("."), "second")
    assert content(Path(".")) == {"water": "second", "fat": "second"}


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "real", "first")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link", "second")
    assert (tmp_path / "link").is_symlink() and whole(tmp_path / "real") == "second"


def test_without_a_step_for_exchange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "exchange", lambda *_: False)
    write(tmp_path / "out", "first", ("water", "fat", "circles"))
    write(tmp_path / "out", "second")
    assert content(tmp_path / "out") == {"water": "second", "fat": "second"}


def test_another_file_system_as_in_a_container(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system")
    (tmp_path / "a").mkdir()
    assert exchange(tmp_path / "a", shared) is False
    out = shared / f"aideal-test-{os.getpid()}"
    out.mkdir()
    try:
        (tmp_path / "volume").symlink_to(out)
        write(tmp_path / "volume", "first")
        write(tmp_path / "volume", "second")
        assert whole(out) == "second"
    finally:
        for path in out.iterdir():
            path.unlink()
        out.rmdir()


def test_the_result_of_another_scan_is_not_replaced_in_silence(tmp_path: Path) -> None:
    refuse_other_scan(tmp_path, "a")
    (tmp_path / "provenance.json").write_text('{"scan": "a"}', encoding="utf-8")
    refuse_other_scan(tmp_path, "a")
    with pytest.raises(InputError, match="holds the result of another scan.*force the replacement"):
        refuse_other_scan(tmp_path, "b")
