"""Which DICOM planes belong to one multi-echo scan: those of one orientation, matrix and pixel size with enough echoes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...echoes import MIN_ECHOES
from ...errors import InputError
from .echo_times import echo_times_ms, n_echoes
from .frames import Frame


def multi_echo_scans(frames: Sequence[Frame]) -> tuple[list[list[Frame]], list[list[Frame]]]:
    """Planes that can be stacked, in groups: those with enough echoes for a scan, and the rest; scanner-made maps left out."""
    planes: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        if frame.part is not None:
            planes[_nearest(planes, frame)].append(frame)
    groups = list(planes.values())
    enough = [n_echoes(group) >= MIN_ECHOES for group in groups]
    return [g for g, ok in zip(groups, enough, strict=True) if ok], [g for g, ok in zip(groups, enough, strict=True) if not ok]


def choose_scan(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """The planes of the one multi-echo scan among all planes given, and notes on what was left out.

    Raises
    ------
    InputError
        There is none, or more than one.
    """
    notes = []
    derived = sum(frame.part is None for frame in frames)
    if derived:
        notes.append(f"{derived} image(s) of maps or reformats made by the scanner were left out.")
    candidates, rest = multi_echo_scans(frames)
    planes = [*candidates, *rest]
    if not planes:
        raise InputError(
            f"All {derived} MR image(s) are maps or reformats made by the scanner; the echoes themselves were expected. "
            "Export the original magnitude and phase (or real and imaginary) images."
        )
    if len(candidates) == 1:
        left_out = len(frames) - derived - len(candidates[0])
        if left_out:
            notes.append(f"{left_out} image(s) of other scans (another plane or matrix) were left out.")
        return candidates[0], notes
    if len(candidates) > 1:
        listed = "; ".join(_describe(group) for group in candidates)
        raise InputError(
            f"Found {len(candidates)} multi-echo scans with different planes or matrices ({listed}); one was expected. "
            "Name the files or the folder of one."
        )
    everything = [frame for group in planes for frame in group]
    if len(planes) > 1 and n_echoes(everything) >= MIN_ECHOES:
        listed = "; ".join(_describe(group) for group in planes)
        raise InputError(
            f"The images lie in {len(planes)} different planes or matrices ({listed}); all echoes on one grid were expected. "
            "Name the files of one scan, exported alike."
        )
    times = ", ".join(f"{t:g}" for t in echo_times_ms(everything)) or "none"
    raise InputError(
        f"Found {n_echoes(everything)} echo(es) (echo times {times} ms); a multi-echo scan with at least {MIN_ECHOES} was "
        "expected. Load all echoes; in-phase and opposed-phase images alone are not enough."
    )


def _nearest(planes: dict[tuple[object, ...], list[Frame]], frame: Frame) -> tuple[object, ...]:
    """Key of an existing group whose plane agrees within rounding, else the frame's own."""
    for key, group in planes.items():
        other = group[0]
        if (
            other.size == frame.size
            and np.allclose(other.orientation, frame.orientation, atol=1e-3)
            and np.allclose(other.pixel_mm, frame.pixel_mm, rtol=1e-3)
        ):
            return key
    return frame.plane


def _describe(group: Sequence[Frame]) -> str:
    series = ", ".join(sorted({f.series for f in group})[:4])
    rows, columns = group[0].size
    return f"series {series}: {len(group)} images of {rows} x {columns}, {n_echoes(group)} echo(es)"
