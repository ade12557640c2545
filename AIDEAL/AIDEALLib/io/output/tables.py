"""Statistics as CSV: full precision, units in the header, provenance as comment lines."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Mapping, Sequence

from ...errors import InputError
from ...escaping import for_csv, plain
from ...statistics import SegmentStatistics
from ...stopwatch import timed
from .staging import staged_file

COLUMNS: dict[str, str] = {
    "name": "segment",
    "voxels": "voxels",
    "volume_ml": "volume_ml",
    "pdff_mean": "pdff_mean_percent",
    "pdff_sd": "pdff_sd_percent",
    "reported": "pdff_reported_percent",
    "reported_low": "pdff_reported_95_low_percent",
    "reported_high": "pdff_reported_95_high_percent",
    "reported_from": "pdff_reported_from",
    "model_low": "pdff_model_low_percent",
    "model_high": "pdff_model_high_percent",
    "mean_error": "pdff_mean_standard_error_percent",
    "mean_low": "pdff_mean_95_low_percent",
    "mean_high": "pdff_mean_95_high_percent",
    "pdff_median": "pdff_median_percent",
    "median_error": "pdff_median_standard_error_percent",
    "median_low": "pdff_median_95_low_percent",
    "median_high": "pdff_median_95_high_percent",
    "joint_pdff": "pdff_joint_percent",
    "joint_error": "pdff_joint_standard_error_percent",
    "joint_low": "pdff_joint_95_low_percent",
    "joint_high": "pdff_joint_95_high_percent",
    "pdff_iqr": "pdff_iqr_percent",
    "stated_sd_mean": "pdff_stated_sd_mean_percent",
    "low_confidence_percent": "low_confidence_percent",
    "swap_suspect_percent": "swap_suspect_percent",
    "outside_percent": "outside_foreground_percent",
    "used_voxels": "used_voxels",
    "r2star_mean": "r2star_mean_per_s",
    "joint_r2star": "r2star_joint_per_s",
    "steatosis_grade": "steatosis_grade_research_use",
    "chance_s0": "chance_of_s0_research_use",
    "chance_s1": "chance_of_s1_research_use",
    "chance_s2": "chance_of_s2_research_use",
    "chance_s3": "chance_of_s3_research_use",
    "withheld": "not_measured_because",
}
"""Field of `SegmentStatistics` and its column, in column order."""


@timed("statistics")
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
                stream.write(plain(" ".join(f"# {key}: {value}".split())) + "\n")
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
    return for_csv(value) if isinstance(value, str) else str(value)
