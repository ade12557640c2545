"""What a cohort writes besides the results of its scans, all from their records: tables, gallery, group figures, provenance."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from ..io.output.staging import staged_file
from ..version import __version__
from .engine import EngineOptions
from .gallery import save_gallery
from .group.report import save_group_report
from .group.values import usable_values
from .identity import KEY_FILE
from .opened import Opened
from .record import RECORD, Record, failure_file, read_record, scan_folder
from .scan_rows import DONE, row_of, row_skipped, row_waiting, status_of
from .table import CSV, PARQUET, SCANS_CSV, write_csv, write_parquet, write_scans

STATE, LINKAGE = "cohort.json", "linkage.csv"


@dataclass
class Counts:
    """What has become of the scans.

    Attributes
    ----------
    done : int
        Scans with results.
    failed : int
        Scans that failed.
    run : int
        Scans that this call has ended.
    total : int
        Scans that this call was to run.
    """

    done: int = 0
    failed: int = 0
    run: int = 0
    total: int = 0


def write_tables(cohort: Opened) -> None:
    """Write the table and the list of scans in the order of the scans, from the records."""
    out = cohort.request.out
    write_csv(out / CSV, results(cohort))
    write_parquet(out / PARQUET, results(cohort))
    rows = []
    for task in cohort.tasks:
        record = record_of(out, task.scan.id)
        rows.append(row_waiting(task.scan) if record is None else row_of(record))
    keep = cohort.request.template.options.keep_names or cohort.found.kind != "folders"
    rows += [row_skipped(entry, number, keep) for number, entry in enumerate(cohort.found.skipped, start=1)]
    write_scans(out / SCANS_CSV, rows)


def write_results(cohort: Opened) -> None:
    """Write table, gallery and group figures from the records."""
    out = cohort.request.out
    write_tables(cohort)
    records = [replace(record, rows=()) for task in cohort.tasks if (record := record_of(out, task.scan.id))]
    save_gallery(out, records, cohort.marks)
    values = usable_values(records, cohort.marks)
    save_group_report(out, values, len(records) - len(values))


def results(cohort: Opened) -> Iterator[Record]:
    """Records of the scans with results, one in memory at a time."""
    out = cohort.request.out
    for task in cohort.tasks:
        record = record_of(out, task.scan.id)
        if record is not None and not record.failure:
            yield record


def all_done(cohort: Opened) -> bool:
    """Whether every scan has been run, and every region that has signal has a number."""
    records = (record_of(cohort.request.out, task.scan.id) for task in cohort.tasks)
    return all(record is not None and status_of(record) == DONE for record in records)


def record_of(out: Path, name: str) -> Record | None:
    """Record of a scan that has been run, whatever became of it."""
    return read_record(failure_file(out, name)) or read_record(scan_folder(out, name) / RECORD)


def write_linkage(cohort: Opened) -> None:
    """Paths of the neutral ids, readable for the owner only."""
    source = cohort.request.source.source
    rows = [
        {"scan": t.scan.id, "files": " | ".join(os.path.relpath(file, source) for file in t.scan.files)} for t in cohort.tasks
    ]
    path = cohort.request.out / LINKAGE
    path.touch(mode=0o600)
    write_scans(path, rows)
    path.chmod(0o600)


def write_state(cohort: Opened, counts: Counts, engine: EngineOptions, begun: datetime, finished: bool) -> None:
    """Write `cohort.json`: provenance of the cohort.

    Parameters
    ----------
    cohort : Opened
        The cohort.
    counts : Counts
        What has become of its scans.
    engine : EngineOptions
        Where scans are run.
    begun : datetime
        When this call began.
    finished : bool
        Whether nothing is left to do.
    """
    template = cohort.request.template
    content = {
        "aideal": __version__,
        "source": cohort.found.kind,
        "scans": len(cohort.tasks),
        "done": counts.done,
        "failed": counts.failed,
        "skipped": len(cohort.found.skipped),
        "complete": finished,
        "settings": replace(template, scan=cohort.tasks[0].scan).settings,
        "device": template.options.device,
        "engine": {
            "name": "dask.distributed",
            "workers": engine.workers,
            "scheduler": engine.scheduler or "of this computer",
            "seconds_a_scan": engine.limits.seconds,
            "bytes_a_scan": engine.limits.memory_bytes,
        },
        "begun": begun.isoformat(timespec="seconds"),
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": _versions(),
        "ids": f"of the key in {KEY_FILE}" if cohort.found.linked else "of the source",
        "research_use": "Research use only, not for diagnosis.",
    }
    with staged_file(cohort.request.out / STATE) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("torch", "numpy", "scipy", "dask", "distributed", "pyarrow"):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
