"""Multi-echo scans of a BIDS dataset (`*_MEGRE.nii.gz`), found by their names."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import InputError
from .scan import CohortScan, Found, Skipped

DESCRIPTION = "dataset_description.json"
SUFFIX = "MEGRE"
_ENTITY = re.compile(r"([a-zA-Z]+)-([a-zA-Z0-9+]+)")
_OF_ONE_SCAN = ("echo", "part")


def is_bids(source: Path) -> bool:
    """Whether a folder is a BIDS dataset."""
    return (source / DESCRIPTION).is_file()


def find_bids(source: Path, participants: Sequence[str] = (), segmentations: Path | None = None) -> Found:
    """Multi-echo gradient echo scans of a dataset.

    Parameters
    ----------
    source : Path
        The dataset.
    participants : sequence of str
        Labels of participants, with or without 'sub-'; all of them when empty.
    segmentations : Path, optional
        Dataset of derivatives with a segmentation `*_dseg.nii.gz` of each scan, on its grid.

    Returns
    -------
    Found

    Raises
    ------
    InputError
        The description is damaged, or a label names nobody.
    """
    try:
        json.loads((source / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{DESCRIPTION} could not be read ({error}); a BIDS dataset was expected. Correct it.") from error
    folders = _participant_folders(source, participants)
    scans, skipped = [], []
    for folder in folders:
        groups = _groups(folder)
        if not groups:
            skipped.append(Skipped(folder.name, f"no multi-echo gradient echo images (*_{SUFFIX}.nii.gz)"))
        dates = _acquisition_times(folder)
        scans += [_scan(entities, files, dates, segmentations) for entities, files in groups.items()]
    return Found("BIDS", tuple(sorted(scans, key=lambda scan: scan.id)), tuple(skipped))


def entities_of(path: Path) -> dict[str, str]:
    """BIDS entities of a file name, in their order."""
    found = (_ENTITY.fullmatch(part) for part in path.name.split(".")[0].split("_"))
    return {match[1]: match[2] for match in found if match}


def _participant_folders(source: Path, participants: Sequence[str]) -> list[Path]:
    folders = sorted(path for path in source.glob("sub-*") if path.is_dir())
    if not participants:
        return folders
    wanted = {f"sub-{label.removeprefix('sub-')}" for label in participants}
    missing = sorted(wanted - {folder.name for folder in folders})
    if missing:
        raise InputError(f"The dataset has no {', '.join(missing)}; labels of its participants were expected.")
    return [folder for folder in folders if folder.name in wanted]


def _groups(folder: Path) -> dict[tuple[tuple[str, str], ...], list[Path]]:
    """Files of each scan by its entities."""
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for path in sorted(folder.rglob(f"*_{SUFFIX}.nii*")):
        if path.name.endswith((".nii", ".nii.gz")):
            key = tuple((name, value) for name, value in entities_of(path).items() if name not in _OF_ONE_SCAN)
            groups.setdefault(key, []).append(path)
    return groups


def _scan(
    key: tuple[tuple[str, str], ...], files: Sequence[Path], dates: Mapping[str, str], segmentations: Path | None
) -> CohortScan:
    entities = dict(key)
    facts = {"date": date} if (date := dates.get(files[0].name, "")) else {}
    name = "_".join(f"{entity}-{value}" for entity, value in key)
    return CohortScan(
        name,
        tuple(files),
        f"sub-{entities['sub']}",
        f"ses-{entities['ses']}" if "ses" in entities else "",
        _segmentation(entities, segmentations) if segmentations else None,
        facts=facts,
        entities=entities,
    )


def _segmentation(entities: Mapping[str, str], folder: Path) -> Path | None:
    """The one segmentation whose entities include those of a scan."""
    found = [
        path
        for path in sorted((folder / f"sub-{entities['sub']}").rglob("*_dseg.nii*"))
        if entities.items() <= entities_of(path).items()
    ]
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{len(found)} segmentations belong to one scan ({names}); one was expected. Name them in a manifest.")
    return found[0] if found else None


def _acquisition_times(folder: Path) -> dict[str, str]:
    """Date of each file that a `scans.tsv` gives."""
    found = {}
    for name, cells in _scans_tables(folder):
        if cells.get("acq_time", "n/a") not in ("", "n/a"):
            found[Path(name).name] = cells["acq_time"][:10]
    return found


def _scans_tables(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for table in sorted(folder.rglob("*_scans.tsv")):
        with table.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
            for line in csv.DictReader(stream, dialect="excel-tab"):
                if line.get("filename"):
                    yield line["filename"], {key: value or "" for key, value in line.items() if key}
