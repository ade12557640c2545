"""What the results of a scan depend on, as digests that show whether it has to be run again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..model_files import BUNDLED, read_manifest
from ..options import RunOptions
from ..scan_run.run import ScanRequest
from ..version import __version__
from .scan import input_files

CHUNK_BYTES = 1 << 20


def state_of(paths: Sequence[Path]) -> str:
    """Digest of names, sizes and times of the files of a scan: cheap, and equal as long as nobody touches them."""
    digest = hashlib.sha256()
    for file in input_files(paths):
        found = file.stat()
        digest.update(f"{_name(file, paths)}\0{found.st_size}\0{found.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def content_of(paths: Sequence[Path]) -> str:
    """Digest of names and contents of the files of a scan."""
    digest = hashlib.sha256()
    for file in input_files(paths):
        content = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                content.update(chunk)
        digest.update(f"{_name(file, paths)}\0{content.hexdigest()}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _name(file: Path, paths: Sequence[Path]) -> str:
    """Name of a file within the scan, so that a dataset that was moved is the same."""
    for path in paths:
        if path.is_dir() and path in file.parents:
            return file.relative_to(path).as_posix()
    return file.name


def paths_of(request: ScanRequest) -> list[Path]:
    """Everything that a run reads."""
    return [*request.files, *([request.segmentation] if request.segmentation else [])]


def settings_of(request: ScanRequest) -> dict[str, Any]:
    """Options, version and networks of a run, in plain types; where it is computed changes no result, and is left out."""
    settings = {
        "options": {name: value for name, value in flat(request.options).items() if name not in ("device", "models")},
        "regions": asdict(request.regions),
        "segmentation": request.segmentation is not None,
        "version": __version__,
        "models": checksums_of_models(request.options),
    }
    return dict(json.loads(json.dumps(settings)))  # as a record gives them back


def checksums_of_models(options: RunOptions) -> dict[str, str]:
    """SHA-256 of the networks of a run by name."""
    if not options.models:
        return dict(BUNDLED)
    return {name: entry["sha256"] for name, entry in read_manifest(Path(options.models)).items()}


def flat(options: RunOptions) -> dict[str, Any]:
    """Options and overrides by name."""
    values = options.as_dict()
    return values | values.pop("overrides")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two settings, in words."""
    found = []
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += [
                f"{inner}: was {old.get(inner)}, now {new.get(inner)}"
                for inner in sorted({*old, *new})
                if old.get(inner) != new.get(inner)
            ]
        elif old != new:
            found.append(f"{name}: was {old}, now {new}")
    return found
