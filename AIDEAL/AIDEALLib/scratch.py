"""Temporary folders whose lock shows whether their owner lives, so that those of the dead can be removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

LOCK = "owner.lock"


class ScratchFolder:
    """A new folder, locked until it is removed or this process ends, however it ends.

    Parameters
    ----------
    prefix : str
        Begin of its name.
    parent : Path, optional
        Folder it lies in; that of temporary files when None.

    Attributes
    ----------
    path : Path
        The folder.

    Raises
    ------
    OSError
        It cannot be made.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        self._lock: int | None = None
        with contextlib.suppress(OSError):  # file systems without locks: the folder is then never taken for abandoned
            unnamed = self.path / f"{LOCK}.new"
            self._lock = _locked(unnamed, create=True)
            unnamed.rename(self.path / LOCK)  # seen by others only once it is locked

    def remove(self) -> None:
        """Remove the folder and all in it; no effect where it is gone."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            shutil.rmtree(self.path, ignore_errors=True)  # Windows keeps open files


def remove_abandoned(prefix: str, parent: Path | None = None) -> list[Path]:
    """Remove the scratch folders of processes that have ended.

    Parameters
    ----------
    prefix : str
        Begin of their names.
    parent : Path, optional
        Folder they lie in; that of temporary files when None.

    Returns
    -------
    list of Path
        Folders that were removed; links, folders of other users, and such without a lock are left alone.
    """
    removed = []
    for path in sorted((parent or Path(tempfile.gettempdir())).glob(f"{prefix}*")):
        try:
            state = path.lstat()
            if not stat.S_ISDIR(state.st_mode) or (hasattr(os, "getuid") and state.st_uid != os.getuid()):
                continue
            lock = _locked(path / LOCK, create=False)
        except OSError:
            continue
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)
        shutil.rmtree(path, ignore_errors=True)
        removed.append(path)
    return removed


def _locked(path: Path, create: bool) -> int:
    """File descriptor of a locked file; raises `OSError` where another process has the lock."""
    flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | (os.O_CREAT if create else 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
