"""A multi-echo scan of nodes in the scene: its problems in words, and its `EchoSeries`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...choices import PhaseUnit
from ...echoes import EchoSeries, Geometry
from ...errors import InputError
from ...io.images import same_geometry
from ...io.naming import Part
from ...io.phase_units import detect_phase_unit, refuse_mixed_units, to_radians
from ..volumes import array_of, geometry_of
from ..wording import worded
from .stated import Stated


@dataclass(frozen=True)
class Problem:
    """Why a scan cannot be estimated.

    Attributes
    ----------
    where : str
        'volumes', 'echo_times', 'field_strength' or 'phase_unit'.
    text : str
        Sentence for the user.
    """

    where: str
    text: str


@dataclass(frozen=True)
class EchoRow:
    """Line of the echo table.

    Attributes
    ----------
    number : int
        Number of the echo, from 1.
    te_s : float or None, seconds
        Echo time, None where unknown.
    first, second : str
        Names of the volumes.
    """

    number: int
    te_s: float | None
    first: str
    second: str


@dataclass(frozen=True, eq=False)
class SceneScan:
    """A multi-echo scan of nodes; nothing is copied before `series`.

    Attributes
    ----------
    first, second : tuple of vtkMRMLScalarVolumeNode
        Magnitude and phase, or real and imaginary part, of each echo; nodes of a sequence or of the scene.
    parts : tuple of Part
        Parts that `first` and `second` hold.
    te_s : tuple of float or None, seconds
        Echo times, None where unknown.
    stated : Stated
        Protocol besides the echo times.
    sources : tuple of vtkMRMLNode
        The nodes chosen: two sequences, or all volumes.
    name : str
        Name of the scan, which its maps are called after.
    phase_needed : bool
        False where magnitudes suffice, so that `second` may be empty.
    """

    first: tuple[Any, ...]
    second: tuple[Any, ...]
    parts: tuple[Part, Part]
    te_s: tuple[float | None, ...]
    stated: Stated = field(default_factory=Stated)
    sources: tuple[Any, ...] = ()
    name: str = ""
    phase_needed: bool = True

    def rows(self) -> list[EchoRow]:
        """The echo table."""
        count = max(len(self.first), len(self.second))
        names = [
            [v.GetName() or "" for v in volumes] + ["missing"] * (count - len(volumes)) for volumes in (self.first, self.second)
        ]
        te = [*self.te_s, *[None] * count][:count]
        return [EchoRow(n + 1, te[n], names[0][n], names[1][n]) for n in range(count)]

    def problems(self) -> list[Problem]:
        """Everything that prevents an estimate; [] when nothing does."""
        return self._volume_problems() or [*self._time_problems(), *self._field_problems(), *self._unit_problems()]

    @property
    def without_orientation(self) -> bool:
        """Whether the images lie as arrays without orientation do: axes along the patient's, first voxel at the origin."""
        if not self.first or self.first[0].GetImageData() is None:
            return False
        geometry = geometry_of(self.first[0])
        return geometry.direction == Geometry().direction and geometry.origin_mm == Geometry().origin_mm

    def unit(self) -> PhaseUnit | None:
        """Unit of the phase, as stated or detected; None for real and imaginary parts, and without phase.

        Raises
        ------
        InputError
            The values fit no unit, or several.
        """
        if self.parts[1] is not Part.PHASE or not self.second:
            return None
        return self.stated.phase_unit or detected_unit(self.second)

    def series(self) -> EchoSeries:
        """Copy the scan out of the scene.

        Raises
        ------
        InputError
            The scan has a problem, the first of which is the message.
        """
        problems = self.problems()
        if problems:
            raise InputError(problems[0].text)
        unit = self.unit()
        shape = array_of(self.first[0]).shape
        echoes = np.empty((len(self.first), *shape), np.complex64)
        for n, echo in enumerate(echoes):
            a = array_of(self.first[n])
            b = array_of(self.second[n]) if self.second else np.zeros_like(a)
            if unit is None:
                echo.real, echo.imag = a, b
            else:
                angle = to_radians(b, unit)
                echo.real, echo.imag = a * np.cos(angle), a * np.sin(angle)
        stated = self.stated
        return EchoSeries(
            echoes=echoes,
            te_s=self._known_te_s(),
            field_strength_t=stated.field_strength_t or 0.0,
            geometry=geometry_of(self.first[0]),
            readout=stated.readout,
            phase_sign=stated.phase_sign,
            source=stated.source,
            flip_angle_deg=stated.flip_angle_deg,
            repetition_time_s=stated.repetition_time_s,
            contrast_agent=stated.contrast_agent,
            notes=stated.notes,
            echo_numbers=stated.echo_numbers,
            other_sequence=stated.other_sequence,
        )

    def _known_te_s(self) -> npt.NDArray[np.float64]:
        return np.array([te for te in self.te_s if te is not None], dtype=np.float64)

    def _time_problems(self) -> list[Problem]:
        if None in self.te_s or len(self.te_s) != len(self.first):
            return [Problem("echo_times", "Echo times are not known. Type them into the table, in milliseconds.")]
        try:
            EchoSeries(np.ones((len(self.first), 1, 1, 1), np.complex64), self._known_te_s(), 1.5)
        except InputError as error:
            return [Problem("echo_times", worded(error))]
        return []

    def _field_problems(self) -> list[Problem]:
        if not self.stated.field_strength_t:
            return [Problem("field_strength", "Field strength is not known. Choose it.")]
        try:
            EchoSeries(np.ones((3, 1, 1, 1), np.complex64), np.array([0.001, 0.002, 0.003]), self.stated.field_strength_t)
        except InputError as error:
            return [Problem("field_strength", worded(error))]
        return []

    def _unit_problems(self) -> list[Problem]:
        try:
            self.unit()
        except InputError as error:
            return [Problem("phase_unit", worded(error))]
        return []

    def _volume_problems(self) -> list[Problem]:
        if self._without_phase:
            return self._grid_problems()
        if not self.first or not self.second:
            missing = self.parts[0] if not self.first else self.parts[1]
            what = (
                "Choose a scan, or load files."
                if not (self.first or self.second)
                else f"The {missing.value} images are missing."
            )
            if self.first and self.parts[0] is Part.MAGNITUDE:
                what += " From magnitudes alone, estimate by method 'Magnitude'."
            return [Problem("volumes", what)]
        a, b = (part.value for part in self.parts)
        if {*self.parts} not in ({Part.MAGNITUDE, Part.PHASE}, {Part.REAL, Part.IMAGINARY}):
            text = f"Chosen are {a} and {b} images; magnitude and phase, or real and imaginary, were expected."
            return [Problem("volumes", text)]
        if len(self.first) != len(self.second):
            text = f"Found {len(self.first)} {a} and {len(self.second)} {b} images; as many of each are needed."
            return [Problem("volumes", text)]
        return self._grid_problems()

    @property
    def _without_phase(self) -> bool:
        return not self.phase_needed and self.parts[0] is Part.MAGNITUDE and bool(self.first) and not self.second

    def _grid_problems(self) -> list[Problem]:
        reference = self.first[0]
        for volume in (*self.first, *self.second):
            if volume.GetImageData() is None:
                return [Problem("volumes", f"{volume.GetName()} holds no image. Load it again.")]
            if array_of(volume).ndim != 3:
                return [Problem("volumes", f"{volume.GetName()} holds several values a voxel; one number was expected.")]
            same_place = same_geometry(geometry_of(volume), geometry_of(reference))
            if array_of(volume).shape != array_of(reference).shape or not same_place:
                return [
                    Problem(
                        "volumes",
                        f"{volume.GetName()} lies on another grid than {reference.GetName()}; all echoes must share one.",
                    )
                ]
        return []


_unit_cache: dict[tuple[tuple[str, int], ...], PhaseUnit | InputError] = {}


def detected_unit(phase: Sequence[Any]) -> PhaseUnit:
    """Unit of phase volumes by the range of their values; kept until an image changes.

    Raises
    ------
    InputError
        The values fit no unit, or several.
    """
    key = tuple((volume.GetName() or "", volume.GetImageData().GetMTime()) for volume in phase)
    if key not in _unit_cache:
        ranges = [volume.GetImageData().GetScalarRange() for volume in phase]
        whole = all(np.issubdtype(array_of(v).dtype, np.integer) for v in phase)
        extremes = np.array([min(r[0] for r in ranges), max(r[1] for r in ranges)])
        _unit_cache.clear()
        try:
            refuse_mixed_units(ranges)
            _unit_cache[key] = detect_phase_unit(extremes.astype(np.int64) if whole else extremes)
        except InputError as error:
            _unit_cache[key] = error
    found = _unit_cache[key]
    if isinstance(found, InputError):
        raise InputError(found.message, found.advice)
    return found
