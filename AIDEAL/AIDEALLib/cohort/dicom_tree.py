"""Scans in a heap of DICOM files of any patients and studies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..io.dicom.elements import integer, text
from ..io.dicom.files import is_mr_image, read_header
from ..io.dicom.survey import survey


@dataclass(frozen=True)
class DicomScan:
    """A scan with what its headers state.

    Attributes
    ----------
    files : tuple of Path
        Its files.
    patient : str
        Patient ID.
    study : str
        Study Instance UID.
    date : str
        Study date, YYYY-MM-DD; '' where none is stated.
    scanner : str
        Manufacturer and model.
    """

    files: tuple[Path, ...]
    patient: str
    study: str
    date: str
    scanner: str


@dataclass(frozen=True)
class _Series:
    """What files of one series have in common."""

    patient: str
    study: str
    number: int
    uid: str
    date: str
    scanner: str


def dicom_scans(files: Sequence[Path]) -> tuple[list[DicomScan], list[tuple[Path, str]]]:
    """Multi-echo scans among DICOM files, study by study.

    Parameters
    ----------
    files : sequence of Path
        Files with the mark of DICOM.

    Returns
    -------
    scans : list of DicomScan
        Scans that can be loaded.
    left : list of tuple of Path and str
        A file of each series that is part of no scan, and why.
    """
    left: list[tuple[Path, str]] = []
    studies: dict[tuple[str, str], dict[_Series, list[Path]]] = defaultdict(lambda: defaultdict(list))
    others = dict[Path, list[Path]]()
    for file in files:
        try:
            series = _series(file)
        except InputError as error:
            left.append((file, error.message))
            continue
        if series is None:
            others.setdefault(file.parent, []).append(file)
        else:
            studies[series.patient, series.study][series].append(file)
    left += [(group[0], f"{len(group)} DICOM object(s) that are no MR images") for group in others.values()]
    scans: list[DicomScan] = []
    for members in studies.values():
        found, reasons = _in_study(members)
        scans += found
        left += reasons
    return scans, left


def _series(file: Path) -> _Series | None:
    header = read_header(file)
    if not is_mr_image(header):
        return None
    date = text(header, "StudyDate")
    return _Series(
        text(header, "PatientID") or text(header, "PatientName"),
        text(header, "StudyInstanceUID"),
        integer(header, "SeriesNumber") or 0,
        text(header, "SeriesInstanceUID"),
        f"{date[:4]}-{date[4:6]}-{date[6:8]}" if len(date) == 8 and date.isdigit() else "",
        " ".join(part for name in ("Manufacturer", "ManufacturerModelName") if (part := text(header, name))),
    )


def _in_study(members: dict[_Series, list[Path]]) -> tuple[list[DicomScan], list[tuple[Path, str]]]:
    ordered = sorted(members, key=lambda series: (series.number, series.uid))
    scans, left = [], list[tuple[Path, str]]()
    used: set[Path] = set()
    for found in survey([members[series] for series in ordered]):
        used |= set(found.paths)
        if found.problem:
            left.append((found.paths[0], found.problem))
            continue
        first = next(series for series in ordered if found.paths[0] in members[series])
        scans.append(DicomScan(found.paths, first.patient, first.study, first.date, first.scanner))
    for series in ordered:
        if used.isdisjoint(members[series]):
            left.append((members[series][0], f"a series of {len(members[series])} image(s) without a multi-echo scan"))
    return scans, left
