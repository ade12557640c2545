"""Writing a result is one act: the folder of before stays whole, or is replaced whole.

A run writes into a hidden folder beside its target, on the same file system, and the two change places in one step at the end.
Where that cannot be (a mount point, a folder in use, a file system without such a step), the run is written into a hidden
folder inside the target; the manifest, replaced in one step, then names that folder as the valid run until all files have been
moved to their places. `files.json` lists the files of a result with their checksums.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...scratch import LOCK, ScratchFolder, remove_abandoned
from .exchange import exchange

MANIFEST, PROVENANCE = "files.json", "provenance.json"
STAGE, PENDING = ".aideal-partial-", ".aideal-run-"
MOST_OTHER_FILES = 2000
FORGOTTEN_AFTER_S = 60.0
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
PathLike = str | os.PathLike[str]


@contextmanager
def staged_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Name to write a file under.

    Parameters
    ----------
    path : path
        Name that the file takes, in place of an older one, when the block ends; it is deleted where the block fails.

    Yields
    ------
    Path
        Name to write under, in the same folder.
    """
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        yield partial
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def staged_directory(directory: PathLike, inputs: Sequence[PathLike] = (), listed: bool = True) -> Iterator[Path]:
    """Folder to write into that becomes `directory` when the block ends well, and vanishes when it does not.

    Files that an earlier result left in `directory` are replaced as a whole; other files stay.

    Parameters
    ----------
    directory : path
        Folder of the result; made when it is missing.
    inputs : sequence of paths
        Files and folders that are read in the block, and must not be written into.
    listed : bool
        Leave the list of the files and their checksums, `files.json`.

    Yields
    ------
    Path
        Empty folder.

    Raises
    ------
    InputError
        `directory` is no folder, cannot be written to, lies inside a folder that is read, or could not be completed (the disk
        is full).
    """
    target = Path(directory)
    try:
        _refuse_place(target, inputs)
        made = _make_parents(target.parent)
        inside = target.is_dir() and not _exchangeable(target)
        parent = target if inside else target.parent
        remove_abandoned(STAGE, parent)
        scratch = ScratchFolder(STAGE, parent)
    except OSError as error:
        raise InputError(
            f"Cannot write to {_shown(target)} ({error.strerror or error}); a folder that can be written to was expected. "
            "Give another."
        ) from error
    stage = scratch.path / "result"
    try:
        finish_moving(target)
        stage.mkdir()
        yield stage
        _commit(stage, target, inside, listed)
    except OSError as error:
        if error.errno not in _OF_THE_DISK and str(scratch.path) not in str(error.filename):
            raise
        raise InputError(
            f"The result could not be written to {_shown(target)} ({error.strerror or error}); what was there is unchanged. "
            "Free space, or give another folder."
        ) from error
    finally:
        scratch.remove()
        for folder in reversed(made):
            with contextlib.suppress(OSError):
                folder.rmdir()  # only where nothing was written


def earlier_scan(directory: PathLike) -> str | None:
    """Checksum of the scan that a folder holds the result of ('' where it is not stated), None where it holds no result."""
    try:
        content = json.loads((Path(directory) / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return str(content.get("scan", "")) if isinstance(content, dict) else None


def refuse_other_scan(directory: PathLike, scan: str) -> None:
    """Refuse to replace the result of another scan.

    Parameters
    ----------
    directory : path
        Folder for the result.
    scan : str
        Checksum of the scan that is to be estimated.

    Raises
    ------
    InputError
        The folder holds the result of another scan.
    """
    earlier = earlier_scan(directory)
    if earlier is not None and earlier != scan:
        raise InputError(
            f"{_shown(Path(directory))} holds the result of another scan, which is not replaced. Give another folder, or "
            "force the replacement."
        )


def finish_moving(directory: Path) -> None:
    """Finish a result whose files were being moved to their places when the process was ended."""
    manifest = _manifest(directory)
    name = manifest.get("folder", "")
    for left in directory.glob(f"{PENDING}*"):
        if left.name != name and time.time() - left.lstat().st_mtime > FORGOTTEN_AFTER_S:
            _remove(left)
    if not isinstance(name, str) or not name.startswith(PENDING) or Path(name).name != name:
        return
    pending = directory / name
    if pending.is_dir() and not pending.is_symlink():
        _move_into_place(pending, directory, manifest)


@dataclass(frozen=True)
class _Files:
    """Entries of a folder that holds a result: its own, and others."""

    own: set[str]
    others: list[str]

    @classmethod
    def of(cls, folder: Path) -> _Files:
        listed = _manifest(folder).get("files", {})
        own = {MANIFEST, *(listed if isinstance(listed, dict) else {})}
        names = [entry.name for entry in folder.iterdir() if not entry.name.startswith((STAGE, PENDING))]
        return cls(own, [name for name in names if name not in own])


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _refuse_place(target: Path, inputs: Sequence[PathLike]) -> None:
    if "\0" in str(target) or not str(target).strip():
        raise InputError("The folder for the results has no name; a folder to write to was expected. Name one.")
    try:
        str(target).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The name of the folder for the results has bytes that are no text (UTF-8); give another.") from error
    if target.is_symlink() and not target.exists():
        raise InputError(f"{_shown(target)} is a link that leads nowhere; a folder for the results was expected. Give another.")
    if target.exists() and not target.is_dir():
        raise InputError(f"{_shown(target)} is a file; a folder for the results was expected. Give another one.")
    place = target.resolve()
    for path in inputs:
        source = Path(path).resolve()
        if source.is_dir() and (place == source or source in place.parents):
            raise InputError(
                f"{_shown(target)} lies inside the folder that is read; results in it would be read as a scan. Give another."
            )
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        raise InputError(f"{_shown(target)} is read-only; a folder that can be written to was expected. Give another.")


def _make_parents(parent: Path) -> list[Path]:
    """Make the missing folders above the target; returns those made."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _exchangeable(target: Path) -> bool:
    """Whether another folder can take the place of an existing one."""
    real = target.resolve()
    with contextlib.suppress(OSError):
        if Path.cwd() == real or real in Path.cwd().parents:
            return False
    if target.is_symlink() or os.path.ismount(target) or real.stat().st_dev != real.parent.stat().st_dev:
        return False
    return os.access(real.parent, os.W_OK | os.X_OK)


def _commit(stage: Path, target: Path, inside: bool, listed: bool) -> None:
    (stage / MANIFEST).unlink(missing_ok=True)  # of a part that was staged on its own
    manifest: dict[str, Any] = {"files": {p.name: _sha256(p) if p.is_file() else "" for p in sorted(stage.iterdir())}}
    if listed:
        _write_manifest(stage, manifest)
    _sync(stage)
    if not inside and _replace_whole(stage, target):
        return
    pending = target / f"{PENDING}{stage.parent.name.removeprefix(STAGE)}"
    _rename(stage, pending)
    before = _Files.of(target).own
    manifest |= {"folder": pending.name, "replaces": sorted(before), "listed": listed}
    _write_manifest(target, manifest)  # from here on the new run is the valid one
    _move_into_place(pending, target, manifest)


def _replace_whole(stage: Path, target: Path) -> bool:
    """Put the stage in the place of the target in one step; False where that cannot be."""
    if not target.exists() or not any(target.iterdir()):
        if target.exists():
            shutil.copystat(target, stage)
        try:
            os.replace(stage, target)
        except OSError:
            if not target.is_dir():
                raise
            return False
        return True
    others = _Files.of(target).others
    if sum(len(files) for name in others for _, _, files in os.walk(target / name)) + len(others) > MOST_OTHER_FILES:
        return False
    try:
        for name in others:
            if not (stage / name).exists():
                _link(target / name, stage / name)
        shutil.copystat(target, stage)
    except OSError:  # a file system without hard links
        return False
    return exchange(stage, target)


def _link(source: Path, copy: Path) -> None:
    """The same file, or a folder of the same files, under another path."""
    if source.is_symlink():
        copy.symlink_to(os.readlink(source))
    elif source.is_dir():
        shutil.copytree(source, copy, symlinks=True, copy_function=os.link)
    else:
        os.link(source, copy)


def _move_into_place(pending: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Move the files of the valid run to their places; may be repeated after an interruption."""
    files = manifest.get("files", {})
    replaced = manifest.get("replaces", [])
    for name in replaced if isinstance(replaced, list) else []:
        if isinstance(name, str) and Path(name).name == name and name not in files and name != MANIFEST:
            _remove(target / name)
    for path in sorted(pending.iterdir()):
        if path.name not in (MANIFEST, LOCK):
            if path.is_dir():
                _remove(target / path.name)
            os.replace(path, target / path.name)
    if manifest.get("listed", True):
        _write_manifest(target, {"files": files})
    else:
        _remove(target / MANIFEST)
    shutil.rmtree(pending, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _rename(source: Path, target: Path) -> None:
    try:
        os.replace(source, target)
    except OSError as error:  # from beside the target into it, which may be another file system
        if error.errno != errno.EXDEV:
            raise
        partial = target.with_name(f"{STAGE}{target.name}")
        try:
            shutil.copytree(source, partial)
            os.replace(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _write_manifest(folder: Path, content: dict[str, Any]) -> None:
    partial = folder / f".{MANIFEST}.partial"
    try:
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, folder / MANIFEST)
    finally:
        partial.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Wait until the files are on the disk, so that a power failure after the exchange finds them there."""
    if os.name == "nt":
        return
    for path in folder.rglob("*"):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _shown(path: Path) -> str:
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
