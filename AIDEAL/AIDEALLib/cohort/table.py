"""The table of a cohort: CSV that grows as scans end; at the end CSV and Parquet in the order of the scans."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ..errors import InputError
from ..escaping import for_csv
from ..io.output.staging import staged_file
from .record import Record

CSV, PARQUET, SCANS_CSV = "cohort.csv", "cohort.parquet", "scans.csv"
COLUMNS = ("scan", "participant", "session", "region", "statistic", "value", "unit", "low", "high", "finding")
"""`low` and `high`: ends of the 95 % interval; `finding`: worst severity found in the scan."""
NUMBERS = ("value", "low", "high")
GROUP = 500
"""Scans in a row group of the Parquet file."""


class GrowingTable:
    """CSV that rows are appended to as scans end.

    Parameters
    ----------
    path : Path
        The file.
    records : iterable of Record
        Scans that are done.

    Raises
    ------
    OSError
        The file cannot be written.
    """

    def __init__(self, path: Path, records: Iterable[Record]) -> None:
        write_csv(path, records)
        self._stream = path.open("a", newline="", encoding="utf-8")

    def add(self, record: Record) -> None:
        """Append a scan."""
        _write(self._stream, [record])
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def lines_of(record: Record) -> Iterator[tuple[Any, ...]]:
    """Lines of a scan, in the order of `COLUMNS`."""
    scan, severity = record.scan, record.card.get("severity", "")
    for region, statistic, value, unit, low, high in record.rows:
        yield record.id, scan["participant"], scan["session"], region, statistic, value, unit, low, high, severity


def write_csv(path: Path, records: Iterable[Record]) -> None:
    """Write all rows, complete or not at all."""
    with staged_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerow(COLUMNS)
        _write(stream, records)


def _write(stream: IO[str], records: Iterable[Record]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    for record in records:
        writer.writerows([_cell(value) for value in line] for line in lines_of(record))


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return for_csv(value) if isinstance(value, str) else repr(value)


def write_parquet(path: Path, records: Iterable[Record]) -> None:
    """Write all rows, complete or not at all; a few hundred scans are in memory at a time.

    Parameters
    ----------
    path : Path
        File to write.
    records : iterable of Record
        Scans that are done.

    Raises
    ------
    InputError
        pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError("Parquet needs pyarrow, which is not installed. Install it: pip install 'aideal[cohort]'.") from error
    schema = pyarrow.schema([(name, pyarrow.float64() if name in NUMBERS else pyarrow.string()) for name in COLUMNS])
    with staged_file(path) as partial, pyarrow.parquet.ParquetWriter(partial, schema) as writer:
        for group in _groups(records):
            columns: Sequence[Sequence[Any]] = list(zip(*group, strict=True)) or [()] * len(COLUMNS)
            arrays = [pyarrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pyarrow.table(arrays, schema=schema))


def _groups(records: Iterable[Record]) -> Iterator[list[tuple[Any, ...]]]:
    lines: list[tuple[Any, ...]] = []
    for number, record in enumerate(records, start=1):
        lines += lines_of(record)
        if number % GROUP == 0:
            yield lines
            lines = []
    yield lines


def write_scans(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write a table of one line a scan; columns are those of all rows, in the order in which they appear.

    Parameters
    ----------
    path : Path
        File to write.
    rows : sequence of dict
        Values by column.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with staged_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([for_csv(name) for name in columns])
        writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
