"""Statistics as CSV: full precision, units in the header, provenance as comment lines."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence

from ...errors import InputError
from ...statistics import SegmentStatistics
from .staging import staged_file

COLUMNS: dict[str, str] = {
    "name": "segment",
    "voxels": "voxels",
    "volume_ml": "volume_ml",
    "pdff_mean": "pdff_mean_percent",
    "pdff_sd": "pdff_sd_percent",
    "pdff_median": "pdff_median_percent",
    "pdff_iqr": "pdff_iqr_percent",
    "stated_sd_mean": "pdff_stated_sd_mean_percent",
    "weighted_mean": "pdff_weighted_mean_percent",
    "weighted_standard_error": "pdff_weighted_standard_error_percent",
    "low_confidence_percent": "low_confidence_percent",
    "swap_suspect_percent": "swap_suspect_percent",
    "outside_percent": "outside_foreground_percent",
    "used_voxels": "used_voxels",
    "r2star_mean": "r2star_mean_per_s",
    "steatosis_grade": "steatosis_grade_research_use",
}
"""Field of `SegmentStatistics` and its column, in column order."""


def save_table(
    rows: Sequence[SegmentStatistics], path: str | os.PathLike[str], comments: Mapping[str, object] | None = None
) -> None:
    """Write a table, complete or not at all; values that are not a number become empty cells.

    Parameters
    ----------
    rows : sequence of SegmentStatistics
        One line each.
    path : path
        File to write.
    comments : Mapping, optional
        Lines `# key: value` on top (version, method, models, cut-offs, ...).

    Raises
    ------
    InputError
        The file cannot be written.
    """
    try:
        with staged_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            for key, value in (comments or {}).items():
                stream.write(" ".join(f"# {key}: {value}".split()) + "\n")
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(COLUMNS.values())
            for row in rows:
                writer.writerow([_cell(getattr(row, field)) for field in COLUMNS])
    except OSError as error:
        raise InputError(
            f"Cannot write {os.fspath(path)} ({error.strerror}); a writable place was expected. Close or move it."
        ) from error


def _cell(value: object) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return str(value)
