"""Fingerprint of the code that stored results depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
ESTIMATE = (
    "physics",
    "estimation",
    "pipeline.py",
    "options.py",
    "choices.py",
    "models.py",
    "script_check.py",
    "echoes.py",
    "parameter_maps.py",
)
"""Modules and folders of the package that every estimate depends on."""


def code_fingerprint(*more: str, package: Path = PACKAGE) -> str:
    """SHA-256 of the source of the estimate and of further modules.

    Parameters
    ----------
    *more : str
        Further modules and folders that the stored result depends on, relative to the package.
    package : Path
        Folder of the package.

    Returns
    -------
    str
        Hexadecimal digest; changes when a file changes, is added, renamed or removed.

    Raises
    ------
    FileNotFoundError
        A module or folder does not exist.
    """
    digest = hashlib.sha256()
    for name in (*ESTIMATE, *more):
        place = package / name
        for path in sorted(place.rglob("*.py")) or [place]:
            digest.update(path.relative_to(package).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
