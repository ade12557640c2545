"""Multi-echo scans among DICOM files, told from headers alone: for a browser that offers them before anything is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import InputError
from .files import MR_CLASSES, has_dicom_magic, read_header, text
from .frames import Frame, frames_of
from .groups import multi_echo_scans
from .stack import build_stack


@dataclass(frozen=True)
class ScanOnOffer:
    """A scan that could be loaded.

    Attributes
    ----------
    paths : its files. echoes, slices : how many. parts : in words, such as 'magnitude + phase'.
    has_phase : False for magnitudes alone. problem : why it cannot be loaded, '' when it can.
    """

    paths: tuple[Path, ...]
    echoes: int = 0
    slices: int = 0
    parts: str = ""
    has_phase: bool = False
    problem: str = ""


def survey(series: Sequence[Sequence[Path]]) -> list[ScanOnOffer]:
    """Scans among the series of a study; files that are damaged, or no MR images, are passed over.

    A series with both parts of the signal is a scan of its own. The others are put together; where that gives images that are
    there twice (repeated scans), neighbouring pairs of series are tried.
    """
    frames = [[frame for path in paths for frame in _frames(path)] for paths in series]
    offers: list[ScanOnOffer] = []
    left: list[list[Frame]] = []
    for own in frames:
        scans = _scans(own)
        complete = [scan for scan in scans if scan.has_phase and not scan.problem]
        offers += complete
        if own and not complete:
            left.append(own)
    together = _scans([frame for own in left for frame in own])
    if any(scan.problem for scan in together):
        together = _by_pairs(left) or together
    return offers + together


def _by_pairs(series: Sequence[list[Frame]]) -> list[ScanOnOffer]:
    found: list[ScanOnOffer] = []
    at = 0
    while at + 1 < len(series):
        good = [scan for scan in _scans([*series[at], *series[at + 1]]) if scan.has_phase and not scan.problem]
        found += good
        at += 2 if good else 1
    return found


def _frames(path: Path) -> list[Frame]:
    try:
        if has_dicom_magic(path) and text(read_header(path), "SOPClassUID") in MR_CLASSES:
            return list(frames_of(path))
    except (InputError, OSError):
        return []  # said when the scan is loaded, should it be part of one
    return []


def _scans(frames: Sequence[Frame]) -> list[ScanOnOffer]:
    offers = []
    for group in multi_echo_scans(frames)[0]:
        paths = tuple(dict.fromkeys(frame.path for frame in group))
        try:
            stack = build_stack(group)
        except InputError as error:
            offers.append(ScanOnOffer(paths, problem=str(error)))
            continue
        rows = stack.frames[stack.parts[0]]
        words = " + ".join(part.value for part in stack.parts)
        offers.append(ScanOnOffer(paths, len(rows), len(rows[0]), words, len(stack.parts) == 2))
    return offers
