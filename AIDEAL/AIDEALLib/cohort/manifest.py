"""Scans listed in a table: CSV or TSV with a column `scan`, and any of id, participant, session, segmentation and options."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from .scan import CohortScan, Found, Skipped, as_id, check_unique, is_id

COLUMNS = ("scan", "id", "participant", "session", "segmentation", "options")
ParseOptions = Callable[[str], Mapping[str, Any]]
"""Options of a run from words as on the command line, only those that are given."""


def is_manifest(source: Path) -> bool:
    """Whether a source is a table of scans."""
    return source.is_file() and source.suffix.lower() in (".csv", ".tsv")


def read_manifest(source: Path, parse_options: ParseOptions) -> Found:
    """Scans of a table.

    Parameters
    ----------
    source : Path
        The table. Paths in it are relative to its folder; several files of one scan are separated by '|'. Columns other than
        `COLUMNS` are facts about the scan (date, scanner, site, reader, ...).
    parse_options : callable
        Reads the column `options`.

    Returns
    -------
    Found
        Lines whose files are missing are skipped.

    Raises
    ------
    InputError
        There is no column `scan`, an id is missing, not usable or given twice, or an option is not known.
    """
    lines = _lines(source)
    scans, skipped = [], []
    for number, line in lines:
        try:
            scan = _scan(source.parent, line, parse_options)
        except InputError as error:
            raise InputError(f"Line {number} of {source.name}: {error.message}", error.advice) from error
        missing = [
            path.name for path in (*scan.files, *([scan.segmentation] if scan.segmentation else [])) if not path.exists()
        ]
        if missing:
            skipped.append(Skipped(f"line {number}, {scan.id}", f"{', '.join(missing)} does not exist"))
        else:
            scans.append(scan)
    check_unique(scan.id for scan in scans)
    return Found("manifest", tuple(sorted(scans, key=lambda scan: scan.id)), tuple(skipped))


def _lines(source: Path) -> list[tuple[int, dict[str, str]]]:
    """Numbers and cells of the lines that are not empty."""
    try:
        with source.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, dialect="excel-tab" if source.suffix.lower() == ".tsv" else "excel", strict=True)
            names = [str(name).strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = names
            lines = [(reader.line_num, _cells(line)) for line in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source.name} could not be read as a table ({error}); CSV or TSV in UTF-8 was expected.") from error
    if "scan" not in names:
        raise InputError(
            f"{source.name} has the columns {', '.join(names) or 'of an empty file'}; a column 'scan' with the files of each "
            f"scan was expected, and any of {', '.join(COLUMNS[1:])}. Add it."
        )
    return [(number, cells) for number, cells in lines if any(cells.values())]


def _cells(line: Mapping[Any, Any]) -> dict[str, str]:
    """Cells by column; n/a, as BIDS writes it, is empty."""
    if None in line:
        raise InputError("There are more cells than columns; as many were expected. Quote cells that hold the separator.")
    cells = {name: (value or "").strip() for name, value in line.items()}
    return {name: "" if value == "n/a" else value for name, value in cells.items()}


def _scan(folder: Path, line: Mapping[str, str], parse_options: ParseOptions) -> CohortScan:
    if not line["scan"]:
        raise InputError("The column 'scan' is empty; a file or folder was expected.")
    files = tuple(folder / word.strip() for word in line["scan"].split("|"))
    participant, session = line.get("participant", ""), line.get("session", "")
    name = line.get("id", "") or "_".join(as_id(part) for part in (participant, session) if part)
    if not name:
        raise InputError("The scan has neither an id nor a participant; one was expected, since paths may name patients.")
    if not is_id(name):
        raise InputError(f"The id '{name}' cannot name a folder; letters, digits, '.', '_' and '-' were expected.")
    return CohortScan(
        name,
        files,
        participant or name,
        session,
        folder / line["segmentation"] if line.get("segmentation") else None,
        parse_options(line.get("options", "")),
        {column: value for column, value in line.items() if column not in COLUMNS and value},
    )
