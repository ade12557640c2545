"""Load a scan of any supported format."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..echoes import EchoSeries
from ..errors import InputError
from ..escaping import plain
from ..options import Overrides
from .contradictions import refuse_impossible_excitation
from .dicom.files import guarded
from .dicom.read import is_dicom, read_dicom
from .interchange import read_series, write_series
from .matlab import read_matlab
from .naming import is_image
from .neutral import SCAN, neutral_messages
from .npz import read_npz
from .reader_process import read_elsewhere
from .sizes import check_file
from .volumes import read_volumes

LONGEST_SOURCE = 500
PathLike = str | os.PathLike[str]
EXPECTED = "DICOM, a MATLAB file (.mat), NIfTI (.nii, .nii.gz), NRRD (.nrrd), .npz, or a folder of DICOM, NIfTI or NRRD files"


def load_series(
    path: PathLike | Sequence[PathLike],
    overrides: Overrides | None = None,
    keep_names: bool = False,
    apart: bool = True,
    meanwhile: Callable[[], None] = lambda: None,
) -> EchoSeries:
    """Load a multi-echo scan.

    Parameters
    ----------
    path : path, or sequence of paths
        A file, a folder, or the files of one series (`EXPECTED`). One file of a NIfTI or NRRD series represents all of it.
    overrides : Overrides, optional
        Values that override those of the files.
    keep_names : bool
        Name files and folders in `source` and in messages; otherwise neutral names stand for them, since they often name
        patients.
    apart : bool
        Read in a process of its own, which a damaged file may crash.
    meanwhile : callable
        Called while that process reads.

    Returns
    -------
    EchoSeries
        The scan, checked. Its phase is as stored; `phase_sign` is its rotation sense where the file states one.

    Raises
    ------
    InputError
        The path is missing, of another kind, incomplete, or holds what no scan can hold.
    """
    overrides = overrides or Overrides()
    paths = [Path(path)] if isinstance(path, str | os.PathLike) else [Path(p) for p in path]
    with neutral_messages(paths, keep_names):
        _check_paths(paths)
        if not apart:
            series = read_series_files(paths, overrides, keep_names)
        else:
            request = {"paths": [str(p.absolute()) for p in paths], "overrides": overrides.as_dict(), "keep_names": keep_names}
            with read_elsewhere(_read_apart, request, paths[0].name, meanwhile) as folder:
                series = read_series(folder, mapped=False)
    series = replace(
        series,
        source=plain(series.source)[:LONGEST_SOURCE] if keep_names or series.source.startswith("DICOM, ") else SCAN,
        notes=tuple(map(plain, series.notes)),
        flip_angle_deg=series.flip_angle_deg if overrides.flip_angle_deg is None else overrides.flip_angle_deg,
        repetition_time_s=series.repetition_time_s if overrides.repetition_time_s is None else overrides.repetition_time_s,
    )
    refuse_impossible_excitation(series)
    return series


def _read_apart(request: dict[str, Any], folder: Path) -> None:
    paths, overrides = [Path(path) for path in request["paths"]], Overrides(**request["overrides"])
    write_series(read_series_files(paths, overrides, request["keep_names"]), folder)


def _check_paths(paths: Sequence[Path]) -> None:
    if not paths:
        raise InputError(f"No input was named; {EXPECTED} was expected. Name one.")
    for p in paths:
        try:
            if not p.exists():
                raise InputError(f"{p} does not exist; {EXPECTED} was expected. Check the path.")
        except OSError as error:
            raise InputError(f"{p} cannot be read ({error.strerror}); {EXPECTED} was expected. Check the path.") from error
        if not p.is_dir():
            check_file(p)


def read_series_files(paths: Sequence[Path], overrides: Overrides, keep_names: bool = False) -> EchoSeries:
    """Read a scan in this process.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders, which exist.
    overrides : Overrides
        Values that override the files.
    keep_names : bool
        Keep free text that a file holds.

    Returns
    -------
    EchoSeries
        The scan; its source names the file or folder.

    Raises
    ------
    InputError
        As `load_series`.
    """
    if not any(is_image(p) or p.suffix.lower() in (".mat", ".npz") for p in paths) and is_dicom(paths):
        return read_dicom(paths, overrides)
    if overrides.study or overrides.series:
        raise InputError(
            "A study or series was chosen, but the input is no DICOM; only DICOM has them. Name the file of the scan."
        )
    if len(paths) == 1 and paths[0].is_dir():
        paths = _scan_in(paths[0])
    only = paths[0]
    if len(paths) == 1 and only.suffix.lower() == ".mat":
        check_file(only)
        return guarded(lambda: read_matlab(only, overrides), _unreadable(only))
    if len(paths) == 1 and only.suffix.lower() == ".npz":
        check_file(only)
        series = guarded(lambda: read_npz(only, overrides), _unreadable(only))
        return series if keep_names else replace(series, notes=())
    odd = [p.name for p in paths if not (p.is_dir() or is_image(p))]
    if odd or (len(paths) > 1 and any(p.is_dir() for p in paths)):
        named = ", ".join(odd) or ", ".join(p.name for p in paths if p.is_dir())
        raise InputError(f"Cannot read {named} as a scan; {EXPECTED} was expected. Name one.")
    return guarded(lambda: read_volumes(paths, overrides), _unreadable(only))


def _unreadable(path: Path) -> str:
    return f"{path.name} could not be read ({{reason}}). Export or copy it again."


def _scan_in(folder: Path) -> list[Path]:
    """The folder itself where it holds images, or the single .mat or .npz file in it."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and not p.name.startswith(".")]
    if any(is_image(p) for p in files):
        return [folder]
    scans = [p for p in files if p.suffix.lower() in (".mat", ".npz")]
    if len(scans) == 1:
        return scans
    found = f"{len(scans)} .mat and .npz files" if scans else f"{len(files)} other files" if files else "nothing"
    raise InputError(f"The folder {folder.name} holds {found}; {EXPECTED} was expected. Name one scan.")
