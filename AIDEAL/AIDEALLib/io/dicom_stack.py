"""From loose DICOM planes to one stack of slices an echo: which belong together, what is missing, what is there twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..echoes import MIN_ECHOES, Geometry
from ..errors import InputError
from .dicom_dialects import Vendor
from .dicom_frames import MILLIMETRE, Frame
from .naming import Part

SAME_TE_MS = 0.005
_PAIRS = ((Part.REAL, Part.IMAGINARY), (Part.MAGNITUDE, Part.PHASE))


@dataclass(frozen=True)
class Stack:
    """Planes in order.

    Attributes
    ----------
    parts : the two parts (or magnitude alone); frames : planes by part, then echo, then slice.
    te_ms : echo times, None where the headers do not give them.
    """

    parts: tuple[Part, ...]
    frames: dict[Part, list[list[Frame]]]
    te_ms: tuple[float, ...] | None
    geometry: Geometry
    notes: tuple[str, ...]


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
    planes: dict[tuple[object, ...], list[Frame]] = defaultdict(list)
    for frame in frames:
        if frame.part is not None:
            planes[_nearest(planes, frame)].append(frame)
    if not planes:
        raise InputError(
            f"All {derived} MR image(s) are maps or reformats made by the scanner; the echoes themselves were expected. "
            "Export the original magnitude and phase (or real and imaginary) images."
        )
    candidates = [group for group in planes.values() if _n_echoes(group) >= MIN_ECHOES]
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
    everything = [frame for group in planes.values() for frame in group]
    if len(planes) > 1 and _n_echoes(everything) >= MIN_ECHOES:
        listed = "; ".join(_describe(group) for group in planes.values())
        raise InputError(
            f"The images lie in {len(planes)} different planes or matrices ({listed}); all echoes on one grid were expected. "
            "Name the files of one scan, exported alike."
        )
    times = ", ".join(f"{t:g}" for t in _times(everything)) or "none"
    raise InputError(
        f"Found {_n_echoes(everything)} echo(es) (echo times {times} ms); a multi-echo scan with at least {MIN_ECHOES} was "
        "expected. Load all echoes; in-phase and opposed-phase images alone are not enough."
    )


def build_stack(frames: Sequence[Frame]) -> Stack:
    """Sort planes by part, echo and slice, and see that none is missing or there twice.

    Raises
    ------
    InputError
        Images are missing, duplicated, unevenly spaced, or only one part of the complex signal other than magnitude is there.
    """
    frames, notes = settle_echo_times(_refuse_same_instance(frames))
    echoes = _echo_keys(frames)
    keys = sorted(set(echoes))
    part_of = {frame.part for frame in frames}
    parts = _choose_parts(part_of)
    if Part.MAGNITUDE in parts and Part.UNMARKED in part_of and Part.MAGNITUDE not in part_of:
        frames = [replace(f, part=Part.MAGNITUDE) if f.part is Part.UNMARKED else f for f in frames]
        notes.append("Images that the header does not mark as magnitude or phase were taken as magnitude.")
    used = [(frame, echo) for frame, echo in zip(frames, echoes, strict=True) if frame.part in parts]
    depths = _merge((frame.depth_mm for frame, _ in used), MILLIMETRE)
    cells: dict[tuple[Part, float, int], Frame] = {}
    for frame, echo in used:
        assert frame.part is not None
        cell = (frame.part, echo, int(np.argmin([abs(frame.depth_mm - d) for d in depths])))
        if cell in cells:
            _refuse_twice(cells[cell], frame, echo)
        cells[cell] = frame
    by_part = {part: [[cells.get((part, key, s)) for s in range(len(depths))] for key in keys] for part in parts}
    _refuse_missing(by_part, keys, depths)
    complete = {part: [[f for f in row if f is not None] for row in rows] for part, rows in by_part.items()}
    times = None if any(f.te_ms is None for f, _ in used) else tuple(keys)
    return Stack(parts, complete, times, _geometry(complete[parts[0]][0], depths), tuple(notes))


def settle_echo_times(frames: Sequence[Frame]) -> tuple[list[Frame], list[str]]:
    """Undo GE's habit of repeating the first echo time in every header, where other elements allow it.

    Where they only tell the order of the echoes, the times are taken away (`te_ms` None, `echo_number` set) and must be given.
    """
    frames = list(frames)
    if any(f.vendor is not Vendor.GE for f in frames) or len({f.te_ms for f in frames}) != 1:
        return frames, []
    repeats = max(_count((f.part, round(f.depth_mm, 2)) for f in frames).values())
    if repeats < MIN_ECHOES:
        return frames, []
    first = frames[0].te_ms
    said = f"GE: all headers repeat one echo time ({first:g} ms)" if first is not None else "GE: headers give no echo time"
    private = {f.private_te for f in frames}
    times = sorted(t for t in private if t is not None)
    if None not in private and len(times) == repeats and times[0] > 0 and not _looks_like_counting(times):
        scale = 1000.0 if times[-1] > 200 else 1.0
        listed = ", ".join(f"{t / scale:g}" for t in times)
        note = f"{said}; private (0019,10A9) varies as echo times do, {listed} ms, and was used."
        return [replace(f, te_ms=(f.private_te or 0.0) / scale) for f in frames], [note]
    for name, attribute in (("Echo Number (0018,0086)", "echo_number"), ("raw data run number (0019,10A2)", "run_number")):
        values = sorted({getattr(f, attribute) for f in frames if getattr(f, attribute) is not None})
        if len(values) != repeats:
            continue
        order = {v: n for n, v in enumerate(values)}
        second = {f.second_te_ms for f in frames}
        if first is not None and len(second) == 1 and (step := (next(iter(second)) or 0.0) - first) > 0:
            note = (
                f"{said}; taken as {first:g} ms + n {step:g} ms from the private second echo time (0019,107D) and the {name}. "
                "Give the times (--te) if that is not so."
            )
            return [replace(f, te_ms=first + order[getattr(f, attribute)] * step) for f in frames], [note]
        note = f"{said}; echoes were ordered by {name}."
        return [replace(f, te_ms=None, echo_number=order[getattr(f, attribute)] + 1) for f in frames], [note]
    raise InputError(
        f"{said} for {repeats} images of each slice, and neither Echo Number nor private elements tell them apart. "
        "Export the scan again with its private elements, or convert it to NIfTI with one file per echo."
    )


def _looks_like_counting(values: Sequence[float]) -> bool:
    return all(abs(v - n) < 1e-6 for n, v in enumerate(values, start=1)) or len(set(values)) == 1


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


def _n_echoes(frames: Sequence[Frame]) -> int:
    times = len(_times(frames))
    if all(f.vendor is Vendor.GE for f in frames) and times <= 1:
        return max(_count((f.part, round(f.depth_mm, 2)) for f in frames).values())
    if times == 0:
        return len({f.echo_number for f in frames if f.echo_number is not None})
    return times


def _times(frames: Sequence[Frame]) -> list[float]:
    return _merge((f.te_ms for f in frames if f.te_ms is not None), SAME_TE_MS)


def _merge(values: Iterable[float], tolerance: float) -> list[float]:
    """Sorted values, those closer than the tolerance to the one before merged with it."""
    merged: list[float] = []
    for v in sorted(values):
        if not merged or v - merged[-1] > tolerance:
            merged.append(v)
    return merged


def _count(keys: Iterable[object]) -> dict[object, int]:
    counts: dict[object, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return counts


def _describe(group: Sequence[Frame]) -> str:
    series = ", ".join(sorted({f.series for f in group})[:4])
    rows, columns = group[0].size
    return f"series {series}: {len(group)} images of {rows} x {columns}, {_n_echoes(group)} echo(es)"


def _echo_keys(frames: Sequence[Frame]) -> list[float]:
    """Echo time of each frame in ms (merged where they differ by rounding), or its echo number where there are no times."""
    if all(f.te_ms is not None for f in frames):
        times = _times(frames)
        return [min(times, key=lambda t: abs(t - (f.te_ms or 0.0))) for f in frames]
    if all(f.echo_number is not None for f in frames):
        return [float(f.echo_number or 0) for f in frames]
    without = sum(f.te_ms is None for f in frames)
    raise InputError(
        f"{without} of {len(frames)} images give no Echo Time (0018,0081), and not all an Echo Number; one of them in every "
        "header was expected. Export the scan again."
    )


def _refuse_same_instance(frames: Sequence[Frame]) -> list[Frame]:
    seen: dict[tuple[str, int], Frame] = {}
    for frame in frames:
        key = (frame.instance_uid, frame.index)
        if frame.instance_uid and key in seen and seen[key].path != frame.path:
            raise InputError(
                f"{seen[key].path.name} and {frame.path.name} are the same image (one SOP Instance UID); each was expected "
                "once. Remove the copies."
            )
        seen[key] = frame
    return list(frames)


def _refuse_twice(a: Frame, b: Frame, echo: float) -> None:
    part = a.part.value if a.part else ""
    raise InputError(
        f"{a.path.name} (series {a.series}) and {b.path.name} (series {b.series}) are both the {part} image of echo {echo:g} "
        f"at {a.depth_mm:.2f} mm; one was expected. Repeated scans, dynamics or coils: name the files of one of them."
    )


def _choose_parts(there: set[Part | None]) -> tuple[Part, ...]:
    for pair in _PAIRS:
        if set(pair) <= there:
            return pair
    if Part.PHASE in there and Part.UNMARKED in there:
        return (Part.MAGNITUDE, Part.PHASE)
    if there <= {Part.MAGNITUDE, Part.UNMARKED}:
        return (Part.MAGNITUDE,)
    listed = " and ".join(sorted(p.value for p in there if p is not None))
    raise InputError(
        f"Found {listed} images only; magnitude and phase, or real and imaginary were expected. Export the others as well."
    )


def _refuse_missing(by_part: dict[Part, list[list[Frame | None]]], keys: Sequence[float], depths: Sequence[float]) -> None:
    gaps = []
    for part, rows in by_part.items():
        for number, (key, row) in enumerate(zip(keys, rows, strict=True), start=1):
            missing = [s + 1 for s, frame in enumerate(row) if frame is None]
            if len(missing) == len(row):
                gaps.append(f"no {part.value} image of echo {number} ({key:g})")
            elif missing:
                listed = ", ".join(map(str, missing[:8])) + (", ..." if len(missing) > 8 else "")
                gaps.append(f"the {part.value} images of echo {number} ({key:g}) lack slice(s) {listed} of {len(depths)}")
    if gaps:
        more = f", and {len(gaps) - 4} more" if len(gaps) > 4 else ""
        raise InputError(
            f"Images are missing: {'; '.join(gaps[:4])}{more}. Every slice of every echo was expected. "
            "Export the scan again in full; where two scans lie in one folder, name the files of one."
        )


def _geometry(frames: Sequence[Frame], depths: Sequence[float]) -> Geometry:
    first = frames[0]
    normal = first.normal
    origin = np.asarray(first.position_mm)
    for frame in frames:
        drift = np.asarray(frame.position_mm) - origin
        lateral = float(np.linalg.norm(drift - normal * (drift @ normal)))
        if lateral > 0.1 + 0.01 * abs(float(drift @ normal)):
            raise InputError(
                f"{frame.path.name} lies {lateral:.1f} mm to the side of {first.path.name}; slices straight above each other "
                "were expected. Is it of another scan?"
            )
    steps = np.diff(depths)
    if steps.size:
        usual = float(np.sort(steps)[(steps.size - 1) // 2])
        odd = np.flatnonzero(np.abs(steps - usual) > max(0.02 * usual, 2 * MILLIMETRE))
        if odd.size:
            n = int(odd[0])
            raise InputError(
                f"Slices {n + 1} and {n + 2} are {steps[n]:.2f} mm apart, the others {usual:.2f} mm; even spacing was "
                "expected. A slice is missing from every echo, or two scans are mixed."
            )
        spacing = float((depths[-1] - depths[0]) / steps.size)
    else:
        spacing = first.thickness_mm or 1.0
    matrix = np.column_stack([first.orientation[:3], first.orientation[3:], normal])
    return Geometry(
        spacing_mm=(first.pixel_mm[1], first.pixel_mm[0], spacing),
        origin_mm=first.position_mm,
        direction=tuple(float(v) for v in matrix.ravel()),
    )
