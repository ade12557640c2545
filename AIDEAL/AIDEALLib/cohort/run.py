"""A cohort from its source to its table, gallery and figures; a second call does what is left."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..choices import Retry
from ..errors import Cancelled, InputError
from ..io.output.staging import staged_file
from ..version import __version__
from .discover import SourceRequest, find_scans
from .ends import DISK_FULL
from .engine import EngineOptions, connected, run_tasks
from .fingerprint import settings_of
from .gallery import save_gallery
from .group.report import save_group_report
from .group.values import usable_values
from .identity import KEY_FILE, Pseudonyms
from .marks import MARKS, Mark, read_marks
from .plan import Plan, plan, tasks_of
from .record import RECORD, Record, failure_file, read_record, scan_folder
from .scan import Found
from .scan_rows import FAILED, row_of, row_skipped, row_waiting, status_of
from .table import CSV, PARQUET, SCANS_CSV, GrowingTable, write_csv, write_parquet, write_scans
from .task import Task

STATE, LINKAGE, LOCK = "cohort.json", "linkage.csv", ".cohort.lock"
LEAST_PAUSE_S, LARGEST_SHARE = 60.0, 0.02
"""The Parquet file is written anew as scans end, no more often and at no larger share of the time."""


@dataclass(frozen=True)
class CohortRequest:
    """A cohort and how it is run.

    Attributes
    ----------
    source : SourceRequest
        Where the scans are.
    template : Task
        Options of every run and the folder of the results; its scan stands for each.
    retry : frozenset of Retry
        Scans that are run again although nothing has changed.
    redo : bool
        Run scans again that were made with other options, another version or other networks.
    partial : bool
        Run scans only, beside other calls that run other scans of the same cohort; table and pages are left to a call for all.
    """

    source: SourceRequest
    template: Task
    retry: frozenset[Retry] = frozenset()
    redo: bool = False
    partial: bool = False

    @property
    def out(self) -> Path:
        """Folder of the results."""
        return self.template.out


@dataclass(frozen=True)
class Opened:
    """A cohort whose scans are known.

    Attributes
    ----------
    request : CohortRequest
        What was requested.
    found : Found
        Content of the source.
    tasks : tuple of Task
        All scans.
    plan : Plan
        What is left to do.
    marks : dict of str to Mark
        What readers have marked, by id of the scan.
    pseudonyms : Pseudonyms
        Secret of the neutral ids.
    """

    request: CohortRequest
    found: Found
    tasks: tuple[Task, ...]
    plan: Plan
    marks: dict[str, Mark]
    pseudonyms: Pseudonyms


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


@dataclass(frozen=True)
class Watch:
    """Callbacks of a cohort that is run.

    Attributes
    ----------
    started : callable
        Called with the counts and the address of the dashboard before the first scan.
    ended : callable
        Called with the counts and the end of each scan.
    cancelled : callable
        Asked twice a second; when it returns True, the call ends.
    """

    started: Callable[[Counts, str], None] = field(default=lambda counts, address: None)
    ended: Callable[[Counts, dict[str, Any]], None] = field(default=lambda counts, end: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)


def open_cohort(request: CohortRequest) -> Opened:
    """Find the scans of a cohort and what is left to do; writes nothing.

    Parameters
    ----------
    request : CohortRequest
        The cohort.

    Returns
    -------
    Opened

    Raises
    ------
    InputError
        The source holds no scan or is damaged, an option is not known, or the folder is no folder.
    """
    out = request.out
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file; a folder for the results was expected. Give another one.")
    pseudonyms = Pseudonyms.of(out)
    found = find_scans(request.source, pseudonyms)
    marks = read_marks(out / MARKS) if (out / MARKS).is_file() else {}
    tasks = tuple(tasks_of(found.scans, request.template))
    regions = request.template.regions
    if (regions.leave_out or regions.circles) and not any(task.scan.segmentation for task in tasks):
        raise InputError("Circles, edges and vessels need segments, and no scan has any. Name them, or leave that out.")
    marked = [name for name, mark in marks.items() if mark.verdict == "redo"]
    state = plan(tasks, out, request.retry, marked)
    return Opened(request, found, tasks, state.with_changed() if request.redo else state, marks, pseudonyms)


def run_cohort(cohort: Opened, engine: EngineOptions, watch: Watch | None = None) -> Counts:
    """Run what is left of a cohort, and write its table.

    Parameters
    ----------
    cohort : Opened
        The cohort.
    engine : EngineOptions
        Where scans are run.
    watch : Watch, optional
        Receives progress, and is asked whether to cancel.

    Returns
    -------
    Counts

    Raises
    ------
    InputError
        Finished scans were made otherwise, another call writes to the folder, or the disk is full.
    Cancelled
        `watch` cancelled the call; scans that have ended are kept.
    """
    cohort.plan.refuse_changed()
    watch, out = watch or Watch(), cohort.request.out
    with _only_one(out, _lock_of(cohort)):
        if cohort.request.partial:
            counts = Counts(len(cohort.plan.done), len(cohort.plan.failed), 0, len(cohort.plan.todo))
            _run(cohort, engine, watch, counts)
            return counts
        if cohort.found.linked:
            cohort.pseudonyms.keep(out)
            _write_linkage(cohort)
        begun = datetime.now(timezone.utc)
        counts = Counts(len(cohort.plan.done), len(cohort.plan.failed), 0, len(cohort.plan.todo))
        _write_state(cohort, counts, engine, begun, finished=False)
        try:
            _run(cohort, engine, watch, counts)
        finally:
            with _disk_errors(out):
                write_results(cohort)
                _write_state(cohort, counts, engine, begun, finished=counts.run == counts.total)
    return counts


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


def record_of(out: Path, name: str) -> Record | None:
    """Record of a scan that has been run, whatever became of it."""
    return read_record(failure_file(out, name)) or read_record(scan_folder(out, name) / RECORD)


def _run(cohort: Opened, engine: EngineOptions, watch: Watch, counts: Counts) -> None:
    out = cohort.request.out
    if not cohort.plan.todo:
        return
    finished = set(cohort.plan.done)
    table: GrowingTable | None = None
    if not cohort.request.partial:
        with _disk_errors(out):
            table = GrowingTable(out / CSV, (record for record in results(cohort) if record.id in finished))
    written, pause = time.monotonic(), LEAST_PAUSE_S

    def ended(end: dict[str, Any]) -> None:
        nonlocal written, pause
        if end.get("kind") == DISK_FULL:
            raise _no_space(out, end["reason"])
        record = record_of(out, end["id"])
        with _disk_errors(out):
            if table is not None and record is not None and status_of(record) != FAILED:
                table.add(record)
            if table is not None and time.monotonic() - written > pause:
                began = time.monotonic()
                write_parquet(out / PARQUET, results(cohort))
                written = time.monotonic()
                pause = max(LEAST_PAUSE_S, (written - began) / LARGEST_SHARE)
        counts.run += 1
        counts.failed += "kind" in end
        counts.done += "kind" not in end
        watch.ended(counts, end)

    try:
        with connected(engine) as workers:
            watch.started(counts, workers.client.dashboard_link)
            run_tasks(workers, [planned.task for planned in cohort.plan.todo], engine, ended, watch.cancelled)
    finally:
        if table is not None:
            table.close()
    if counts.run < counts.total:
        raise Cancelled("Cancelled: scans that had ended are kept; the same call does the rest.")


def _lock_of(cohort: Opened) -> str:
    """Name of the file that is locked; calls for a part of the cohort have one for each part."""
    if not cohort.request.partial:
        return LOCK
    return f"{LOCK}-{hashlib.sha256(' '.join(cohort.request.source.participants).encode()).hexdigest()[:10]}"


@contextmanager
def _only_one(out: Path, name: str) -> Iterator[None]:
    """Let no second call write into the folder at the same time; the lock ends with this process, however it ends."""
    from filelock import FileLock, Timeout

    try:
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / name, timeout=0):
            yield
    except Timeout as error:
        raise InputError(f"Another 'aideal cohort' writes to {out}. Wait for its end, or give another folder.") from error
    except PermissionError as error:
        raise InputError(f"Cannot write to {out} ({error.strerror}); a folder that can be written to was expected.") from error


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _no_space(out, error.strerror or str(error)) from error


def _no_space(out: Path, reason: str) -> InputError:
    return InputError(f"Results cannot be written to {out} ({reason}). Free space; the same call then does the rest.")


def _write_linkage(cohort: Opened) -> None:
    """Paths of the neutral ids, readable for the owner only."""
    source = cohort.request.source.source
    rows = [
        {"scan": t.scan.id, "files": " | ".join(os.path.relpath(file, source) for file in t.scan.files)} for t in cohort.tasks
    ]
    path = cohort.request.out / LINKAGE
    path.touch(mode=0o600)
    write_scans(path, rows)
    path.chmod(0o600)


def _write_state(cohort: Opened, counts: Counts, engine: EngineOptions, begun: datetime, finished: bool) -> None:
    """Write `cohort.json`: provenance of the cohort."""
    template = cohort.request.template
    content = {
        "aideal": __version__,
        "source": cohort.found.kind,
        "scans": len(cohort.tasks),
        "done": counts.done,
        "failed": counts.failed,
        "skipped": len(cohort.found.skipped),
        "complete": finished,
        "settings": settings_of(replace(template, scan=cohort.tasks[0].scan).request, template.reports),
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
