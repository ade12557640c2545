"""A multi-echo scan in the scene: sequences or single volumes in, an `EchoSeries` out, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...echoes import EchoSeries, Readout
from ...errors import InputError
from ...io.images import same_geometry
from ...io.naming import Part
from ...io.phase_units import PhaseUnit, detect_phase_unit, to_radians
from ..volumes import array_of, geometry_of
from ..wording import worded


@dataclass(frozen=True)
class Problem:
    """What is wrong and where: 'volumes', 'echo_times', 'field_strength' or 'phase_unit'."""

    where: str
    text: str


@dataclass(frozen=True)
class EchoRow:
    """One line of the echo table: number, echo time in ms (None: not known) and the names of its volumes."""

    number: int
    te_ms: float | None
    first: str
    second: str


@dataclass(frozen=True, eq=False)
class SceneScan:
    """What the user has chosen; nothing is copied before `series`.

    Attributes
    ----------
    first, second : magnitude and phase, or real and imaginary: one volume node an echo, of a sequence or of the scene.
    parts : (MAGNITUDE, PHASE) or (REAL, IMAGINARY).
    te_ms : echo times in ms, None where nothing tells.
    field_strength_t : tesla, None when not known. phase_unit : None lets the values tell. readout : how it was read out.
    sources : the nodes chosen (two sequences, or all volumes), for references.
    phase_needed : False where magnitudes alone will do (`second` may be empty).
    """

    first: tuple[Any, ...]
    second: tuple[Any, ...]
    parts: tuple[Part, Part]
    te_ms: tuple[float | None, ...]
    field_strength_t: float | None
    phase_unit: PhaseUnit | None = None
    readout: Readout = Readout.UNKNOWN
    sources: tuple[Any, ...] = ()
    name: str = ""
    flip_angle_deg: float | None = None
    repetition_time_s: float | None = None
    phase_needed: bool = True

    def rows(self) -> list[EchoRow]:
        """The echo table."""
        count = max(len(self.first), len(self.second))
        names = [
            [v.GetName() or "" for v in volumes] + ["missing"] * (count - len(volumes)) for volumes in (self.first, self.second)
        ]
        te = [*self.te_ms, *[None] * count][:count]
        return [EchoRow(n + 1, te[n], names[0][n], names[1][n]) for n in range(count)]

    def problems(self) -> list[Problem]:
        """Everything that stands in the way of an estimate; [] when nothing does."""
        found = self._volume_problems()
        if found:
            return found
        echoes = np.ones((len(self.first), 1, 1, 1), np.complex64)
        if any(te is None for te in self.te_ms) or len(self.te_ms) != len(self.first):
            found.append(Problem("echo_times", "Echo times are not known. Type them into the table, in milliseconds."))
        else:
            try:
                EchoSeries(echoes, self._te_s(), 1.5)
            except InputError as error:
                found.append(Problem("echo_times", worded(error)))
        try:
            te_s = np.array([0.001, 0.002, 0.003])
            EchoSeries(np.ones((3, 1, 1, 1), np.complex64), te_s, self.field_strength_t or 0.0)
        except InputError as error:
            text = "Field strength is not known. Choose it." if not self.field_strength_t else worded(error)
            found.append(Problem("field_strength", text))
        try:
            self.unit()
        except InputError as error:
            found.append(Problem("phase_unit", worded(error)))
        return found

    def unit(self) -> PhaseUnit | None:
        """Unit of the phase, as chosen or as its values tell; None for real and imaginary parts, and without phase.

        Raises
        ------
        InputError
            The values do not tell.
        """
        if self.parts[1] is not Part.PHASE or not self.second:
            return None
        return self.phase_unit or detected_unit(self.second)

    def series(self) -> EchoSeries:
        """Copy the scan out of the scene.

        Raises
        ------
        InputError
            With the words of the first problem.
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
        return EchoSeries(
            echoes=echoes,
            te_s=self._te_s(),
            field_strength_t=self.field_strength_t or 0.0,
            geometry=geometry_of(self.first[0]),
            readout=self.readout,
            source=self.name,
            flip_angle_deg=self.flip_angle_deg,
            repetition_time_s=self.repetition_time_s,
        )

    def _te_s(self) -> npt.NDArray[np.float64]:
        return np.array([te for te in self.te_ms if te is not None], dtype=np.float64) / 1000.0

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
        if len(self.first) != len(self.second):
            a, b = (part.value for part in self.parts)
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
    """Unit of phase volumes, from the range of their values; remembered until an image changes.

    Raises
    ------
    InputError
        The values do not tell.
    """
    key = tuple((volume.GetName() or "", volume.GetImageData().GetMTime()) for volume in phase)
    if key not in _unit_cache:
        ranges = [volume.GetImageData().GetScalarRange() for volume in phase]
        whole = all(np.issubdtype(array_of(v).dtype, np.integer) for v in phase)
        extremes = np.array([min(r[0] for r in ranges), max(r[1] for r in ranges)])
        _unit_cache.clear()
        try:
            _unit_cache[key] = detect_phase_unit(extremes.astype(np.int64) if whole else extremes)
        except InputError as error:
            _unit_cache[key] = error
    found = _unit_cache[key]
    if isinstance(found, InputError):
        raise InputError(found.message, found.advice)
    return found
