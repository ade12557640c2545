"""A cohort whose scans are known, and what is left to do for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..choices import Retry
from ..errors import InputError
from .discover import SourceRequest, find_scans
from .identity import Pseudonyms
from .marks import MARKS, Mark, read_marks
from .plan import Plan, plan, tasks_of
from .scan import Found
from .task import Task


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
