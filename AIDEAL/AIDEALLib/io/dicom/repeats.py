"""Repeats of a scan: series or acquisitions that each hold echoes of the same slices, which headers otherwise make one scan."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

from ...advice import advise
from ...echoes import MIN_ECHOES
from ...errors import InputError
from ..naming import Part
from .echo_times import n_echoes
from .frames import Frame

PAIRS = ((Part.MAGNITUDE, Part.PHASE), (Part.REAL, Part.IMAGINARY))
_PARTS = (*PAIRS[0], *PAIRS[1], Part.UNMARKED)


def _series(frame: Frame) -> Hashable:
    uid, number, _ = frame.names.series
    return uid or number or None


def _acquisition(frame: Frame) -> Hashable:
    return frame.acquisition


def refuse_repeats(frames: Sequence[Frame]) -> None:
    """Refuse a scan and its repeat, whose echoes would be joined, or magnitude of one paired with phase of the other.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of one study, protocol and grid.

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
    for pair in PAIRS:
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
    """Both parts of one excitation have one Acquisition Number, or at least one time."""
    a, b = ({frame.acquisition for frame in frames} for frames in (first, second))
    times = {frame.acquired for frame in first} & {frame.acquired for frame in second}
    if not a or not b or None in a | b or a & b or times - {""}:
        return
    raise InputError(
        f"The {first[0].part.value if first[0].part else ''} images are of acquisition {_listed(a)}, the "
        f"{second[0].part.value if second[0].part else ''} images of acquisition {_listed(b)}; both of one were expected.",
        advise("Choose the series of one ({}), or name its files.", "series"),
    )


def _listed(numbers: set[int | None]) -> str:
    return ", ".join(str(number) for number in sorted(n for n in numbers if n is not None)[:4])
