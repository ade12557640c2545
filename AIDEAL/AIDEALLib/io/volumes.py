"""NRRD and NIfTI series: one file per echo or 4-D; complex, magnitude and phase, real and imaginary, or magnitude alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..advice import advise
from ..choices import PhaseUnit, Readout
from ..echoes import EchoSeries, Geometry
from ..errors import InputError
from ..options import Overrides
from .contradictions import refuse_different, refuse_other_frequency, refuse_other_order, refuse_other_unit
from .identity import refuse_other_acquisition, refuse_other_origin
from .image_header import Excitation, echo_times_s, excitation, field_strength_t, read_sidecar
from .images import Image, is_complex_image, read_image, same_geometry
from .naming import NamedImage, Part, choose_series, is_image, parse_name
from .phase_units import checked_unit, detect_phase_unit, range_of_each, refuse_mixed_units
from .signal_parts import from_magnitude_and_phase, from_real_and_imaginary, refuse_negative_magnitudes


@dataclass(frozen=True, eq=False)
class _Stack:
    """Volumes of one part in echo order, with what their files state of protocol and place.

    Attributes
    ----------
    volumes : np.ndarray, shape (echo, slice, row, column)
        Values as stored.
    te_s : tuple of float or None
        Echo times, None where they are not given for every volume.
    echo_numbers : tuple of int or None
        Echo numbers in the file names or sidecars, None where a file has none.
    field_t : float or None
        Field strength.
    geometry : Geometry
        Grid of the volumes.
    excitation : Excitation
        Flip angle, repetition time and contrast agent, as the first file states them.
    """

    volumes: npt.NDArray[Any]
    te_s: tuple[float, ...] | None
    echo_numbers: tuple[int, ...] | None
    field_t: float | None
    geometry: Geometry
    excitation: Excitation


def read_volumes(paths: Sequence[Path], overrides: Overrides) -> EchoSeries:
    """Read a series from a folder, from one of its files, or from all of them.

    Echoes are ordered by echo time, or, where the files give none, by echo number or name.

    Parameters
    ----------
    paths : sequence of Path
        A folder, one file of the series, or all of its files.
    overrides : Overrides
        Values that override those of sidecars and headers.

    Returns
    -------
    EchoSeries
        The scan.

    Raises
    ------
    InputError
        Parts or echoes are missing, grids or echo times differ, the unit of phase is unclear, or protocol data are absent.
    """
    where = paths[0].name if len(paths) == 1 else f"the {len(paths)} files given"
    parts = _find(paths, where)
    stacks = {part: _read_stack(files, overrides) for part, files in parts.items()}
    first, *others = stacks.values()
    for other in others:
        _check_match(first, other, tuple(part.value for part in stacks))
    sidecars = [[read_sidecar(file.path) for file in files] for files in parts.values()]
    refuse_other_origin([sidecar for part in sidecars for sidecar in part])
    for part in sidecars[1:]:
        refuse_other_acquisition(sidecars[0], part)
    times = overrides.te_s if overrides.te_s is not None else next((s.te_s for s in stacks.values() if s.te_s), None)
    if times is None:
        raise InputError(
            f"No echo times were found for {where}; EchoTime in a JSON sidecar, or te_s in the NRRD header, was expected.",
            advise("Give them ({}).", "te_s"),
        )
    strength = overrides.field_strength_t
    if strength is None:
        strength = next((s.field_t for s in stacks.values() if s.field_t is not None), None)
    if strength is None:
        raise InputError(
            f"No field strength was found for {where}; MagneticFieldStrength in a JSON sidecar, or field_strength_t in the "
            "NRRD header, was expected.",
            advise("Give it ({}).", "field_strength_t"),
        )
    return EchoSeries(
        echoes=_complex(stacks, overrides.phase_unit),
        te_s=np.asarray(times, dtype=np.float64),
        field_strength_t=strength,
        geometry=first.geometry,
        readout=overrides.readout or Readout.UNKNOWN,
        source=where,
        flip_angle_deg=first.excitation.flip_angle_deg,
        repetition_time_s=first.excitation.repetition_time_s,
        contrast_agent=first.excitation.contrast_agent,
        other_sequence=first.excitation.other_sequence,
        echo_numbers=next((s.echo_numbers for s in stacks.values() if s.echo_numbers and _rise(s.echo_numbers)), ()),
    )


def _find(paths: Sequence[Path], where: str) -> dict[Part, list[NamedImage]]:
    if len(paths) == 1 and paths[0].is_dir():
        images = [parse_name(p) for p in sorted(paths[0].iterdir()) if p.is_file() and is_image(p)]
    else:
        images = [parse_name(p) for p in paths]
    if complex_images := [image for image in images if is_complex_image(image.path)]:
        series = {image.series for image in complex_images}
        if len(series) > 1:
            raise InputError(
                f"{where} holds {len(series)} series of complex images ({', '.join(sorted(series))}); one was expected. "
                "Name the files of one."
            )
        return {Part.UNMARKED: complex_images}
    if len(images) == 1:
        # one file of a series represents all of it
        chosen = images[0]
        siblings = [parse_name(p) for p in sorted(chosen.path.parent.iterdir()) if p.is_file() and is_image(p)]
        images = [image for image in siblings if image.series == chosen.series]
    return choose_series(images, where)


def _read_stack(files: Sequence[NamedImage], overrides: Overrides) -> _Stack:
    ordered = sorted(files, key=lambda f: (f.echo is None, f.echo or 0, f.natural_order))
    images = [read_image(file.path) for file in ordered]
    for file, image in zip(ordered[1:], images[1:], strict=True):
        if image.array.shape[1:] != images[0].array.shape[1:] or not same_geometry(image.geometry, images[0].geometry):
            raise InputError(
                f"{file.path.name} lies on another grid than {ordered[0].path.name} (size, spacing, origin or direction); all "
                "echoes must share one. Export them alike, or resample them."
            )
    own_times = overrides.te_s is None
    times: list[float] = []
    for file, image in zip(ordered, images, strict=True):
        found = echo_times_s(file.path, image.header) or ()
        if own_times and found and len(found) != len(image.array):
            raise InputError(
                f"{file.path.name} has {len(image.array)} volume(s) but {len(found)} echo time(s); one each was expected.",
                advise("Correct its sidecar or header, or give the times ({}).", "te_s"),
            )
        times.extend(found)
    volumes = np.concatenate([image.array for image in images])
    numbers = _echo_numbers(ordered, len(volumes))
    te_s = tuple(times) if len(times) == len(volumes) else None
    if te_s is not None and np.any(np.diff(te_s) < 0):
        order = np.argsort(te_s, kind="stable")
        volumes, te_s = volumes[order], tuple(te_s[i] for i in order)
        numbers = [numbers[i] for i in order] if numbers else None
    strengths = [field_strength_t(file.path, image.header) for file, image in zip(ordered, images, strict=True)]
    _compare(ordered, images, times if own_times and len(times) == len(ordered) else None, overrides)
    return _Stack(
        volumes=volumes,
        te_s=te_s,
        echo_numbers=tuple(numbers) if numbers else None,
        field_t=next((s for s in strengths if s is not None), None),
        geometry=images[0].geometry,
        excitation=excitation(ordered[0].path, images[0].header),
    )


def _compare(files: Sequence[NamedImage], images: Sequence[Image], times: Sequence[float] | None, overrides: Overrides) -> None:
    """Compare what names, sidecars and headers of the files of a part state of a quantity that nothing overrides."""
    sidecars = [read_sidecar(file.path) for file in files]
    excitations = [excitation(file.path, image.header) for file, image in zip(files, images, strict=True)]
    strengths = [field_strength_t(file.path, image.header) for file, image in zip(files, images, strict=True)]
    if overrides.flip_angle_deg is None:
        refuse_different("flip angle", [e.flip_angle_deg for e in excitations], "flip_angle_deg")
    if overrides.repetition_time_s is None:
        refuse_different("repetition time", [e.repetition_time_s for e in excitations], "repetition_time_s")
    if overrides.field_strength_t is None:
        refuse_different("field strength", strengths, "field_strength_t")
        frequencies = [sidecar.get("ImagingFrequency") for sidecar in sidecars]
        for strength in [strength for strength in strengths if strength is not None][:1]:
            refuse_other_frequency(strength, [float(f) for f in frequencies if isinstance(f, int | float)])
    for numbers in ([file.echo for file in files], [_stated_number(file) for file in files]):
        refuse_other_order(numbers, times)
    for file, image, sidecar in zip(files, images, sidecars, strict=True):
        if file.part is Part.PHASE and overrides.phase_unit is None:
            refuse_other_unit(sidecar, image.array, file.path.name)


def _echo_numbers(files: Sequence[NamedImage], volumes: int) -> list[int] | None:
    """Numbers of the sidecars, which come from the scanner, else those of the names, which an export may count anew."""
    for stated in ([_stated_number(file) for file in files], [file.echo for file in files]):
        known = [number for number in stated if number is not None]
        if len(known) == volumes == len(set(known)):
            return known
    return None


def _rise(numbers: Sequence[int]) -> bool:
    return all(b > a for a, b in pairwise(numbers))


def _stated_number(file: NamedImage) -> int | None:
    number = read_sidecar(file.path).get("EchoNumber")
    return number if isinstance(number, int) else None


def _check_match(a: _Stack, b: _Stack, names: tuple[str, ...]) -> None:
    both = " and ".join(names)
    if len(a.volumes) != len(b.volumes):
        raise InputError(
            f"Found {len(a.volumes)} {names[0]} and {len(b.volumes)} {names[1]} images; as many of each were expected. "
            "Load every echo of both."
        )
    if a.volumes.shape != b.volumes.shape or not same_geometry(a.geometry, b.geometry):
        raise InputError(f"The {both} images lie on different grids; the same one was expected. Export them alike.")
    if a.te_s and b.te_s and not np.allclose(a.te_s, b.te_s, rtol=0, atol=1e-6):
        raise InputError(
            f"The {both} images have different echo times ({a.te_s} and {b.te_s} s); the same were expected.",
            advise("Correct their sidecars or headers, or give the times ({}).", "te_s"),
        )
    if not (a.te_s and b.te_s) and a.echo_numbers and b.echo_numbers and a.echo_numbers != b.echo_numbers:
        raise InputError(
            f"The {both} images have different echo numbers ({a.echo_numbers} and {b.echo_numbers}); the same were expected. "
            "Load every echo of both."
        )


def _complex(stacks: dict[Part, _Stack], phase_unit: PhaseUnit | None) -> npt.NDArray[np.complex64]:
    if Part.UNMARKED in stacks:
        return stacks[Part.UNMARKED].volumes.astype(np.complex64)
    for part, stack in stacks.items():
        if np.iscomplexobj(stack.volumes):
            raise InputError(
                f"The {part.value} images are complex; real values were expected. Rename the files without '{part.value}'."
            )
    first, *others = (stack.volumes for stack in stacks.values())
    if Part.MAGNITUDE in stacks:
        refuse_negative_magnitudes(first, "Check which files are magnitude and which are phase.")
    if not others:
        return first.astype(np.complex64)
    if Part.REAL in stacks:
        return from_real_and_imaginary(first, others[0])
    refuse_mixed_units(range_of_each(others[0]))
    unit = checked_unit(others[0], phase_unit) if phase_unit is not None else detect_phase_unit(others[0])
    return from_magnitude_and_phase(first, others[0], unit)
