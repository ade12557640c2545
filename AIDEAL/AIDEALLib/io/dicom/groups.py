"""The DICOM planes of one multi-echo scan: of one orientation, matrix, pixel size and origin, with enough echoes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from ...advice import Advice, advise
from ...echo_checks import MIN_ECHOES
from ...errors import InputError
from .echo_times import echo_times_ms, in_milliseconds, n_echoes
from .frames import Frame
from .origin import ScanChoice
from .repeats import refuse_repeats

ANY_SCAN = ScanChoice()
SAME_PLANE = 1e-3
"""Tolerance of directions (absolute) and pixel spacings (relative) of planes that can be stacked."""


def multi_echo_scans(frames: Sequence[Frame]) -> tuple[list[list[Frame]], list[list[Frame]]]:
    """Sort planes into groups that can be stacked; maps made by the scanner are left out.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of any scans.

    Returns
    -------
    scans : list of list of Frame
        Groups with enough echoes for a scan.
    rest : list of list of Frame
        The other groups.
    """
    planes: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        if frame.part is not None:
            planes[_nearest(planes, frame)].append(frame)
    groups = list(planes.values())
    enough = [n_echoes(group) >= MIN_ECHOES for group in groups]
    return [g for g, ok in zip(groups, enough, strict=True) if ok], [g for g, ok in zip(groups, enough, strict=True) if not ok]


def choose_scan(frames: Sequence[Frame], choice: ScanChoice = ANY_SCAN) -> tuple[list[Frame], list[str]]:
    """Choose the planes of the one multi-echo scan.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of any scans.
    choice : ScanChoice
        Study and series that the user names.

    Returns
    -------
    planes : list of Frame
        Planes of the scan.
    notes : list of str
        What was left out, for provenance.

    Raises
    ------
    InputError
        There is no scan, or more than one.
    """
    notes = []
    given = len(frames)
    if choice:
        frames = [f for f, chosen in zip(frames, choice.select([f.names for f in frames]), strict=True) if chosen]
        notes.append(f"{given - len(frames)} image(s) of other studies and series than those chosen were left out.")
    derived = sum(frame.part is None for frame in frames)
    if derived:
        notes.append(f"{derived} image(s) of maps or reformats made by the scanner were left out.")
    stated, understood = in_milliseconds([frame for frame in frames if frame.part is not None])
    frames, notes = [*stated, *(frame for frame in frames if frame.part is None)], [*notes, *understood]
    candidates, rest = multi_echo_scans(frames)
    planes = [*candidates, *rest]
    if not planes:
        raise InputError(
            f"All {derived} MR image(s) are maps or reformats made by the scanner; the echoes themselves were expected. "
            "Export the original magnitude and phase (or real and imaginary) images."
        )
    if len(candidates) == 1:
        (scan,) = candidates
        refuse_repeats(scan, bool(choice.series))
        _refuse_other_echo(scan, [frame for group in rest for frame in group])
        reasons = {scan[0].origin.difference(group[0].origin) or "plane or matrix" for group in rest}
        if rest:
            count = sum(map(len, rest))
            notes.append(f"{count} image(s) of other scans (other {', '.join(sorted(reasons))}) were left out.")
        return scan, notes
    if len(candidates) > 1:
        raise InputError(
            f"Found {len(candidates)} multi-echo scans of different {_difference(candidates)}: {_table(candidates, frames)}. "
            "One was expected.",
            _choice_of(candidates, frames),
        )
    everything = [frame for group in planes for frame in group]
    if len(planes) > 1 and n_echoes(everything) >= MIN_ECHOES:
        raise InputError(
            f"The images are of {len(planes)} different {_difference(planes)}: {_table(planes, frames)}. All echoes of one "
            "scan were expected.",
            advise("Choose one ({}, {}), or name the files of one scan, exported alike.", "study", "series"),
        )
    times = ", ".join(f"{t:g}" for t in echo_times_ms(everything)) or "none"
    raise InputError(
        f"Found {n_echoes(everything)} echo(es) (echo times {times} ms); a multi-echo scan with at least {MIN_ECHOES} was "
        "expected. Load all echoes; in-phase and opposed-phase images alone do not suffice."
    )


def _refuse_other_echo(scan: Sequence[Frame], rest: Sequence[Frame]) -> None:
    """Refuse a scan whose series holds images of the same slices that were made otherwise: an echo of it would be missing."""
    series = {frame.names.series[0] for frame in scan} - {""}
    depths = {round(frame.depth_mm, 2) for frame in scan}
    parallel = [f for f in rest if np.allclose(f.orientation, scan[0].orientation, atol=SAME_PLANE)]
    here = [f for f in parallel if f.names.series[0] in series and round(f.depth_mm, 2) in depths]
    if here:
        listed = ", ".join(f"{te:g}" for te in echo_times_ms(here))
        what = scan[0].origin.difference(here[0].origin) or "matrices or pixel sizes"
        raise InputError(
            f"{len(here)} image(s) of series {here[0].series} (echo time {listed} ms) are of other {what} than its others; "
            "one scan was expected. Export it again, or name the files of one scan."
        )


def _choice_of(candidates: Sequence[Sequence[Frame]], frames: Sequence[Frame]) -> Advice:
    """Advice with study and series of each scan, where these select it and nothing else."""
    settings: list[tuple[str, str]] = []
    studies = _studies(frames)
    for group in candidates:
        number, series = studies.index(group[0].names.study) + 1, sorted({frame.series for frame in group})
        choice = ScanChoice(str(number), ",".join(series))
        if "?" not in series:
            chosen = [f for f, here in zip(frames, choice.select([f.names for f in frames]), strict=True) if here]
            if multi_echo_scans(chosen)[0] == [list(group)]:
                settings += [("study", choice.study), ("series", choice.series)]
    if len(settings) < 2 * len(candidates):
        return advise("Choose one ({}, {}), or name the files or the folder of one.", "study", "series")
    each = "; ".join(["{} {}"] * len(candidates))
    return advise(f"Choose one ({each}), or name the files or the folder of one.", *settings)


def _studies(frames: Sequence[Frame]) -> list[tuple[str, str, str]]:
    return list(dict.fromkeys(frame.names.study for frame in frames))


def _nearest(planes: dict[tuple[object, ...], list[Frame]], frame: Frame) -> tuple[object, ...]:
    """Key of an existing group whose plane agrees within rounding, else the frame's own."""
    for key, group in planes.items():
        other = group[0]
        if (
            other.size == frame.size
            and np.allclose(other.orientation, frame.orientation, atol=SAME_PLANE)
            and np.allclose(other.pixel_mm, frame.pixel_mm, rtol=SAME_PLANE)
            and other.origin.agrees(frame.origin)
        ):
            return key
    return (*frame.plane, frame.origin)


def _difference(groups: Sequence[Sequence[Frame]]) -> str:
    return groups[0][0].origin.difference(groups[1][0].origin) or "planes or matrices"


def _table(groups: Sequence[Sequence[Frame]], frames: Sequence[Frame]) -> str:
    """What is there, one entry a group: study by its number, series, parts, echoes, slices."""
    studies = _studies(frames)
    return "; ".join(f"({n}) {_describe(group, studies)}" for n, group in enumerate(groups, start=1))


def _describe(group: Sequence[Frame], studies: Sequence[tuple[str, str, str]]) -> str:
    study = ", ".join(str(n) for n in sorted({studies.index(f.names.study) + 1 for f in group}))
    series = ", ".join(sorted({f.series for f in group}, key=lambda number: (len(number), number))[:4])
    parts = " + ".join(sorted({f.part.value for f in group if f.part is not None}))
    slices = len({round(f.depth_mm, 2) for f in group})
    rows, columns = group[0].size
    return f"study {study}, series {series}: {parts}, {n_echoes(group)} echo(es), {slices} slice(s) of {rows} x {columns}"
