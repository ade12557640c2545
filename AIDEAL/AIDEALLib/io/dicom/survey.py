"""Multi-echo scans among DICOM files, found from headers alone, for a browser that lists them before any is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from .files import has_dicom_magic, is_mr_image, read_header
from .frames import Frame, frames_of
from .groups import multi_echo_scans
from .stack import build_stack


@dataclass(frozen=True)
class FoundScan:
    """A scan that could be loaded.

    Attributes
    ----------
    paths : tuple of Path
        Its files.
    echoes : int
        Number of echoes.
    slices : int
        Number of slices.
    parts : str
        Parts of the signal in words, such as 'magnitude + phase'.
    has_phase : bool
        False for magnitudes alone.
    problem : str
        Why it cannot be loaded, '' where it can.
    """

    paths: tuple[Path, ...]
    echoes: int = 0
    slices: int = 0
    parts: str = ""
    has_phase: bool = False
    problem: str = ""


def survey(series: Sequence[Sequence[Path]]) -> list[FoundScan]:
    """Scans among the series of a study.

    A series with both parts of the signal is a scan of its own. The others are combined; where that repeats images (repeated
    scans), neighbouring pairs of series are tried. Files that are damaged, or no MR images, are skipped.

    Parameters
    ----------
    series : sequence of sequence of Path
        Files of each series, in the order of the series numbers.

    Returns
    -------
    list of FoundScan
        Scans that can be loaded, and those with a problem.
    """
    frames = [[frame for path in paths for frame in _frames(path)] for paths in series]
    complete_series: list[FoundScan] = []
    left: list[list[Frame]] = []
    for own in frames:
        scans = _scans(own)
        complete = [scan for scan in scans if scan.has_phase and not scan.problem]
        complete_series += complete
        if own and not complete:
            left.append(own)
    together = _scans([frame for own in left for frame in own])
    if any(scan.problem for scan in together):
        together = _by_pairs(left) or together
    return complete_series + together


def _by_pairs(series: Sequence[list[Frame]]) -> list[FoundScan]:
    found: list[FoundScan] = []
    position = 0
    while position + 1 < len(series):
        pair = [*series[position], *series[position + 1]]
        good = [scan for scan in _scans(pair) if scan.has_phase and not scan.problem]
        found += good
        position += 2 if good else 1
    return found


def _frames(path: Path) -> list[Frame]:
    """Planes of a file; none where it is damaged, which loading reports should it be part of a scan."""
    try:
        if has_dicom_magic(path) and is_mr_image(header := read_header(path)):
            return list(frames_of(path, header))
    except (InputError, OSError):
        return []
    return []


def _scans(frames: Sequence[Frame]) -> list[FoundScan]:
    scans = []
    for group in multi_echo_scans(frames)[0]:
        paths = tuple(dict.fromkeys(frame.path for frame in group))
        try:
            stack = build_stack(group)
        except InputError as error:
            scans.append(FoundScan(paths, problem=str(error)))
            continue
        rows = stack.frames[stack.parts[0]]
        words = " + ".join(part.value for part in stack.parts)
        scans.append(FoundScan(paths, len(rows), len(rows[0]), words, len(stack.parts) == 2))
    return scans
