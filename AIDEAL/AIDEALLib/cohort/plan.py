"""What is left to do of a cohort: scans that are done, failed, changed or new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..choices import Retry
from ..errors import InputError
from ..options import Overrides, RunOptions
from .fingerprint import content_of, differences, paths_of, state_of
from .record import Record, failure_file, finished, read_record
from .scan import CohortScan
from .task import Task


@dataclass(frozen=True)
class Planned:
    """A scan to run.

    Attributes
    ----------
    task : Task
        The scan.
    why : str
        Why it is run, in words.
    """

    task: Task
    why: str


@dataclass(frozen=True)
class Plan:
    """State of the scans of a cohort.

    Attributes
    ----------
    todo : tuple of Planned
        Scans to run.
    changed : tuple of Planned
        Scans whose results were made with other options, another version or other networks.
    done : tuple of str
        Ids of scans with complete results.
    failed : tuple of Record
        Scans that failed before, and would fail again.
    """

    todo: tuple[Planned, ...] = ()
    changed: tuple[Planned, ...] = ()
    done: tuple[str, ...] = ()
    failed: tuple[Record, ...] = field(default_factory=tuple)

    def with_changed(self) -> Plan:
        """The same with changed scans among those to run."""
        return replace(self, todo=(*self.todo, *self.changed), changed=())

    def refuse_changed(self) -> None:
        """Refuse to mix results of different options.

        Raises
        ------
        InputError
            There are scans whose results were made with other options.
        """
        if self.changed:
            first = self.changed[0]
            raise InputError(
                f"{len(self.changed)} finished scan(s) were made otherwise ({first.task.scan.id}: {first.why}); results made "
                "alike were expected in one folder. Request to redo them, or give another folder; a dry run lists them."
            )


def plan(tasks: Iterable[Task], out: Path, retry: Collection[Retry] = (), marked: Collection[str] = ()) -> Plan:
    """What is left to do.

    Parameters
    ----------
    tasks : iterable of Task
        All scans of the cohort.
    out : Path
        Folder of the cohort.
    retry : collection of Retry
        Scans to run again.
    marked : collection of str
        Ids of scans that a reader has marked to be run again.

    Returns
    -------
    Plan
    """
    todo, changed, done, failed = [], [], list[str](), list[Record]()
    for task in tasks:
        name = task.scan.id
        failure, record = read_record(failure_file(out, name)), finished(out, name)
        if Retry.MARKED in retry and name in marked:
            todo.append(Planned(task, "marked to be run again"))
        elif failure is not None and _same(failure, task):
            if Retry.FAILED in retry:
                todo.append(Planned(task, f"failed before: {failure.failure['reason']}"))
            else:
                failed.append(failure)
        elif record is None:
            todo.append(Planned(task, "new" if failure is None else "its files or options changed since it failed"))
        elif found := differences(record.settings, task.settings):
            changed.append(Planned(task, "; ".join(found)))
        elif not _same(record, task):
            todo.append(Planned(task, "its files changed"))
        else:
            done.append(name)
    return Plan(tuple(todo), tuple(changed), tuple(done), tuple(failed))


def _same(record: Record, task: Task) -> bool:
    """Whether a scan would be run as before; contents are compared only where sizes or times of files differ."""
    if record.settings != task.settings:
        return False
    paths = paths_of(task.request)
    try:
        return record.state == state_of(paths) or record.content == content_of(paths)
    except OSError:
        return record.state == ""


def tasks_of(scans: Sequence[CohortScan], template: Task) -> list[Task]:
    """Tasks of scans, each with its own options in place of those of the cohort.

    Parameters
    ----------
    scans : sequence of CohortScan
        The scans.
    template : Task
        Options and folder of the cohort.

    Returns
    -------
    list of Task

    Raises
    ------
    InputError
        An option of a scan is not one of its choices.
    """
    return [replace(template, scan=scan, options=own_options(template.options, scan.options)) for scan in scans]


def own_options(options: RunOptions, own: Any) -> RunOptions:
    """Options of a run with some replaced, by field of `RunOptions` or `Overrides`."""
    overrides = {name: value for name, value in own.items() if name in Overrides.__dataclass_fields__}
    rest = {name: value for name, value in own.items() if name not in overrides}
    return replace(options, **rest, overrides=replace(options.overrides, **overrides))
