"""The place of a result: refused, or tried out, before anything is computed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from ...scratch import ScratchFolder, remove_abandoned
from .manifest import STAGE

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Target:
    """A folder that a result can be written to.

    Attributes
    ----------
    directory : Path
        The folder.
    scratch : ScratchFolder
        Hidden folder on the same file system.
    inside : bool
        The hidden folder lies inside `directory`, since that cannot be exchanged as a whole.
    made : list of Path
        Folders above it that were made.
    """

    directory: Path
    scratch: ScratchFolder
    inside: bool
    made: list[Path]

    def close(self) -> None:
        """Remove the hidden folder, and the folders made where nothing was written to them."""
        self.scratch.remove()
        for folder in reversed(self.made):
            with contextlib.suppress(OSError):
                folder.rmdir()


def open_target(directory: PathLike, inputs: Sequence[PathLike] = ()) -> Target:
    """Try out a place.

    Parameters
    ----------
    directory : path
        Folder of the result; folders above it are made when they are missing.
    inputs : sequence of paths
        Files and folders that are read, and must not be written into.

    Returns
    -------
    Target
        To be closed.

    Raises
    ------
    InputError
        `directory` is no folder, cannot be written to, or lies inside a folder that is read.
    """
    target = Path(directory)
    try:
        _refuse_place(target, inputs)
        made = _make_parents(target.parent)
        inside = target.is_dir() and not exchangeable(target)
        parent = target if inside else target.parent
        for place in {target.parent, parent}:
            remove_abandoned(STAGE, place)
        return Target(target, ScratchFolder(STAGE, parent), inside, made)
    except OSError as error:
        raise InputError(
            f"Cannot write to {shown(target)} ({error.strerror or error}); a folder that can be written to was expected. "
            "Give another."
        ) from error


def probe(directory: PathLike, inputs: Sequence[PathLike] = ()) -> None:
    """Raise where a result cannot be written to a folder, as `open_target` does; nothing stays.

    Parameters
    ----------
    directory : path
        Folder of the result.
    inputs : sequence of paths
        Files and folders that are read.
    """
    open_target(directory, inputs).close()


def _refuse_place(target: Path, inputs: Sequence[PathLike]) -> None:
    if "\0" in str(target) or not str(target).strip():
        raise InputError("The folder for the results has no name; a folder to write to was expected. Name one.")
    try:
        str(target).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("The name of the folder for the results has bytes that are no text (UTF-8); give another.") from error
    if target.is_symlink() and not target.exists():
        raise InputError(f"{shown(target)} is a link that leads nowhere; a folder for the results was expected. Give another.")
    if target.exists() and not target.is_dir():
        raise InputError(f"{shown(target)} is a file; a folder for the results was expected. Give another one.")
    place = target.resolve()
    for path in inputs:
        source = Path(path).resolve()
        if source.is_dir() and (place == source or source in place.parents):
            raise InputError(
                f"{shown(target)} lies inside the folder that is read; results in it would be read as a scan. Give another."
            )
    if target.is_dir() and not os.access(target, os.W_OK | os.X_OK):
        raise InputError(f"{shown(target)} is read-only; a folder that can be written to was expected. Give another.")


def _make_parents(parent: Path) -> list[Path]:
    """Make the missing folders above the target; returns those made."""
    missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    parent.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def exchangeable(target: Path) -> bool:
    """Whether another folder can take the place of an existing one."""
    real = target.resolve()
    with contextlib.suppress(OSError):
        if Path.cwd() == real or real in Path.cwd().parents:
            return False
    if target.is_symlink() or os.path.ismount(target) or real.stat().st_dev != real.parent.stat().st_dev:
        return False
    return os.access(real.parent, os.W_OK | os.X_OK)


def shown(path: Path) -> str:
    """A path for a message; bytes that are no text are escaped."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
