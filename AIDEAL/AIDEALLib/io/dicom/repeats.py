"""Repeats of a scan: series or acquisitions that each hold echoes of the same slices, which headers otherwise make one scan."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from ...advice import advise
from ...echo_checks import MIN_ECHOES
from ...errors import InputError
from ..naming import Part
from .echo_times import n_echoes
from .frames import Frame

MOST_APART_S = 30.0
"""Longest time between both parts of one excitation; scanners state the same, and repeats take longer."""
PAIRS = ((Part.MAGNITUDE, Part.PHASE), (Part.REAL, Part.IMAGINARY))
_PARTS = (*PAIRS[0], *PAIRS[1], Part.UNMARKED)


def _series(frame: Frame) -> Hashable:
    uid, number, _ = frame.names.series
    return uid or number or None


def _acquisition(frame: Frame) -> Hashable:
    return frame.acquisition


def refuse_repeats(frames: Sequence[Frame], series_chosen: bool = False) -> None:
    """Refuse a scan and its repeat, whose echoes would be joined, or magnitude of one paired with phase of the other.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of one study, protocol and grid.
    series_chosen : bool
        A user has named the series, so that these belong together whatever their times are.

    Raises
    ------
    InputError
        Several series or acquisitions hold the same part of three echoes and more of the same slices, or both parts of the
        signal are of different acquisitions.
    """
    by_part = [[frame for frame in frames if frame.part is part] for part in _PARTS]
    choose = advise("Choose one ({}; where magnitude and phase are two series, both, as 5,6), or name its files.", "series")
    for words, key, advice in (("series", _series, choose), ("acquisitions", _acquisition, advise("Name the files of one."))):
        repeats = [group for part in by_part for group in _repeats(part, key)]
        if repeats:
            listed = "; ".join(_described(group) for group in repeats)
            raise InputError(f"Several {words} hold the same slices: {listed}. One scan was expected.", advice)
    for pair in () if series_chosen else PAIRS:
        _refuse_other_acquisition(*([frame for frame in frames if frame.part is part] for part in pair))


def _repeats(frames: Sequence[Frame], key: Callable[[Frame], Hashable]) -> list[list[Frame]]:
    """Groups of enough echoes that share a slice with another such group; one series for each echo or slice makes none."""
    groups: dict[Hashable, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[key(frame)].append(frame)
    enough = [group for known, group in groups.items() if known is not None and n_echoes(group) >= MIN_ECHOES]
    depths = [{round(frame.depth_mm, 2) for frame in group} for group in enough]
    return [group for n, group in enumerate(enough) if any(depths[n] & other for m, other in enumerate(depths) if m != n)]


def _described(frames: Sequence[Frame]) -> str:
    first, slices = frames[0], len({round(frame.depth_mm, 2) for frame in frames})
    number = "" if first.acquisition is None else f", acquisition {first.acquisition}"
    part = first.part.value if first.part else ""
    return f"series {first.series}{number}: {part}, {n_echoes(frames)} echo(es) of {slices} slice(s)"


def _refuse_other_acquisition(first: Sequence[Frame], second: Sequence[Frame]) -> None:
    """Both parts of one excitation have one time, or where headers state none one Acquisition Number."""
    a, b = ({frame.acquisition for frame in frames} - {None} for frames in (first, second))
    apart = _seconds_apart(first, second)
    if not first or not second or (apart <= MOST_APART_S if apart is not None else not a or not b or a & b):
        return
    parts = " and ".join(
        f"{frames[0].part.value if frames[0].part else ''} (series {frames[0].series}, acquisition {_listed(numbers)})"
        for frames, numbers in ((first, a), (second, b))
    )
    when = "" if apart is None else f", {apart:.0f} s apart"
    raise InputError(
        f"{parts} are of different acquisitions{when}; both of one were expected.",
        advise("Choose the series of one, or of both where they belong together all the same ({}).", "series"),
    )


def _seconds_apart(first: Sequence[Frame], second: Sequence[Frame]) -> float | None:
    """Shortest time between the acquisitions of two parts; None where one states none."""
    a, b = ([s for frame in frames if (s := _seconds_of_day(frame.acquired)) is not None] for frames in (first, second))
    return min(abs(x - y) for x in set(a) for y in set(b)) if a and b else None


def _seconds_of_day(acquired: str) -> float | None:
    found = re.search(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)$", acquired)
    return 3600.0 * int(found[1]) + 60.0 * int(found[2]) + float(found[3]) if found else None


def _listed(numbers: set[int | None]) -> str:
    return ", ".join(str(number) for number in sorted(n for n in numbers if n is not None)[:4]) or "unknown"
