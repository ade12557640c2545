"""Scans in a tree of folders: .npz, MATLAB, NIfTI and NRRD by their names, DICOM by its headers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from ..errors import InputError
from ..io.dicom.files import has_dicom_magic
from ..io.images import is_complex_image
from ..io.naming import NamedImage, choose_series, is_image, parse_name
from ..io.neutral import without_names
from ..io.output.results import is_result
from .dicom_tree import DicomScan, dicom_scans
from .identity import Pseudonyms
from .scan import CohortScan, Found, Skipped, as_id

NO_SCAN = frozenset((".json", ".txt", ".csv", ".tsv", ".md", ".html", ".png", ".jpg", ".jpeg", ".pdf", ".xml", ".log", ".py"))
"""Suffixes of files that lie beside scans, which are not opened."""


def find_in_tree(source: Path, pseudonyms: Pseudonyms, keep_names: bool, leave: Sequence[Path] = ()) -> Found:
    """Every scan below a folder.

    Parameters
    ----------
    source : Path
        The folder.
    pseudonyms : Pseudonyms
        Give neutral ids.
    keep_names : bool
        Take ids from paths instead.
    leave : sequence of Path
        Folders that are not entered: where results are written.

    Returns
    -------
    Found
    """
    scans, skipped, dicom = [], list[Skipped](), list[Path]()
    names = _Names(source, pseudonyms, keep_names)
    for folder, files in _folders(source, leave, skipped):
        images = [file for file in files if is_image(file)]
        single = [file for file in files if file.suffix.lower() in (".npz", ".mat")]
        segmentations = [file for file in files if file.name.lower().endswith(".seg.nrrd")]
        found: list[tuple[Path, ...]] = [(file,) for file in single]
        if images:
            series, reason = _series(images)
            found += series
            if reason:
                skipped.append(names.skipped(folder, reason))
        beside = segmentations[0] if len(found) == 1 and len(segmentations) == 1 else None
        scans += [CohortScan(names.of(files), files, segmentation=beside) for files in found]
        other = set(files) - set(images) - set(single) - set(segmentations)
        dicom += sorted(file for file in other if file.suffix.lower() not in NO_SCAN and has_dicom_magic(file))
    from_dicom, reasons = dicom_scans(dicom)
    scans += [names.dicom(scan) for scan in from_dicom]
    skipped += [names.skipped(path, reason) for path, reason in reasons]
    return Found("folders", tuple(sorted(scans, key=lambda scan: scan.id)), tuple(skipped), linked=not keep_names)


class _Names:
    """Ids of scans: neutral, or from their paths."""

    def __init__(self, source: Path, pseudonyms: Pseudonyms, keep_names: bool) -> None:
        self._source, self._pseudonyms, self._keep = source, pseudonyms, keep_names
        self._used: set[str] = set()

    def place(self, path: Path) -> str:
        """Path relative to the source."""
        return path.relative_to(self._source).as_posix()

    def skipped(self, path: Path, reason: str) -> Skipped:
        """What is not run, without names unless they are kept."""
        return Skipped(self.place(path), reason if self._keep else without_names(reason, [path]))

    def of(self, files: Sequence[Path]) -> str:
        """Id of a scan."""
        places = sorted(self.place(file) for file in files)
        neutral = self._pseudonyms.name("scan-", *places)
        if not self._keep:
            return neutral
        first, last = places[0], places[-1]
        shared = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))))
        stem = first if len(files) == 1 else first[:shared].rstrip("_-./") or first
        name = as_id(stem.removesuffix(".npz").removesuffix(".mat"))
        if name.lower() in self._used:
            name = f"{name[:80]}-{neutral.removeprefix('scan-')}"
        self._used.add(name.lower())
        return name

    def dicom(self, scan: DicomScan) -> CohortScan:
        """Scan whose headers name patient and study."""

        def label(prefix: str, text: str) -> str:
            return prefix + as_id(text) if self._keep else self._pseudonyms.name(prefix, text)

        facts = {"scanner": scan.scanner} if scan.scanner else {}
        if self._keep and scan.date:
            facts["date"] = scan.date
        session = label("ses-", (scan.date if self._keep else "") or scan.study) if scan.study else ""
        participant = label("sub-", scan.patient) if scan.patient else ""
        return CohortScan(self.of(scan.files), scan.files, participant, session, facts=facts)


def _folders(source: Path, leave: Sequence[Path], skipped: list[Skipped]) -> Iterator[tuple[Path, list[Path]]]:
    """Each folder with its files; hidden ones, those left out and results of earlier runs are not entered."""
    left = {path.resolve() for path in leave}
    for name, folders, files in os.walk(source, followlinks=False):
        folder = Path(name)
        folders[:] = sorted(entry for entry in folders if not entry.startswith(".") and (folder / entry).resolve() not in left)
        if is_result(folder):
            skipped.append(Skipped(folder.relative_to(source).as_posix(), "results of an earlier run"))
            folders.clear()
            continue
        yield folder, [folder / file for file in sorted(files) if not file.startswith(".") and (folder / file).is_file()]


def _series(images: Sequence[Path]) -> tuple[list[tuple[Path, ...]], str]:
    """Files of each multi-echo series among the images of a folder, and why others are none."""
    named = [parse_name(path) for path in images]
    whole = _files_of_series(named)
    if isinstance(whole, tuple):
        return [whole], ""
    groups: dict[str, list[NamedImage]] = {}
    for image in named:
        groups.setdefault(image.series, []).append(image)
    found, reasons = [], []
    for group in groups.values():
        files = _files_of_series(group)
        if isinstance(files, tuple):
            found.append(files)
        else:
            reasons.append(files)
    return found, reasons[0] if reasons else ""


def _files_of_series(images: Sequence[NamedImage]) -> tuple[Path, ...] | str:
    """Files of the one series; why there is none."""
    if len({image.series for image in images}) == 1:
        try:
            if all(is_complex_image(image.path) for image in images):
                return tuple(image.path for image in images)
        except InputError as error:
            return error.message
    try:
        chosen = choose_series(images, "the folder")
    except InputError as error:
        return error.message
    return tuple(sorted(image.path for part in chosen.values() for image in part))
