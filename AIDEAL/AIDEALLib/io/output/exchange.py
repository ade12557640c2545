"""Exchanging two folders in one step of the file system, where it has one."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE_LINUX, _SWAP_MACOS = 2, 2
_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EBUSY, errno.EPERM, errno.EACCES, errno.ENOTSUP)


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system change places in one step.

    Parameters
    ----------
    first : Path
        A folder.
    second : Path
        Another one.

    Returns
    -------
    bool
        False where the system, or this file system, has no such step; both are then as before.

    Raises
    ------
    OSError
        The step failed for another reason.
    """
    call = _system_call()
    if call is None:
        return False
    if call(os.fsencode(first), os.fsencode(second)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code), str(second))


def _system_call():  # type: ignore[no-untyped-def]
    if not sys.platform.startswith(("linux", "darwin")):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        swap = getattr(library, "renamex_np", None)
        return swap and (lambda a, b: swap(a, b, _SWAP_MACOS))
    rename = getattr(library, "renameat2", None)
    return rename and (lambda a, b: rename(_AT_FDCWD, a, _AT_FDCWD, b, _EXCHANGE_LINUX))
