"""One scan of a cohort in the process at hand: run, written with its record, and its end as plain data."""

from __future__ import annotations

import errno
import json
import os
import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..choices import Paper
from ..errors import AidealError, ReaderKilled
from ..io.output.staging import staged_directory
from ..models import Networks, load_networks
from ..options import RunOptions, flag_words
from ..pipeline import Outcome
from ..quality.preflight import UnusableScan
from ..regions.exclude import LeaveOut
from ..regions.measure import RegionOptions
from ..regions.suggest import CircleRules
from ..scan_run.folder import Writing, export_content
from ..scan_run.run import Ready, ScanRequest, ScanResult, estimated, run_scan
from .card import PICTURE, card_of
from .ends import DISK_FULL, KILLED
from .fingerprint import content_of, paths_of, settings_of, state_of
from .record import RECORD, Record, failure_file, scan_folder, sizes
from .rows import rows_of
from .scan import CohortScan

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
LEAST_FREE_BYTES = 4 << 20
DICOM = "dicom"
"""Folder of the DICOM objects, one in it for each scan."""


@dataclass(frozen=True)
class Output:
    """What is written of each scan besides maps, statistics and findings.

    Attributes
    ----------
    reports : bool
        `overview.png`, `report.html`, `report.pdf` and `viewer.html`.
    dicom : bool
        DICOM objects, in the folder `dicom` of the cohort: of the patient of DICOM images, otherwise of a new one with the id
        of the scan.
    anonymous : bool
        Write a new patient into them in any case.
    paper : Paper
        Size of the page of the reports.
    """

    reports: bool = True
    dicom: bool = False
    anonymous: bool = False
    paper: Paper = Paper.A4

    def settings(self) -> dict[str, Any]:
        """What a finished scan is compared by; reports on other paper are not made anew."""
        return {"reports": self.reports} | ({"dicom": "anonymous" if self.anonymous else "named"} if self.dicom else {})


@dataclass(frozen=True)
class Task:
    """A scan to run and where its results go.

    Attributes
    ----------
    scan : CohortScan
        The scan.
    options : RunOptions
        Options of its run.
    regions : RegionOptions
        How segments are measured.
    out : Path
        Folder of the cohort.
    output : Output
        What is written.
    """

    scan: CohortScan
    options: RunOptions
    regions: RegionOptions = field(default_factory=RegionOptions)
    out: Path = Path()
    output: Output = Output()

    @property
    def settings(self) -> dict[str, Any]:
        """Options, version and networks of the run (`fingerprint.settings_of`), and what is written."""
        return settings_of(self.request) | self.output.settings()

    @property
    def request(self) -> ScanRequest:
        """The run; without segments nothing is left out and there are no circles."""
        regions = self.regions if self.scan.segmentation else RegionOptions(cutoffs=self.regions.cutoffs)
        return ScanRequest(self.scan.files, self.options, self.scan.segmentation, regions)

    def as_dict(self) -> dict[str, Any]:
        """Plain types, ready for JSON."""
        scan, regions = self.scan, self.regions
        return {
            "scan": {**scan.described(), "files": [str(file.absolute()) for file in scan.files]},
            "segmentation": str(scan.segmentation.absolute()) if scan.segmentation else None,
            "options": self.options.as_dict(),
            "leave_out": asdict(regions.leave_out),
            "circles": asdict(regions.circles) if regions.circles else None,
            "out": str(self.out.absolute()),
            "output": {**asdict(self.output), "paper": self.output.paper.value},
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Task:
        """Task from what `as_dict` returned."""
        stated = dict(content["scan"])
        segmentation = Path(content["segmentation"]) if content["segmentation"] else None
        scan = CohortScan(**{**stated, "files": tuple(map(Path, stated["files"])), "segmentation": segmentation})
        circles = CircleRules(**content["circles"]) if content["circles"] else None
        regions = RegionOptions(LeaveOut(**content["leave_out"]), circles)
        options = RunOptions.from_dict(content["options"])
        output = Output(**{**content["output"], "paper": Paper(content["output"]["paper"])})
        return cls(scan, options, regions, Path(content["out"]), output)


def do(task: Task) -> dict[str, Any]:
    """Run a scan.

    Parameters
    ----------
    task : Task
        The scan.

    Returns
    -------
    dict
        `id`, and `kind` and `reason` where it failed; a failure has been recorded unless the disk is full.
    """
    try:
        _run(task)
    except ReaderKilled as error:
        return {"id": task.scan.id, "kind": KILLED, "reason": error.worded(flag_words)}
    except UnusableScan as error:
        return fail(task, "unusable", f"{error.findings[0].code}: {error.worded(flag_words)}")
    except AidealError as error:
        return fail(task, DISK_FULL if _disk_full(error, task.out) else "input", error.worded(flag_words))
    except MemoryError:
        return fail(task, "memory", "The scan needs more memory than there is.")
    except OSError as error:
        kind = DISK_FULL if error.errno in _NO_SPACE or _disk_full(error, task.out) else "input"
        return fail(task, kind, f"A file could not be read or written ({error.strerror or error}).")
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind = DISK_FULL if _disk_full(error, task.out) else "error"
        return fail(task, kind, f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}: {error}")
    return {"id": task.scan.id}


def fail(task: Task, kind: str, reason: str) -> dict[str, Any]:
    """Record a failure.

    Parameters
    ----------
    task : Task
        The scan.
    kind : str
        'unusable', 'input', 'error', 'crash', 'time', 'memory' or 'lost'; `DISK_FULL` is not recorded.
    reason : str
        What happened, and what to do.

    Returns
    -------
    dict
        The end of the task.
    """
    reason = " ".join(reason.split())
    if kind != DISK_FULL:
        paths = paths_of(task.request)
        try:
            state, content = state_of(paths), content_of(paths)
        except OSError:  # unreadable, which may be why it failed
            state = content = ""
        failure = {"kind": kind, "reason": reason}
        file = failure_file(task.out, task.scan.id)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            Record(task.scan.described(), state, content, task.settings, failure).save(file)
        except OSError:
            kind = DISK_FULL
    return {"id": task.scan.id, "kind": kind, "reason": reason, "recorded": True}


def _run(task: Task) -> None:
    began = _processor_s()
    request, folder = task.request, scan_folder(task.out, task.scan.id)
    paths = paths_of(request)
    state, content = state_of(paths), content_of(paths)
    with staged_directory(folder, task.scan.files) as stage:
        writing = Writing(task.output.paper, task.output.reports, flag_words)
        result = run_scan(request, stage, writing, estimate=_estimated)
        if task.output.dicom:
            _write_dicom(task, result, stage)
        card, rows, picture = card_of(result)
        (stage / PICTURE).write_bytes(picture)
        record = Record(
            task.scan.described(),
            state,
            content,
            task.settings,
            files=sizes(stage),
            rows=(*rows_of(result.saved.rows), *rows),
            card=card,
            seconds=_seconds(result),
            processor_s=round(_processor_s() - began, 3),
        )
        record.save(stage / RECORD)
    failure_file(task.out, task.scan.id).unlink(missing_ok=True)


def _write_dicom(task: Task, result: ScanResult, stage: Path) -> None:
    """Write the result as DICOM objects; they have a folder of their own, from which an archive can be fed."""
    from ..io.dicom.read import is_dicom
    from ..io.output.dicom.export import export_dicom
    from ..io.output.dicom.study import Identity

    content = export_content(result.outcome.maps, result.saved.measured, result.outcome.quality, stage, flag_words)
    files = task.scan.files
    known = is_dicom(list(files)) and not task.output.anonymous
    identity = None if known else Identity(patient_id=task.scan.id)
    with staged_directory(task.out / DICOM / task.scan.id, listed=False) as folder:
        export_dicom(content, folder, files if known else (), identity)


def _estimated(files: Sequence[Path], options: RunOptions, ready: Ready) -> Outcome:
    """A run with networks that stay loaded from scan to scan."""
    return estimated(files, options, ready, lambda device: _networks(device, options.models, options.trust_models))


@lru_cache(maxsize=1)
def _networks(device: str, folder: str, trusted: bool) -> Networks:
    return load_networks(device, Path(folder) if folder else None, trusted)


def _seconds(result: ScanResult) -> dict[str, float]:
    return {**result.outcome.maps.provenance.seconds, "writing": round(result.saved.writing_s, 4)}


def _processor_s() -> float:
    """Time of processors that this process and those that it has waited for have taken."""
    return sum(os.times()[:4])


def _disk_full(error: BaseException, out: Path) -> bool:
    """Whether an error came from a full disk, whatever library met it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _NO_SPACE:
            return True
        cause = cause.__cause__
    try:
        return shutil.disk_usage(out).free < LEAST_FREE_BYTES
    except OSError:
        return False


def do_line(line: bytes) -> bytes:
    """Run the task of a line of JSON; its end as a line of JSON."""
    end = do(Task.from_dict(json.loads(line)))
    return json.dumps(end).encode("ascii") + b"\n"
