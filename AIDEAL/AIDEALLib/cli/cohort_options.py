"""Options of the commands for cohorts, and options of a run as words in a table of scans."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..choices import Paper, Retry
from ..errors import InputError
from ..options import Overrides, RunOptions, option_fields
from .options import PaperSize, joined_times, path_given, takes_run_options

if TYPE_CHECKING:
    from ..cohort.engine import EngineOptions
    from ..cohort.opened import CohortRequest
    from ..regions.measure import RegionOptions

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def bytes_of(text: str) -> int:
    """Number of bytes of a size such as 4GiB, 512M or 0.

    Raises
    ------
    InputError
        It is no size.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if not found:
        raise InputError(f"The size is '{text}'; a number with its unit, such as 4GiB, was expected.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@dataclass(frozen=True)
class EngineGroup:
    """Where scans are run, and what each may take."""

    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            "--n-cpus",
            min=0,
            metavar="N",
            help="Worker processes; by default one a core, or one a GPU.",
            show_default=False,
        ),
    ] = 0
    scheduler: Annotated[
        str,
        typer.Option(metavar="tcp://HOST:PORT", help="Scheduler whose workers are taken instead.", show_default=False),
    ] = ""
    time_limit: Annotated[float, typer.Option(min=1.0, metavar="SECONDS", help="Time that a scan may take.")] = 3600.0
    memory_limit: Annotated[
        str, typer.Option(metavar="SIZE", help="Memory that a scan may take, such as 4GiB; 0 for no limit.")
    ] = "0"

    def engine(self, options: RunOptions) -> EngineOptions:
        """Where scans are run."""
        from ..cohort.child_client import Limits
        from ..cohort.engine import EngineOptions
        from ..estimation.device import choose_device

        if self.workers and self.scheduler:
            raise InputError("--workers and --scheduler were given; one of both was expected: a scheduler has its own workers.")
        gpu = options.device.startswith("cuda") if self.scheduler else choose_device(options.device).type == "cuda"
        return EngineOptions(self.workers, self.scheduler, gpu, Limits(self.time_limit, bytes_of(self.memory_limit)))


@dataclass(frozen=True)
class CohortGroup:
    """Which scans are run."""

    participant_label: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Participant of a BIDS dataset; can be repeated.", show_default=False),
    ] = None
    segmentations: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", parser=path_given, help="BIDS derivatives with *_dseg.nii.gz of the scans.", show_default=False
        ),
    ] = None
    retry: Annotated[
        list[Retry] | None,
        typer.Option(help="Run again: scans that failed, or that marks.csv marks with redo.", show_default=False),
    ] = None
    redo: Annotated[
        bool, typer.Option("--redo", help="Run scans again that were made with other options or another version.")
    ] = False
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="Write report.html, report.pdf and viewer.html of each scan.")
    ] = True
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write the result of each scan as DICOM objects too, of the patient of its images.")
    ] = False
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Write a new identity, with the id of the scan, into the DICOM objects.")
    ] = False
    paper: PaperSize = Paper.A4
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List what would be run and what is skipped.")] = False

    def request(
        self, source: Path, out: Path, options: RunOptions, regions: RegionOptions, partial: bool = False
    ) -> CohortRequest:
        """The cohort of a source, with what is requested of it."""
        from ..cohort.discover import SourceRequest
        from ..cohort.opened import CohortRequest
        from ..cohort.scan import CohortScan
        from ..cohort.task import Output, Task

        if self.anonymous and not self.dicom:
            raise InputError("An identity is written into DICOM objects only; add --dicom, or leave --anonymous out.")
        if self.dicom:
            from ..io.output.dicom.export import require_highdicom

            require_highdicom()
        output = Output(self.reports, self.dicom, self.anonymous, self.paper)
        template = Task(CohortScan("", ()), options, regions, out, output)
        participants = tuple(self.participant_label or ())
        where = SourceRequest(source, out, parse_run_options, options.keep_names, participants, self.segmentations)
        return CohortRequest(where, template, frozenset(self.retry or ()), self.redo, partial)


def parse_run_options(text: str) -> Mapping[str, Any]:
    """Options of a run from words as on the command line.

    Parameters
    ----------
    text : str
        Such as `--method one-shot --te 1.2ms,2.4ms,3.6ms`.

    Returns
    -------
    Mapping of str to Any
        Values by field of `RunOptions` or `Overrides`, only those that are given.

    Raises
    ------
    InputError
        An option does not exist, or a value is none of its choices.
    """
    if not text.strip():
        return {}
    received: dict[str, RunOptions] = {}

    @takes_run_options()
    def words(options: RunOptions) -> None:
        received["options"] = options

    app = typer.Typer(add_completion=False)
    app.command()(words)
    command = typer.main.get_command(app)
    try:
        context = command.make_context("options", joined_times(shlex.split(text)))
        with context:
            command.invoke(context)
    except InputError:
        raise
    except Exception as error:  # of the parser of the command line, whatever its version
        reason = getattr(error, "message", "") or str(error) or type(error).__name__
        raise InputError(
            f"The options '{text}' are not those of a run ({reason}); words as for 'aideal run' were expected."
        ) from error
    stated = [name for name in option_fields() if getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE"]
    options = received["options"]
    return {name: getattr(options.overrides if name in Overrides.__dataclass_fields__ else options, name) for name in stated}
