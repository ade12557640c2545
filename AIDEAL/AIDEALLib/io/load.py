"""Load a scan of any supported format."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..echoes import EchoSeries
from ..errors import InputError
from ..options import Overrides
from .dicom.read import is_dicom, read_dicom
from .matlab import read_matlab
from .naming import is_image
from .npz import read_npz
from .volumes import read_volumes

PathLike = str | os.PathLike[str]
EXPECTED = "DICOM, a MATLAB file (.mat), NIfTI (.nii, .nii.gz), NRRD (.nrrd), .npz, or a folder of DICOM, NIfTI or NRRD files"


def load_series(path: PathLike | Sequence[PathLike], overrides: Overrides | None = None) -> EchoSeries:
    """Load a multi-echo scan.

    Parameters
    ----------
    path : path, or sequence of paths
        A file, a folder, or the files of one series (`EXPECTED`). One file of a NIfTI or NRRD series represents all of it.
    overrides : Overrides, optional
        Values that override those of the files.

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
    series = _read(path, overrides)
    return replace(
        series,
        flip_angle_deg=series.flip_angle_deg if overrides.flip_angle_deg is None else overrides.flip_angle_deg,
        repetition_time_s=series.repetition_time_s if overrides.repetition_time_s is None else overrides.repetition_time_s,
    )


def _read(path: PathLike | Sequence[PathLike], overrides: Overrides) -> EchoSeries:
    paths = [Path(path)] if isinstance(path, str | os.PathLike) else [Path(p) for p in path]
    if not paths:
        raise InputError(f"No input was named; {EXPECTED} was expected. Name one.")
    for p in paths:
        if not p.exists():
            raise InputError(f"{p} does not exist; {EXPECTED} was expected. Check the path.")
    if not any(is_image(p) or p.suffix.lower() in (".mat", ".npz") for p in paths) and is_dicom(paths):
        return read_dicom(paths, overrides)
    if len(paths) == 1 and paths[0].is_dir():
        paths = _scan_in(paths[0])
    only = paths[0]
    if len(paths) == 1 and only.suffix.lower() == ".mat":
        return read_matlab(only, overrides)
    if len(paths) == 1 and only.suffix.lower() == ".npz":
        return read_npz(only, overrides)
    odd = [p.name for p in paths if not (p.is_dir() or is_image(p))]
    if odd or (len(paths) > 1 and any(p.is_dir() for p in paths)):
        named = ", ".join(odd) or ", ".join(p.name for p in paths if p.is_dir())
        raise InputError(f"Cannot read {named} as a scan; {EXPECTED} was expected. Name one.")
    return read_volumes(paths, overrides)


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
