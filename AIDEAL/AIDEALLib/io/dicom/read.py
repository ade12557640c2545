"""DICOM: classic and enhanced MR of any vendor, magnitude and phase or real and imaginary, in one or several series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...advice import advise
from ...choices import PhaseUnit, Readout
from ...echoes import EchoSeries
from ...errors import InputError
from ...options import Overrides
from ..contradictions import refuse_other_frequency
from ..naming import Part
from ..phase_units import checked_unit, range_of_each, refuse_mixed_units
from ..signal_parts import from_magnitude_and_phase, from_real_and_imaginary, refuse_negative_magnitudes
from .elements import text
from .files import DICOMDIR, dicom_files, has_dicom_magic, is_mr_image, read_header, read_pixels
from .frames import Frame, TiledImage, frames_of
from .groups import ANY_SCAN, choose_scan
from .origin import ScanChoice
from .phase import phase_unit_of
from .stack import Stack, build_stack, refuse_other_order

SAME_FIELD = 1.02
"""Largest ratio of field strengths that count as one."""
LARGEST_TESLA, GAUSS_PER_TESLA = 1000, 10_000
"""Larger field strengths are in gauss, as some headers state them."""
MOST_PROBED = 10_000
"""Files of a folder that are probed for DICOM."""
_EXPECTED = "magnitude and phase images of a multi-echo scan were expected. Name the folder of the scan."
_CLASS_NAMES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT images",
    "1.2.840.10008.5.1.4.1.1.4.2": "MR spectroscopy",
    "1.2.840.10008.5.1.4.1.1.4.3": "enhanced MR colour images",
    "1.2.840.10008.5.1.4.1.1.7": "secondary captures",
    "1.2.840.10008.5.1.4.1.1.66.4": "segmentations",
    "1.2.840.10008.5.1.4.1.1.88.22": "structured reports",
    "1.2.840.10008.5.1.4.1.1.128": "PET images",
    "1.2.840.10008.5.1.4.1.1.481.1": "RT images",
    "1.2.840.10008.5.1.4.1.1.481.2": "RT doses",
    "1.2.840.10008.5.1.4.1.1.481.5": "RT plans",
    DICOMDIR: "a DICOMDIR",
}


def is_dicom(paths: Sequence[Path]) -> bool:
    """True where the first file named, or any file in the first folder named, is DICOM."""
    first = paths[0]
    if first.is_dir():
        return any(has_dicom_magic(p) for p in sorted(first.rglob("*"))[:MOST_PROBED] if p.is_file())
    return has_dicom_magic(first)


def read_dicom(paths: Sequence[Path], overrides: Overrides) -> EchoSeries:
    """Read the multi-echo scan among DICOM files, or in folders of them.

    Echoes are found by echo time and image type; series, instance numbers and file names play no part. Nothing that names the
    patient is kept.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    overrides : Overrides
        Values that override those of the headers.

    Returns
    -------
    EchoSeries
        The scan; its `notes` state each assumption with the evidence for it.

    Raises
    ------
    InputError
        There is no multi-echo MR scan, or more than one, or images of it are missing, repeated or damaged.
    """
    chosen, stack, notes = scan_stack(paths, ScanChoice(overrides.study, overrides.series))
    times = _times(stack, overrides.te_s)
    strengths = {f.field_t for f in chosen if f.field_t}
    strength = overrides.field_strength_t
    if strength is None:
        strength = _field_strength(strengths)
        refuse_other_frequency(strength, [f.imaging_mhz for f in chosen])
    refuse_other_order(stack)
    echoes, how = _complex(stack, overrides.phase_unit)
    first = chosen[0]
    parts = " + ".join(part.value for part in stack.parts)
    return EchoSeries(
        echoes=echoes,
        te_s=times,
        field_strength_t=strength,
        geometry=stack.geometry,
        readout=overrides.readout or Readout.UNKNOWN,
        source=f"DICOM, {first.vendor.value}, {parts}, {len(chosen)} images",
        flip_angle_deg=first.flip_angle_deg,
        repetition_time_s=first.repetition_time_s,
        contrast_agent=first.contrast_agent,
        notes=(*notes, *stack.notes, *how),
        echo_numbers=stack.echo_numbers,
        other_sequence=first.other_sequence,
    )


def scan_stack(paths: Sequence[Path], choice: ScanChoice = ANY_SCAN) -> tuple[list[Frame], Stack, list[str]]:
    """Find the multi-echo scan among DICOM files.

    Parameters
    ----------
    paths : sequence of Path
        Files and folders.
    choice : ScanChoice
        Study and series that the user names.

    Returns
    -------
    planes : list of Frame
        Planes of the scan.
    stack : Stack
        The same in order.
    notes : list of str
        What was left out.

    Raises
    ------
    InputError
        As `read_dicom`.
    """
    frames, tiled = _all_frames(dicom_files(paths))
    try:
        chosen, notes = choose_scan(frames, choice)
        stack = build_stack(chosen)
    except InputError:
        if tiled:  # they are of this scan, not of another one beside it
            raise tiled[0] from None
        raise
    if tiled:
        notes.append(f"{len(tiled)} image(s) that tile several slices were left out.")
    return chosen, stack, notes


def _all_frames(files: Sequence[Path]) -> tuple[list[Frame], list[TiledImage]]:
    """Planes of all files, and what is wrong with those that hold none."""
    if not files:
        raise InputError(f"No DICOM file was found; {_EXPECTED}")
    frames: list[Frame] = []
    others: dict[str, int] = {}
    tiled: list[TiledImage] = []
    for path in files:
        header = read_header(path)
        if is_mr_image(header):
            try:
                frames.extend(frames_of(path, header))
            except TiledImage as error:
                tiled.append(error)
        else:
            uid = text(header, "SOPClassUID")
            name = _CLASS_NAMES.get(uid, f"objects of class {uid[:64]}" if uid else "files without SOP Class UID")
            others[name] = others.get(name, 0) + 1
    if not frames and not tiled:
        listed = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
        raise InputError(f"Found {listed}, no MR image; {_EXPECTED}")
    return frames, tiled


def _times(stack: Stack, te_s: Sequence[float] | None) -> npt.NDArray[np.float64]:
    if te_s is not None:
        return np.asarray(te_s, dtype=np.float64)
    if stack.te_ms is None:
        n = len(stack.frames[stack.parts[0]])
        raise InputError(
            f"The headers do not state the echo times of the {n} echoes ({' '.join(stack.notes) or 'no Echo Time'}).",
            advise("Give them ({}); the scanner's protocol lists them.", "te_s"),
        )
    return np.round(np.asarray(stack.te_ms, dtype=np.float64) * 1e-3, 9)


def _field_strength(strengths: set[float]) -> float:
    if not strengths:
        raise InputError("No header states Magnetic Field Strength (0018,0087).", advise("Give it ({}).", "field_strength_t"))
    if max(strengths) > SAME_FIELD * min(strengths):
        listed = ", ".join(f"{s:g}" for s in sorted(strengths))
        raise InputError(
            f"The headers state several field strengths ({listed} T); one was expected.",
            advise("Give the right one ({}).", "field_strength_t"),
        )
    strength = float(np.median(sorted(strengths)))
    return strength / GAUSS_PER_TESLA if strength > LARGEST_TESLA else strength


def _complex(stack: Stack, phase_unit: PhaseUnit | None) -> tuple[npt.NDArray[np.complex64], list[str]]:
    a, *rest = stack.parts
    first = _read(stack, a, precise=True)
    notes = []
    scales = {
        f.scaling.magnitude() for part in stack.parts if part is not Part.PHASE for row in stack.frames[part] for f in row
    }
    if len(scales) > 1:
        notes.append(f"The {a.value} images have {len(scales)} different scales; these were undone as the headers state.")
    if a is Part.MAGNITUDE:
        refuse_negative_magnitudes(first, "Their header or pixel type may be damaged; export them again.")
    if not rest:
        notes.append("Magnitude images only: the phase is missing.")
        return first.astype(np.complex64), notes
    b = rest[0]
    second = _read(stack, b, precise=b is not Part.PHASE)
    if a is Part.REAL:
        return from_real_and_imaginary(first, second), notes
    refuse_mixed_units(range_of_each(second))
    some = stack.frames[b][0][0]
    if phase_unit is None:
        phase_unit, evidence = phase_unit_of(some.vendor, some.scaling, second)
        notes.append(f"Phase was taken to be in {phase_unit.value}: {evidence}.")
    else:
        checked_unit(second, phase_unit)
        notes.append(f"Phase was taken to be in {phase_unit.value}, as requested.")
    return from_magnitude_and_phase(first, second, phase_unit), notes


def _read(stack: Stack, part: Part, precise: bool) -> npt.NDArray[np.float32]:
    """Values (echo, slice, row, column) of a part: comparable signal where `precise`, else as displayed (phase)."""
    rows = stack.frames[part]
    values = np.empty((len(rows), len(rows[0]), *rows[0][0].size), dtype=np.float32)
    wanted: dict[Path, list[tuple[int, int, Frame]]] = {}
    for e, row in enumerate(rows):
        for s, frame in enumerate(row):
            wanted.setdefault(frame.path, []).append((e, s, frame))
    for path, places in wanted.items():
        pixels = read_pixels(path)
        for e, s, frame in places:
            if frame.index >= len(pixels) or pixels.shape[1:] != frame.size:
                raise InputError(
                    f"{path.name} holds {len(pixels)} frame(s) of {pixels.shape[1:]} pixels; {frame.index + 1} or more of "
                    f"{frame.size}, as in its header, were expected. Export it again."
                )
            slope, intercept = frame.scaling.magnitude() if precise else (frame.scaling.slope, frame.scaling.intercept)
            with np.errstate(all="ignore"):
                values[e, s] = pixels[frame.index].astype(np.float64) * slope + intercept
    if not np.all(np.isfinite(values)):
        raise InputError(
            f"The {part.value} images have values that are not finite after rescaling; their headers are damaged. "
            "Export them again."
        )
    return values
