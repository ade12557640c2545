"""Files of the networks: where they lie, their manifest, and their checksums."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from .errors import ModelError
from .resources import ResourceMissing, listed, resource
from .script_check import LARGEST_BYTES

MANIFEST = "models.json"
FIELD_MODEL, R2STAR_MODEL = "G_phi", "G_R2star"
SETTINGS = "fusion.json"
"""Name, inside the file of G_phi, of its learned weights and calibration."""
BUNDLED = {
    FIELD_MODEL: "de8c6a0266fdf74c24cc9c75362e4ad242d81b44a8f49fdc7614eb4dfba158bc",
    R2STAR_MODEL: "d5d86c1bf87d19dad562356f480721bb91367c4cb965708119a5085b182a6e39",
}
"""SHA-256 of the networks of this version; the manifest beside the files shows damage, not who made them."""
LARGEST_MANIFEST_BYTES = 100_000


def model_directory() -> Path:
    """Folder of the bundled models (`resources.resource`).

    Returns
    -------
    Path
        Folder with the manifest.

    Raises
    ------
    ModelError
        It was not found.
    """
    try:
        return resource("Models", MANIFEST).parent
    except ResourceMissing as error:
        raise ModelError(
            f"The bundled networks were not found; looked for {MANIFEST} in {listed(error.folders)}. "
            "Reinstall the extension, or run from a complete source tree."
        ) from error


def read_manifest(directory: Path) -> dict[str, dict[str, str]]:
    """Read the names and checksums of the files of a folder.

    Parameters
    ----------
    directory : Path
        Folder of networks.

    Returns
    -------
    dict of dict
        'file' and 'sha256' by name of the network.

    Raises
    ------
    ModelError
        The manifest is missing, damaged or incomplete.
    """
    manifest_file = directory / MANIFEST
    if not manifest_file.is_file():
        raise ModelError(f"No {MANIFEST} in {directory}; a folder written by 'aideal train export' was expected.")
    try:
        if manifest_file.stat().st_size > LARGEST_MANIFEST_BYTES:
            raise ValueError(f"larger than {LARGEST_MANIFEST_BYTES} bytes")
        manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        reason = str(error) or type(error).__name__
        raise ModelError(f"{manifest_file} is damaged ({reason}). Reinstall the extension, or restore the file.") from error
    entries = {name: manifest.get(name) if isinstance(manifest, dict) else None for name in (FIELD_MODEL, R2STAR_MODEL)}
    for name, entry in entries.items():
        if not _is_entry(entry):
            raise ModelError(
                f"{manifest_file} has no complete entry for {name}; 'file' (a name without folder) and 'sha256' (64 "
                "hexadecimal digits) were expected. Reinstall the extension."
            )
    return {name: dict(entry) for name, entry in entries.items() if entry}


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    checksum, names = entry.get("sha256"), (entry.get("file"), entry.get("card", "card.md"))
    return (
        all(isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,99}", name) for name in names)
        and isinstance(checksum, str)
        and re.fullmatch("[0-9a-f]{64}", checksum) is not None
    )


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verified_bytes(path: Path, expected: str) -> bytes:
    """Read a model file whose checksum is known.

    Parameters
    ----------
    path : Path
        Model file.
    expected : str
        Hexadecimal SHA-256.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    ModelError
        The file is missing, too large, cannot be read or differs.
    """
    if not path.is_file():
        raise ModelError(f"Model file {path} is missing. Reinstall the extension, or restore the file.")
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise ModelError(f"Model file {path} is larger than {LARGEST_BYTES >> 20} MB; networks are smaller.")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"Model file {path} cannot be read ({error.strerror}).") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"Model file {path} has SHA-256 {found[:12]}..., {expected[:12]}... was expected: "
            "it is damaged or was exchanged. Reinstall the extension."
        )
    return content
