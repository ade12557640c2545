"""Order the DICOM planes of a scan into one stack of slices an echo, and refuse missing and repeated ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...advice import advise
from ...echoes import Geometry
from ...errors import InputError
from ..naming import Part
from .echo_times import correct_echo_times, echo_keys, merge
from .frames import MILLIMETRE, Frame
from .repeats import PAIRS

SAME_SPACING = 0.02
"""Share of the usual distance of slices by which one may differ."""
LATERAL_MM, LATERAL_SHARE = 0.1, 0.01
"""How far a slice may lie beside the normal through the first one: fixed, and as a share of its distance."""


@dataclass(frozen=True)
class Stack:
    """Planes in order.

    Attributes
    ----------
    parts : tuple of Part
        The two parts, or magnitude alone.
    frames : dict of Part to list of list of Frame
        Planes by part, then echo, then slice.
    te_ms : tuple of float or None
        Echo times, None where the headers do not state them.
    geometry : Geometry
        Grid of the planes.
    notes : tuple of str
        What was assumed, for provenance.
    """

    parts: tuple[Part, ...]
    frames: dict[Part, list[list[Frame]]]
    te_ms: tuple[float, ...] | None
    geometry: Geometry
    notes: tuple[str, ...]

    @property
    def echo_numbers(self) -> tuple[int, ...]:
        """Numbers of the echoes, rising; () where the headers of the first part state none, or one for several echoes."""
        stated = [rows[0].echo_number for rows in self.frames[self.parts[0]]]
        numbers = [number for number in stated if number is not None]
        return tuple(numbers) if len(numbers) == len(stated) and numbers == sorted(set(numbers)) else ()


def build_stack(frames: Sequence[Frame]) -> Stack:
    """Order planes by part, echo and slice.

    Parameters
    ----------
    frames : sequence of Frame
        Planes of one scan.

    Returns
    -------
    Stack
        Planes in order, each exactly once.

    Raises
    ------
    InputError
        Planes are missing, repeated or unevenly spaced, or one part of the complex signal other than magnitude is alone.
    """
    _refuse_same_instance(frames)
    frames, notes = correct_echo_times(frames)
    echoes = echo_keys(frames)
    keys = sorted(set(echoes))
    part_of = {frame.part for frame in frames}
    _refuse_unmarked_pairs(frames, echoes)
    parts = _choose_parts(part_of)
    if Part.MAGNITUDE in parts and Part.UNMARKED in part_of and Part.MAGNITUDE not in part_of:
        frames = [replace(f, part=Part.MAGNITUDE) if f.part is Part.UNMARKED else f for f in frames]
        notes.append("Images that the header does not mark as magnitude or phase were taken as magnitude.")
    used = [(frame, echo) for frame, echo in zip(frames, echoes, strict=True) if frame.part in parts]
    depths = merge((frame.depth_mm for frame, _ in used), MILLIMETRE)
    cells: dict[tuple[Part, float, int], Frame] = {}
    for frame, echo in used:
        assert frame.part is not None
        cell = (frame.part, echo, int(np.argmin([abs(frame.depth_mm - d) for d in depths])))
        if cell in cells:
            _refuse_repeated(cells[cell], frame, echo)
        cells[cell] = frame
    by_part = {part: [[cells.get((part, key, s)) for s in range(len(depths))] for key in keys] for part in parts}
    _refuse_missing(by_part, keys, depths)
    complete = {part: [[f for f in row if f is not None] for row in rows] for part, rows in by_part.items()}
    times = None if any(f.te_ms is None for f, _ in used) else tuple(keys)
    return Stack(parts, complete, times, _geometry(complete[parts[0]][0], depths), tuple(notes))


def refuse_other_order(stack: Stack) -> None:
    """Refuse a scan whose echo numbers and echo times are in different orders.

    Parameters
    ----------
    stack : Stack
        The scan, its echoes in the order of the echo times.

    Raises
    ------
    InputError
        The orders contradict each other.
    """
    if stack.te_ms is None:
        return
    for part, rows in stack.frames.items():
        numbers = [frame.echo_number for frame in (row[0] for row in rows)]
        known = [number for number in numbers if number is not None]
        if len(known) == len(numbers) == len(set(known)) and known != sorted(known):
            times = ", ".join(f"{te:g}" for te in stack.te_ms)
            raise InputError(
                f"Echo numbers and echo times of the {part.value} images contradict each other: in the order of the times "
                f"({times} ms) the numbers are {', '.join(map(str, known))}. One of them is wrong: export the scan again."
            )


def _refuse_same_instance(frames: Sequence[Frame]) -> None:
    seen: dict[tuple[str, int], Frame] = {}
    for frame in frames:
        key = (frame.instance_uid, frame.index)
        if frame.instance_uid and key in seen and seen[key].path != frame.path:
            raise InputError(
                f"{seen[key].place} and {frame.place} are the same image (one SOP Instance UID); each was expected "
                "once. Remove the copies."
            )
        seen[key] = frame


def _refuse_unmarked_pairs(frames: Sequence[Frame], echoes: Sequence[float]) -> None:
    """Refuse images that may be magnitude and phase, or real and imaginary, where no header states which."""
    if {frame.part for frame in frames} != {Part.UNMARKED}:
        return
    seen: dict[tuple[float, int], Frame] = {}
    for frame, echo in zip(frames, echoes, strict=True):
        key = echo, round(frame.depth_mm / MILLIMETRE)
        if key in seen and seen[key].echo_number == frame.echo_number:
            raise InputError(
                f"{seen[key].place} and {frame.place} are of the same echo ({echo:g}) and slice, and no header states whether "
                "an image is magnitude or phase, real or imaginary (Image Type, Complex Image Component). Export the scan with "
                "these elements, or convert it to NIfTI and name the files by their part (mag, phase, real, imag)."
            )
        seen[key] = frame


def _refuse_repeated(a: Frame, b: Frame, echo: float) -> None:
    part = a.part.value if a.part else ""
    if a.echo_number is not None and b.echo_number is not None and a.echo_number != b.echo_number:
        raise InputError(
            f"Echo numbers {a.echo_number} and {b.echo_number} share echo time {echo:g} ms ({a.place} and {b.place}); each "
            "echo was expected to have its own. The echo times of the headers are wrong: export the scan again."
        )
    raise InputError(
        f"{a.place} and {b.place} are both the {part} image of echo {echo:g} at {a.depth_mm:.2f} mm; one was expected. Of "
        "repeated scans, dynamics or coils, name the files of one."
    )


def _choose_parts(found: set[Part | None]) -> tuple[Part, ...]:
    for pair in reversed(PAIRS):  # real and imaginary first: these need no unit of phase
        if set(pair) <= found:
            return pair
    if Part.PHASE in found and Part.UNMARKED in found:
        return (Part.MAGNITUDE, Part.PHASE)
    if found <= {Part.MAGNITUDE, Part.UNMARKED}:
        return (Part.MAGNITUDE,)
    listed = " and ".join(sorted(p.value for p in found if p is not None))
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
            f"Images are missing: {'; '.join(gaps[:4])}{more}. Every slice of every echo was expected.",
            advise(
                "Export the scan again in full; where two scans lie in one folder, choose one ({}) or name its files.", "series"
            ),
        )


def _geometry(frames: Sequence[Frame], depths: Sequence[float]) -> Geometry:
    first = frames[0]
    normal = first.normal
    origin = np.asarray(first.position_mm)
    for frame in frames:
        drift = np.asarray(frame.position_mm) - origin
        lateral = float(np.linalg.norm(drift - normal * (drift @ normal)))
        if lateral > LATERAL_MM + LATERAL_SHARE * abs(float(drift @ normal)):
            raise InputError(
                f"{frame.place} lies {lateral:.1f} mm to the side of {first.place}; slices along one normal "
                "were expected. If it belongs to another scan, leave it out."
            )
    steps = np.diff(depths)
    if steps.size:
        usual = float(np.sort(steps)[(steps.size - 1) // 2])
        odd = np.flatnonzero(np.abs(steps - usual) > max(SAME_SPACING * usual, 2 * MILLIMETRE))
        if odd.size:
            n = int(odd[0])
            raise InputError(
                f"Slices {n + 1} and {n + 2} are {steps[n]:.2f} mm apart, the others {usual:.2f} mm; even spacing was "
                "expected. A slice is missing from every echo, or two scans are mixed. Export it again, or name its files."
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
