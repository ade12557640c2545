"""Echoes of DICOM planes and their times, also where the headers repeat the first one or state none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...echo_checks import MIN_ECHOES
from ...errors import InputError
from .dialects import Vendor
from .frames import Frame

SAME_TE_MS = 0.005
"""Echo times that differ by less are equal."""
LEAST_TE_MS = 0.1
LONGEST_TE_MS = 200
"""Larger values of GE's private element are microseconds."""


def echo_times_ms(frames: Sequence[Frame]) -> list[float]:
    """Echo times that the headers state, rising, those that differ by rounding merged."""
    return merge((f.te_ms for f in frames if f.te_ms is not None), SAME_TE_MS)


def in_milliseconds(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """Undo another unit than milliseconds, which Echo Time is in, where all echo times can only be in it.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of any scans.

    Returns
    -------
    planes : list of Frame
        Planes with echo times in ms.
    notes : list of str
        What was understood.

    Raises
    ------
    InputError
        An echo time is negative.
    """
    times = [f.te_ms for f in frames if f.te_ms is not None]
    if any(t < 0 for t in times):
        raise InputError(
            f"Headers state a negative Echo Time ({min(times):g} ms); the time since the excitation was expected. Export the "
            "scan again."
        )
    shortest, longest = min(times, default=0.0), max(times, default=0.0)
    unit, ms = ("seconds", 1000.0) if longest < LEAST_TE_MS else ("microseconds", 0.001)
    plausible = LEAST_TE_MS <= ms * shortest <= ms * longest <= LONGEST_TE_MS
    if not plausible or (longest >= LEAST_TE_MS and shortest <= LONGEST_TE_MS):
        return list(frames), []
    note = f"Echo times of the headers, {shortest:g} to {longest:g}, can only be {unit}, and were taken so."
    return [replace(f, te_ms=None if f.te_ms is None else ms * f.te_ms) for f in frames], [note]


def merge(values: Iterable[float], tolerance: float) -> list[float]:
    """Sorted values; one within the tolerance of the value before is merged with it."""
    merged: list[float] = []
    for v in sorted(values):
        if not merged or v - merged[-1] > tolerance:
            merged.append(v)
    return merged


def count(keys: Iterable[object]) -> dict[object, int]:
    """Number of occurrences of each key."""
    counts: dict[object, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return counts


def n_echoes(frames: Sequence[Frame]) -> int:
    """Number of echoes, as far as the headers show it."""
    if not frames:
        return 0
    times = len(echo_times_ms(frames))
    if all(f.vendor is Vendor.GE for f in frames) and times <= 1:
        return max(count((f.part, round(f.depth_mm, 2)) for f in frames).values())
    if times == 0:
        return len({f.echo_number for f in frames if f.echo_number is not None})
    return times


def echo_keys(frames: Sequence[Frame]) -> list[float]:
    """What distinguishes the echoes.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of one scan.

    Returns
    -------
    list of float
        Echo time of each plane in ms (merged where they differ by rounding), or its echo number where no times are stated.

    Raises
    ------
    InputError
        Some headers state neither.
    """
    if all(f.te_ms is not None for f in frames):
        times = echo_times_ms(frames)
        return [min(times, key=lambda t: abs(t - (f.te_ms or 0.0))) for f in frames]
    if all(f.echo_number is not None for f in frames):
        return [float(f.echo_number or 0) for f in frames]
    without = sum(f.te_ms is None for f in frames)
    raise InputError(
        f"{without} of {len(frames)} images state no Echo Time (0018,0081), and not all an Echo Number; one of them in every "
        "header was expected. Export the scan again."
    )


def correct_echo_times(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """Replace the first echo time that GE repeats in every header, where other elements allow it.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of one scan.

    Returns
    -------
    planes : list of Frame
        Planes with their echo times. Where only the order of the echoes is known, `te_ms` is None and `echo_number` set.
    notes : list of str
        What was replaced and from which element, for provenance.

    Raises
    ------
    InputError
        No element distinguishes the echoes.
    """
    frames = list(frames)
    if any(f.vendor is not Vendor.GE for f in frames) or len({f.te_ms for f in frames}) != 1:
        return frames, []
    repeats = max(count((f.part, round(f.depth_mm, 2)) for f in frames).values())
    if repeats < MIN_ECHOES:
        return frames, []
    first = frames[0].te_ms
    found = f"GE: all headers repeat one echo time ({first:g} ms)" if first is not None else "GE: headers state no echo time"
    private = {f.private_te for f in frames}
    times = sorted(t for t in private if t is not None)
    if None not in private and len(times) == repeats and times[0] > 0 and not _looks_like_counting(times):
        scale = 1000.0 if times[-1] > LONGEST_TE_MS else 1.0
        listed = ", ".join(f"{t / scale:g}" for t in times)
        note = f"{found}; private (0019,10A9) varies as echo times do, {listed} ms, and was used."
        return [replace(f, te_ms=(f.private_te or 0.0) / scale) for f in frames], [note]
    for name, attribute in (("Echo Number (0018,0086)", "echo_number"), ("raw data run number (0019,10A2)", "run_number")):
        values = sorted({getattr(f, attribute) for f in frames if getattr(f, attribute) is not None})
        if len(values) != repeats:
            continue
        order = {v: n for n, v in enumerate(values)}
        second = {f.second_te_ms for f in frames}
        if first is not None and len(second) == 1 and (step := (next(iter(second)) or 0.0) - first) > 0:
            note = (
                f"{found}; taken as {first:g} ms + n {step:g} ms from the private second echo time (0019,107D) and the {name}. "
                "Override the echo times if that is not so."
            )
            return [replace(f, te_ms=first + order[getattr(f, attribute)] * step) for f in frames], [note]
        note = f"{found}; echoes were ordered by {name}."
        return [replace(f, te_ms=None, echo_number=order[getattr(f, attribute)] + 1) for f in frames], [note]
    raise InputError(
        f"{found} for {repeats} images of each slice, and neither Echo Number nor private elements distinguish them. "
        "Export the scan again with its private elements, or convert it to NIfTI with one file per echo."
    )


def _looks_like_counting(values: Sequence[float]) -> bool:
    return all(abs(v - n) < 1e-6 for n, v in enumerate(values, start=1)) or len(set(values)) == 1
