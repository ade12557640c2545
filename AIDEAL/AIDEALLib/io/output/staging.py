"""Write files and folders completely or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import InputError


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
def staged_directory(directory: str | os.PathLike[str]) -> Iterator[Path]:
    """Folder to write files into.

    Parameters
    ----------
    directory : path
        Folder that the files are moved into when the block ends; they are deleted where the block fails. In a folder that
        exists, each file replaces its namesake, and other files stay.

    Yields
    ------
    Path
        Folder to write into, beside it.

    Raises
    ------
    InputError
        `directory` is a file, or cannot be written to.
    """
    target = Path(directory)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; a folder for the results was expected. Give another one.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"Cannot write to {target.parent} ({error.strerror}); a writable folder was expected. Give another."
        ) from error
    try:
        yield stage
        if target.exists():
            for path in sorted(stage.iterdir()):
                os.replace(path, target / path.name)
        else:
            stage.chmod(0o777 & ~_umask())
            os.replace(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
