"""Names of files and folders often name patients: by default neither results nor messages hold them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, ReaderKilled
from .naming import IMAGE_SUFFIXES

SCAN = "scan"
KNOWN_SUFFIXES = (".seg.nrrd", *IMAGE_SUFFIXES, ".npz", ".mat", ".dcm", ".json")
MOST_NAMES = 20_000
PLAIN_WORD = re.compile(
    "data|dcm|dicom|echo(es)?|fat|field|files?|folder|images?|imaginary|liver|mag|magnitude|mri|nii|nifti|phase|real|scans?|series|"
    "slices|study|water",
    re.IGNORECASE,
)
"""Names of folders that name nobody, and are words of messages."""


def neutral_name(path: Path, noun: str = SCAN) -> str:
    """A noun with the suffix of a file, where that is of a format read here."""
    lower = path.name.lower()
    return noun + next((suffix for suffix in KNOWN_SUFFIXES if lower.endswith(suffix)), "")


def shown_name(path: Path | None, keep_names: bool, noun: str = "segmentation") -> str | None:
    """Name of a file for the provenance.

    Parameters
    ----------
    path : Path or None
        The file.
    keep_names : bool
        Give its own name.
    noun : str
        What stands in for it otherwise.

    Returns
    -------
    str or None
        The name; None for no file.
    """
    if path is None:
        return None
    return path.name if keep_names else neutral_name(path, noun)


@contextmanager
def neutral_messages(paths: Sequence[Path], keep_names: bool, noun: str = SCAN) -> Iterator[None]:
    """Take the names of files and folders out of the messages of errors.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders that are read in the block.
    keep_names : bool
        Leave messages as they are.
    noun : str
        What stands in for the name of a path; files inside a folder are numbered in the order of their names.

    Raises
    ------
    InputError
        As in the block, without names.
    """
    try:
        yield
    except InputError as error:
        if keep_names:
            raise
        kind = ReaderKilled if isinstance(error, ReaderKilled) else InputError
        raise kind(without_names(error.message, paths, noun), error.advice) from None


def without_names(message: str, paths: Sequence[Path], noun: str = SCAN) -> str:
    """Put neutral names in the place of those of paths, of the files in them or beside them, and of folders above.

    Parameters
    ----------
    message : str
        Message of an error.
    paths : sequence of Path
        Files and folders that were read.
    noun : str
        What stands in for the name of a path.

    Returns
    -------
    str
        The message.
    """
    replaced: dict[str, str] = {}
    for path in paths:
        files = _files_of(path)
        parents = {file.parent for file in files}
        folders = sorted({file.parent for file in files if file not in parents})
        for number, file in enumerate(files, start=1):
            own = neutral_name(file, f"file {number}")
            several = len(folders) > 1 and file.parent in folders
            place = f"{own} in folder {folders.index(file.parent) + 1}" if several else own
            replaced.setdefault(f"{file.parent.name}/{file.name}", place)
            replaced.setdefault(file.name, own)
        for folder in path.absolute().parents:
            if folder.name:
                replaced[str(folder)] = "its folder"
        replaced[path.parent.name] = "its folder"
    for number, path in enumerate(paths, start=1):
        own = neutral_name(path, noun if len(paths) == 1 else f"{noun} {number}")
        for text in (str(path), str(path.absolute()), path.name):
            replaced[text] = own
    texts = [text for text in replaced if len(text) > 1 and text in message and not PLAIN_WORD.fullmatch(text)]
    if not texts:
        return message
    named = "|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])(?:{named})(?![\w])", lambda found: replaced[found[0]], message)


def _files_of(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    try:
        found = sorted(folder.rglob("*") if path.is_dir() else (p for p in folder.iterdir() if p.is_file()))
    except OSError:
        return []
    return found[:MOST_NAMES]
