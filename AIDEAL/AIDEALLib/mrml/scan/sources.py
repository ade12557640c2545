"""Scans from nodes and back: sequences or single volumes, what their attributes, names and DICOM headers say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ...choices import Method
from ...echoes import EchoSeries, Readout
from ...io.naming import Part, parse_name
from ...io.phase_units import PhaseUnit
from .. import nodes
from ..nodes import MapNodes
from ..volumes import fill_volume
from .scene_scan import SceneScan

ECHO_TIME_INDEX = "EchoTime"


def scan_of_sequences(
    first: Any,
    second: Any,
    *,
    te_ms: Sequence[float | None] | None = None,
    field_strength_t: float | None = None,
    phase_unit: PhaseUnit | None = None,
    readout: Readout | None = None,
    phase_needed: bool = True,
) -> SceneScan:
    """A scan from a pair of sequence nodes (None where not chosen); what is not given is taken from the nodes.

    `te_ms` holds echo times typed by hand, None for an echo whose time is to be taken from the nodes.
    """
    parts = _parts_of(first, second)
    if parts[0] is Part.PHASE or parts[0] is Part.IMAGINARY:  # chosen the other way round
        first, second, parts = second, first, (parts[1], parts[0])
    chosen = [node for node in (first, second) if node is not None]
    volumes = [_frames(node) for node in (first, second)]
    times = next((t for t in map(_sequence_times, chosen) if t), ())
    count = len(volumes[0]) or len(volumes[1])
    return SceneScan(
        first=volumes[0],
        second=volumes[1],
        parts=parts,
        te_ms=_typed_over(times, te_ms, count),
        field_strength_t=field_strength_t or _number_attribute(chosen, nodes.FIELD_STRENGTH),
        phase_unit=phase_unit or _unit_attribute(chosen),
        readout=readout or _readout_attribute(chosen),
        sources=tuple(chosen),
        name=_common_name(chosen),
        phase_needed=phase_needed,
        flip_angle_deg=_number_attribute(chosen, nodes.FLIP_ANGLE),
        repetition_time_s=_number_attribute(chosen, nodes.REPETITION_TIME),
    )


def scan_of_volumes(
    volumes: Sequence[Any],
    *,
    te_ms: Sequence[float | None] | None = None,
    field_strength_t: float | None = None,
    phase_unit: PhaseUnit | None = None,
    readout: Readout | None = None,
    phase_needed: bool = True,
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
    repetition_ms = _dicom_number(volumes, "0018,0080")
    return SceneScan(
        first=first,
        second=second,
        parts=parts,
        te_ms=_typed_over(known, te_ms, count),
        field_strength_t=field_strength_t
        or _number_attribute(volumes, nodes.FIELD_STRENGTH)
        or _dicom_number(volumes, "0018,0087"),
        phase_unit=phase_unit or _unit_attribute(volumes),
        readout=readout or _readout_attribute(volumes),
        sources=tuple(volumes),
        name=_common_name(volumes),
        phase_needed=phase_needed,
        flip_angle_deg=_dicom_number(volumes, "0018,1314"),
        repetition_time_s=repetition_ms / 1000 if repetition_ms else None,
    )


def scan_of_maps(maps: MapNodes) -> SceneScan:
    """The scan that maps came from, as it is in the scene, with what was known of it when they were made."""
    pdff, provenance = maps.pdff, maps.provenance()
    sources = [pdff.GetNthNodeReference(nodes.SOURCE_ROLE, n) for n in range(pdff.GetNumberOfNodeReferences(nodes.SOURCE_ROLE))]
    sources = [node for node in sources if node is not None]
    options: dict[str, Any] = {
        "te_ms": [1000 * te for te in provenance.get("te_s", ())] or None,
        "field_strength_t": provenance.get("field_strength_t"),
        "phase_unit": _unit_attribute([pdff]),
        "phase_needed": provenance.get("method") != Method.MAGNITUDE,
    }
    if sources and sources[0].IsA("vtkMRMLSequenceNode"):
        first, second = (*sources, None)[:2]
        return scan_of_sequences(first, second, **options)
    return scan_of_volumes(sources, **options)


def add_series(scene: Any, series: EchoSeries, name: str) -> tuple[Any, Any]:
    """Put a scan into the scene: a magnitude and a phase (radians) sequence, with a browser over both; returns the two.

    A scan without phase gives a magnitude sequence, and None.
    """
    made = []
    parts = (Part.MAGNITUDE, Part.PHASE) if series.has_phase else (Part.MAGNITUDE,)
    for part in parts:
        values = np.abs(series.echoes) if part is Part.MAGNITUDE else np.angle(series.echoes)
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
        for attribute, value in (
            (nodes.FLIP_ANGLE, series.flip_angle_deg),
            (nodes.REPETITION_TIME, series.repetition_time_s),
        ):
            if value:
                node.SetAttribute(attribute, f"{value:g}")
        if part is Part.PHASE:
            node.SetAttribute(nodes.PHASE_UNIT, PhaseUnit.RADIANS.value)
        made.append(node)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} echoes")
    for node in made:
        browser.AddSynchronizedSequenceNode(node)
    return made[0], made[1] if series.has_phase else None


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


def _typed_over(known: Sequence[float | None], typed: Sequence[float | None] | None, count: int) -> tuple[float | None, ...]:
    """Echo times of `count` echoes: typed by hand, else known, else None."""
    padded = [[*times, *[None] * count][:count] for times in (typed or (), known)]
    return tuple(by_hand if by_hand is not None else said for by_hand, said in zip(*padded, strict=True))


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


def _dicom_number(volumes: Sequence[Any], tag: str) -> float | None:
    text = next((t for t in (_dicom(volume, tag) for volume in volumes) if t), "")
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
