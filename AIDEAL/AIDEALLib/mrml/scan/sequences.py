"""Scans as sequence nodes over echo time: written into the scene, and read back exactly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import slicer

from ...echoes import EchoSeries
from ...io.naming import Part
from ...options import Overrides
from .. import nodes
from ..signal import Signal
from ..volumes import fill_volume
from .scene_scan import SceneScan
from .stated import common_name, declared_part, named_part, numbers, override_times, seconds, stated

ECHO_TIME_INDEX = "EchoTime"
SCAN_LOADED = Signal()
"""Emitted with a `StoredScan` that came from outside the panel (DICOM browser), for the panel to choose."""
PAIRS = ((Part.MAGNITUDE, Part.PHASE), (Part.REAL, Part.IMAGINARY))


@dataclass(frozen=True, eq=False)
class StoredScan:
    """Sequence nodes of a scan.

    Attributes
    ----------
    first : vtkMRMLSequenceNode
        Real parts; magnitudes of a scan without phase.
    second : vtkMRMLSequenceNode or None
        Imaginary parts; None without phase.
    magnitude : vtkMRMLSequenceNode
        Magnitudes to look at; the same as `first` without phase.
    """

    first: Any
    second: Any
    magnitude: Any

    @property
    def pair(self) -> tuple[Any, Any]:
        """The two sequences that hold the scan."""
        return self.first, self.second

    @property
    def nodes(self) -> list[Any]:
        """All sequences, magnitudes first."""
        return [self.magnitude, *(node for node in self.pair if node is not None and node is not self.magnitude)]


def add_series(scene: Any, series: EchoSeries, name: str) -> StoredScan:
    """Put a scan into the scene, its complex echoes without a change of any bit, with a browser that shows magnitudes.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    series : EchoSeries
        The scan.
    name : str
        Name of the scan; the nodes are called after it.

    Returns
    -------
    StoredScan
        The sequences made.
    """
    if series.has_phase:
        magnitude = _add_sequence(scene, series, name, Part.MAGNITUDE, np.abs(series.echoes))
        real = _add_sequence(scene, series, name, Part.REAL, series.echoes.real)
        imaginary = _add_sequence(scene, series, name, Part.IMAGINARY, series.echoes.imag)
        made = StoredScan(real, imaginary, magnitude)
    else:
        magnitude = _add_sequence(scene, series, name, Part.MAGNITUDE, series.echoes.real)
        made = StoredScan(magnitude, None, magnitude)
    browser = scene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", f"{name} echoes")
    for node in made.nodes:
        browser.AddSynchronizedSequenceNode(node)
    return made


def scan_of_sequences(
    first: Any,
    second: Any,
    overrides: Overrides | None = None,
    *,
    typed_te_s: Sequence[float | None] = (),
    phase_needed: bool = True,
) -> SceneScan:
    """Scan of a pair of sequence nodes, in either order.

    Parameters
    ----------
    first, second : vtkMRMLSequenceNode or None
        The pair; None where not chosen.
    overrides : Overrides, optional
        What overrides the nodes.
    typed_te_s : sequence of float or None, seconds
        Echo times that override `overrides` and nodes one by one; None for an echo without one.
    phase_needed : bool
        False where magnitudes suffice.

    Returns
    -------
    SceneScan
        The scan, with real part or magnitude first.
    """
    overrides = overrides or Overrides()
    parts = _parts_of(first, second)
    if parts[0] in (Part.PHASE, Part.IMAGINARY):
        first, second, parts = second, first, (parts[1], parts[0])
    chosen = [node for node in (first, second) if node is not None]
    volumes = [_frames(node) for node in (first, second)]
    times = overrides.te_s or next((t for t in map(_echo_times_s, chosen) if t), ())
    return SceneScan(
        first=volumes[0],
        second=volumes[1],
        parts=parts,
        te_s=override_times(times, typed_te_s, len(volumes[0]) or len(volumes[1])),
        stated=stated(chosen, overrides),
        sources=tuple(chosen),
        name=common_name(chosen),
        phase_needed=phase_needed,
    )


def only_pair(sequences: Sequence[Any]) -> tuple[Any, Any] | None:
    """The pair that holds a scan, where the sequences of a scene hold exactly one; None otherwise."""
    of_part: dict[Part | None, list[Any]] = {}
    for node in sequences:
        of_part.setdefault(declared_part(node), []).append(node)
    real, imaginary, phase = (of_part.get(part, []) for part in (Part.REAL, Part.IMAGINARY, Part.PHASE))
    if len(real) == len(imaginary) == 1 and not phase:
        return real[0], imaginary[0]
    if len(sequences) == 2 and not (real or imaginary):
        return sequences[0], sequences[1]
    return None


def _add_sequence(scene: Any, series: EchoSeries, name: str, part: Part, values: npt.NDArray[np.float32]) -> Any:
    node = scene.AddNewNodeByClass("vtkMRMLSequenceNode", f"{name} {part.value}")
    node.SetIndexName(ECHO_TIME_INDEX)
    node.SetIndexUnit("ms")
    node.SetIndexTypeFromString("numeric")
    for te_s, array in zip(series.te_s, values, strict=True):
        volume = slicer.vtkMRMLScalarVolumeNode()
        volume.SetName(f"{name} {part.value} {te_s * 1000:g} ms")
        fill_volume(volume, array.astype(np.float32), series.geometry)
        node.SetDataNodeAtValue(volume, f"{te_s * 1000:.6g}")
    for attribute, value in _attributes(series, name, part).items():
        node.SetAttribute(attribute, value)
    return node


def _attributes(series: EchoSeries, name: str, part: Part) -> dict[str, str]:
    """Everything that a sequence keeps of a scan besides its voxels; numbers exactly."""
    values: dict[str, Any] = {
        nodes.PART: part.value,
        nodes.ECHO_TIMES: json.dumps(series.te_s.tolist()),
        nodes.FIELD_STRENGTH: series.field_strength_t,
        nodes.READOUT: series.readout.value,
        nodes.PHASE_SIGN: series.phase_sign.value if series.phase_sign else None,
        nodes.FLIP_ANGLE: series.flip_angle_deg,
        nodes.REPETITION_TIME: series.repetition_time_s,
        nodes.CONTRAST_AGENT: series.contrast_agent,
        nodes.SOURCE_NAME: name,
        nodes.SCAN_SOURCE: series.source,
        nodes.OTHER_SEQUENCE: series.other_sequence or None,
        nodes.ECHO_NUMBERS: json.dumps(series.echo_numbers) if series.echo_numbers else None,
        nodes.NOTES: json.dumps(series.notes, ensure_ascii=False) if series.notes else None,
    }
    return {key: value if isinstance(value, str) else repr(float(value)) for key, value in values.items() if value is not None}


def _frames(sequence: Any) -> tuple[Any, ...]:
    if sequence is None:
        return ()
    found = [sequence.GetNthDataNode(n) for n in range(sequence.GetNumberOfDataNodes())]
    return tuple(node for node in found if node is not None and node.IsA("vtkMRMLVolumeNode"))


def _echo_times_s(sequence: Any) -> tuple[float, ...]:
    """Echo times of a sequence: of its attribute, else of its index where that is an echo time."""
    exact = numbers(sequence, nodes.ECHO_TIMES)
    if len(exact) == sequence.GetNumberOfDataNodes():
        return exact
    if "echo" not in (sequence.GetIndexName() or "").lower():
        return ()
    try:
        values = [float(sequence.GetNthIndexValue(n)) for n in range(sequence.GetNumberOfDataNodes())]
    except ValueError:
        return ()
    return tuple(v if sequence.GetIndexUnit() == "s" else seconds(v) for v in values)


def _parts_of(first: Any, second: Any) -> tuple[Part, Part]:
    """Parts of a pair: as both declare them, else the pair that fits what attributes and names show."""
    declared = declared_part(first), declared_part(second)
    if declared[0] is not None and declared[1] is not None:
        return declared[0], declared[1]
    shown = tuple(part or named_part(node) for part, node in zip(declared, (first, second), strict=True))
    if Part.REAL in shown or Part.IMAGINARY in shown:
        return (Part.IMAGINARY, Part.REAL) if shown[0] is Part.IMAGINARY or shown[1] is Part.REAL else PAIRS[1]
    swapped = shown[0] is Part.PHASE or (shown[1] is Part.MAGNITUDE and shown[0] is not Part.MAGNITUDE)
    return (Part.PHASE, Part.MAGNITUDE) if swapped else PAIRS[0]
