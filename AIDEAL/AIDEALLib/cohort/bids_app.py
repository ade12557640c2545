"""A cohort as a BIDS App: what the source has to be, and derivatives of all scans with results."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import InputError
from .bids_input import DESCRIPTION, is_bids
from .bids_output import write_dataset, write_derivatives
from .opened import Opened
from .record import finished


def require_bids(source: Path, out: Path) -> None:
    """Refuse a source that is no BIDS dataset, and results within its raw data.

    Raises
    ------
    InputError
        There is no description of a dataset, or the results would lie where they would be taken for a participant.
    """
    if not is_bids(source):
        raise InputError(
            f"{source} has no {DESCRIPTION}; a BIDS dataset was expected. 'aideal cohort' takes any folder of scans."
        )
    if out.resolve() == source.resolve():
        raise InputError(
            f"{out} is the dataset itself; another folder for the derivatives was expected, such as {out / 'derivatives'}."
        )


def write_bids_results(cohort: Opened) -> list[Path]:
    """Write the derivatives of all scans with results.

    Parameters
    ----------
    cohort : Opened
        The cohort.

    Returns
    -------
    list of Path
        Maps written.
    """
    out, source = cohort.request.out, cohort.request.source.source
    write_dataset(out)
    written: list[Path] = []
    for task in cohort.tasks:
        record = finished(out, task.scan.id)
        if record is not None:
            sources = [Path(os.path.relpath(file, source)).as_posix() for file in task.scan.files]
            written += write_derivatives(out, record, sources)
    return written
