"""Run what is left of a cohort, then write its table, gallery and figures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..errors import Cancelled, InputError
from .ends import DISK_FULL
from .engine import EngineOptions, connected, run_tasks
from .opened import Opened
from .results import Counts, record_of, results, write_linkage, write_results, write_state
from .scan_rows import FAILED, status_of
from .table import CSV, PARQUET, GrowingTable, write_parquet

LOCK = ".cohort.lock"
LEAST_PAUSE_S, LARGEST_SHARE = 60.0, 0.02
"""The Parquet file is written anew as scans end, no more often and at no larger share of the time."""


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
            write_linkage(cohort)
        begun = datetime.now(timezone.utc)
        counts = Counts(len(cohort.plan.done), len(cohort.plan.failed), 0, len(cohort.plan.todo))
        write_state(cohort, counts, engine, begun, finished=False)
        try:
            _run(cohort, engine, watch, counts)
        finally:
            with _disk_errors(out):
                write_results(cohort)
                write_state(cohort, counts, engine, begun, finished=counts.run == counts.total)
    return counts


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
