"""A multi-echo scan in the scene: sequences or single volumes in, an `EchoSeries` out, and what is wrong with it in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer

from ..echoes import EchoSeries, Readout
from ..errors import InputError
from ..io.images import same_geometry
from ..io.naming import Part, parse_name
from ..io.phase_units import PhaseUnit, detect_phase_unit, to_radians
from . import nodes
from .volumes import array_of, fill_volume, geometry_of

ECHO_TIME_INDEX = "EchoTime"


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
                found.append(Problem("echo_times", words(error)))
        try:
            te_s = np.array([0.001, 0.002, 0.003])
            EchoSeries(np.ones((3, 1, 1, 1), np.complex64), te_s, self.field_strength_t or 0.0)
        except InputError as error:
            text = "Field strength is not known. Choose it." if not self.field_strength_t else words(error)
            found.append(Problem("field_strength", text))
        try:
            self.unit()
        except InputError as error:
            found.append(Problem("phase_unit", words(error)))
        return found

    def unit(self) -> PhaseUnit | None:
        """Unit of the phase, as chosen or as its values tell; None for real and imaginary parts.

        Raises
        ------
        InputError
            The values do not tell.
        """
        if self.parts[1] is not Part.PHASE:
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
        for echo, first, second in zip(echoes, self.first, self.second, strict=True):
            a, b = array_of(first), array_of(second)
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
        )

    def _te_s(self) -> npt.NDArray[np.float64]:
        return np.array([te for te in self.te_ms if te is not None], dtype=np.float64) / 1000.0

    def _volume_problems(self) -> list[Problem]:
        if not self.first or not self.second:
            missing = self.parts[0] if not self.first else self.parts[1]
            what = (
                "Choose a scan, or load files."
                if not (self.first or self.second)
                else f"The {missing.value} images are missing."
            )
            return [Problem("volumes", what)]
        if len(self.first) != len(self.second):
            a, b = (part.value for part in self.parts)
            text = f"Found {len(self.first)} {a} and {len(self.second)} {b} images; as many of each are needed."
            return [Problem("volumes", text)]
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


def words(error: Exception) -> str:
    """An error's message without the command line's options, which mean nothing in a panel."""
    return re.sub(r"\s*\(--[^)]*\)| with --[a-z-]+", "", str(error))


_unit_cache: dict[tuple[tuple[str, int], ...], PhaseUnit | str] = {}


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
            _unit_cache[key] = str(error)
    found = _unit_cache[key]
    if isinstance(found, str):
        raise InputError(found)
    return found


def scan_of_sequences(
    first: Any,
    second: Any,
    *,
    te_ms: Sequence[float] | None = None,
    field_strength_t: float | None = None,
    phase_unit: PhaseUnit | None = None,
    readout: Readout | None = None,
) -> SceneScan:
    """A scan from a pair of sequence nodes (None where not chosen); what is not given is taken from the nodes."""
    parts = _parts_of(first, second)
    if parts[0] is Part.PHASE or parts[0] is Part.IMAGINARY:  # chosen the other way round
        first, second, parts = second, first, (parts[1], parts[0])
    chosen = [node for node in (first, second) if node is not None]
    volumes = [_frames(node) for node in (first, second)]
    times = te_ms or next((t for t in map(_sequence_times, chosen) if t), ())
    count = len(volumes[0]) or len(volumes[1])
    return SceneScan(
        first=volumes[0],
        second=volumes[1],
        parts=parts,
        te_ms=(*times, *[None] * (count - len(times)))[:count] if count else (),
        field_strength_t=field_strength_t or _number_attribute(chosen, nodes.FIELD_STRENGTH),
        phase_unit=phase_unit or _unit_attribute(chosen),
        readout=readout or _readout_attribute(chosen),
        sources=tuple(chosen),
        name=_common_name(chosen),
    )


def scan_of_volumes(
    volumes: Sequence[Any],
    *,
    te_ms: Sequence[float] | None = None,
    field_strength_t: float | None = None,
    phase_unit: PhaseUnit | None = None,
    readout: Readout | None = None,
) -> SceneScan:
    """A scan from single volumes, sorted by what their names (or DICOM headers) say of part, echo time and echo number."""
    named = [(volume, parse_name(Path(f"{volume.GetName()}.nrrd"))) for volume in volumes]
    by_part: dict[Part, list[tuple[float, int, Any]]] = {}
    for position, (volume, name) in enumerate(named):
        part = _dicom_part(volume) or (Part.MAGNITUDE if name.part is Part.UNMARKED else name.part)
        te = echo_time_ms(volume)
        order = te if te is not None else float(name.echo if name.echo is not None else position)
        by_part.setdefault(part, []).append((order, position, volume))
    parts = (Part.REAL, Part.IMAGINARY) if Part.REAL in by_part and Part.IMAGINARY in by_part else (Part.MAGNITUDE, Part.PHASE)
    first, second = (tuple(volume for *_, volume in sorted(by_part.get(part, []), key=lambda e: e[:2])) for part in parts)
    count = max(len(first), len(second))
    known = [echo_time_ms(volume) for volume in first or second]
    times = [*te_ms, *[None] * count][:count] if te_ms else [*known, *[None] * count][:count]
    return SceneScan(
        first=first,
        second=second,
        parts=parts,
        te_ms=tuple(times),
        field_strength_t=field_strength_t or _number_attribute(volumes, nodes.FIELD_STRENGTH) or _dicom_field(volumes),
        phase_unit=phase_unit or _unit_attribute(volumes),
        readout=readout or _readout_attribute(volumes),
        sources=tuple(volumes),
        name=_common_name(volumes),
    )


def add_series(scene: Any, series: EchoSeries, name: str) -> tuple[Any, Any]:
    """Put a scan into the scene: a magnitude and a phase (radians) sequence, with a browser over both; returns the two."""
    made = []
    for part, values in ((Part.MAGNITUDE, np.abs(series.echoes)), (Part.PHASE, np.angle(series.echoes))):
        node = scene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{name} {part.value}")
        node.SetIndexName(ECHO_TIME_INDEX)
        node.SetIndexUnit("ms")
        node.SetIndexTypeFromString("numeric")
        for te_s, array in zip(series.te_s, values, strict=True):
            volume = slicer.vtkMRMLScalarVolumeNode()
            volume.SetName(f"{name} {part.value} {te_s * 1000:g} ms")
            fill_volume(volume, array.astype(np.float32), series.geometry)
            node.SetDataNodeAtValue(volume, f"{te_s * 1000:.6g}")
        node.SetAttribute(nodes.PART, part.value)
        node.SetAttribute(nodes.FIELD_STRENGTH, f"{series.field_strength_t:g}")
        node.SetAttribute(nodes.READOUT, series.readout.value)
        node.SetAttribute(nodes.SOURCE_NAME, name)
        if part is Part.PHASE:
            node.SetAttribute(nodes.PHASE_UNIT, PhaseUnit.RADIANS.value)
        made.append(node)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} echoes")
    for node in made:
        browser.AddSynchronizedSequenceNode(node)
    return made[0], made[1]


def echo_time_ms(volume: Any) -> float | None:
    """Echo time of a volume: from its attribute or its DICOM header; None when neither has it."""
    text = volume.GetAttribute("AIDEAL.EchoTimeMs") or _dicom(volume, "0018,0081")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _frames(sequence: Any) -> tuple[Any, ...]:
    if sequence is None:
        return ()
    found = [sequence.GetNthDataNode(n) for n in range(sequence.GetNumberOfDataNodes())]
    return tuple(node for node in found if node is not None and node.IsA("vtkMRMLVolumeNode"))


def _sequence_times(sequence: Any) -> tuple[float, ...]:
    """Index values in ms when the index is an echo time."""
    if "echo" not in (sequence.GetIndexName() or "").lower():
        return ()
    try:
        values = [float(sequence.GetNthIndexValue(n)) for n in range(sequence.GetNumberOfDataNodes())]
    except ValueError:
        return ()
    return tuple(v * (1000.0 if sequence.GetIndexUnit() == "s" else 1.0) for v in values)


def _parts_of(first: Any, second: Any) -> tuple[Part, Part]:
    said = [_part_said(node) for node in (first, second)]
    if Part.REAL in said or Part.IMAGINARY in said:
        return (Part.IMAGINARY, Part.REAL) if said[0] is Part.IMAGINARY or said[1] is Part.REAL else (Part.REAL, Part.IMAGINARY)
    swapped = said[0] is Part.PHASE or (said[1] is Part.MAGNITUDE and said[0] is not Part.MAGNITUDE)
    return (Part.PHASE, Part.MAGNITUDE) if swapped else (Part.MAGNITUDE, Part.PHASE)


def _part_said(node: Any) -> Part | None:
    if node is None:
        return None
    said = node.GetAttribute(nodes.PART)
    part = Part(said) if said in {p.value for p in Part} else parse_name(Path(f"{node.GetName()}.nrrd")).part
    return None if part is Part.UNMARKED else part


def _number_attribute(chosen: Sequence[Any], name: str) -> float | None:
    for node in chosen:
        try:
            return float(node.GetAttribute(name))
        except (TypeError, ValueError):
            continue
    return None


def _unit_attribute(chosen: Sequence[Any]) -> PhaseUnit | None:
    said = next((node.GetAttribute(nodes.PHASE_UNIT) for node in chosen if node.GetAttribute(nodes.PHASE_UNIT)), None)
    return PhaseUnit(said) if said in {unit.value for unit in PhaseUnit} else None


def _readout_attribute(chosen: Sequence[Any]) -> Readout:
    said = next((node.GetAttribute(nodes.READOUT) for node in chosen if node.GetAttribute(nodes.READOUT)), None)
    return Readout(said) if said in {readout.value for readout in Readout} else Readout.UNKNOWN


def _common_name(chosen: Sequence[Any]) -> str:
    said = next((node.GetAttribute(nodes.SOURCE_NAME) for node in chosen if node.GetAttribute(nodes.SOURCE_NAME)), None)
    if said or not chosen:
        return said or ""
    names = [node.GetName() or "" for node in chosen]
    prefix = names[0]
    for name in names[1:]:
        while not name.startswith(prefix):
            prefix = prefix[:-1]
    return prefix.strip(" _-:") or names[0]


def _dicom(volume: Any, tag: str) -> str:
    """Value of a DICOM tag of the first file a volume came from, '' when it came from elsewhere."""
    uids = volume.GetAttribute("DICOM.instanceUIDs")
    database = getattr(slicer, "dicomDatabase", None)
    if not uids or database is None:
        return ""
    return str(database.instanceValue(uids.split()[0], tag) or "")


def _dicom_field(volumes: Sequence[Any]) -> float | None:
    text = next((t for t in (_dicom(volume, "0018,0087") for volume in volumes) if t), "")
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _dicom_part(volume: Any) -> Part | None:
    """Part named by DICOM's image type (vendors: M, P, R, I, or the words)."""
    words_of = {
        "M": Part.MAGNITUDE,
        "P": Part.PHASE,
        "R": Part.REAL,
        "I": Part.IMAGINARY,
        "MAGNITUDE": Part.MAGNITUDE,
        "PHASE": Part.PHASE,
        "REAL": Part.REAL,
        "IMAGINARY": Part.IMAGINARY,
    }
    said = _dicom(volume, "0008,0008").upper().split("\\")
    return next((words_of[word] for word in said if word in words_of), None)
