"""Writing a result is one act: the folder of before stays whole, or is replaced whole.

A run writes into a hidden folder beside its target, on the same file system, and the two change places in one step at the end.
Where that cannot be (a mount point, a folder in use, a file system without such a step), the run is written into a hidden
folder inside the target; the manifest, replaced in one step, then names that folder as the valid run until all files have been
moved to their places. `files.json` lists the files of a result with their checksums.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...scratch import LOCK, remove_abandoned
from .exchange import exchange
from .manifest import MANIFEST, PENDING, STAGE, Entries, checksums, earlier_scan, read_manifest, write_manifest
from .target import PathLike, open_target, shown

MOST_OTHER_FILES = 2000
FORGOTTEN_AFTER_S, LONGEST_MOVE_S = 60.0, 30.0
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


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
    place = open_target(directory, inputs)
    target, scratch = place.directory, place.scratch
    stage = scratch.path / "result"
    try:
        finish_moving(target)
        stage.mkdir()
        yield stage
        _commit(stage, target, place.inside, listed)
    except (OSError, InputError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__  # a writer has worded it for its file
        if not isinstance(cause, OSError) or (cause.errno not in _OF_THE_DISK and str(scratch.path) not in str(cause.filename)):
            raise
        raise InputError(
            f"The result could not be written to {shown(target)} ({cause.strerror or cause}); what was there is unchanged. "
            "Free space, or give another folder."
        ) from cause
    finally:
        place.close()


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
            f"{shown(Path(directory))} holds the result of another scan, which is not replaced. Give another folder, or "
            "force the replacement."
        )


def finish_moving(directory: Path) -> None:
    """Finish a result whose files were being moved to their places when the process was ended; one that still lives does."""
    manifest = read_manifest(directory)
    name = manifest.get("folder", "")
    for left in directory.glob(f"{PENDING}*"):
        if left.name != name and time.time() - left.lstat().st_mtime > FORGOTTEN_AFTER_S:
            _remove(left)
    if not isinstance(name, str) or not name.startswith(PENDING) or Path(name).name != name:
        return
    hidden = name.replace(PENDING, STAGE, 1)
    for place in (directory, directory.resolve().parent):
        remove_abandoned(STAGE, place)
        if (place / hidden / LOCK).exists():  # held by the process that writes
            return
    pending = directory / name
    if pending.is_dir() and not pending.is_symlink():
        _move_into_place(pending, directory, manifest)


def settled(directory: Path) -> None:
    """Wait until all files of the valid run are in their places, before they are read.

    Parameters
    ----------
    directory : Path
        Folder of a result.

    Raises
    ------
    InputError
        Another process is still moving them, or this one must not finish what was interrupted.
    """
    end = time.monotonic() + LONGEST_MOVE_S
    try:
        finish_moving(directory)
        while "folder" in read_manifest(directory):
            if time.monotonic() > end:
                raise InputError(f"{shown(directory)} is being written to by another process; read it when that has ended.")
            time.sleep(0.02)
            finish_moving(directory)
    except OSError as error:
        raise InputError(
            f"{shown(directory)} holds a result whose files are not in their places yet, and cannot be written to "
            f"({error.strerror}). Run it again."
        ) from error


def _commit(stage: Path, target: Path, inside: bool, listed: bool) -> None:
    (stage / MANIFEST).unlink(missing_ok=True)  # of a part that was staged on its own
    manifest: dict[str, Any] = {"files": checksums(stage)}
    if listed:
        write_manifest(stage, manifest)
    _sync(stage)
    if not inside and _replace_whole(stage, target):
        return
    pending = target / f"{PENDING}{stage.parent.name.removeprefix(STAGE)}"
    _rename(stage, pending)
    before = Entries.of(target).own
    manifest |= {"folder": pending.name, "replaces": sorted(before), "listed": listed}
    write_manifest(target, manifest)  # from here on the new run is the valid one
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
    others = Entries.of(target).others
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
        write_manifest(target, {"files": files})
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
