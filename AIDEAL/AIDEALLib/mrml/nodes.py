"""Attribute names and reference roles of the module's nodes, and what is stored under them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..options import RunOptions
from ..parameter_maps import MAP_INFO, MapInfo
from ..worker.client import Finding, QualityReport

MODULE = "AIDEAL"

MAP = "AIDEAL.Map"
"""On a volume: key of `ALL_MAPS`."""
PROVENANCE = "AIDEAL.Provenance"
"""On a volume: provenance of the run, JSON of `Provenance.as_dict`."""
FINDINGS = "AIDEAL.Findings"
"""On the PDFF: findings of scan and maps, JSON of `QualityReport.as_dict`."""
PART = "AIDEAL.Part"
"""On a sequence: magnitude, phase, real or imaginary."""
ECHO_TIMES = "AIDEAL.EchoTimesSeconds"
"""On a sequence: exact echo times, JSON list; the index values of the sequence are rounded for display."""
ECHO_TIME_MS = "AIDEAL.EchoTimeMs"
"""On a single volume."""
FIELD_STRENGTH = "AIDEAL.FieldStrengthTesla"
PHASE_UNIT = "AIDEAL.PhaseUnit"
READOUT = "AIDEAL.Readout"
PHASE_SIGN = "AIDEAL.PhaseSign"
FLIP_ANGLE, REPETITION_TIME = "AIDEAL.FlipAngleDegrees", "AIDEAL.RepetitionTimeSeconds"
CONTRAST_AGENT = "AIDEAL.ContrastAgent"
"""On a sequence: 1 where a contrast agent was given, 0 where none was."""
RUN = "AIDEAL.Run"
"""On a map: number of its run among those of the scan, from 1."""
SOURCE_NAME = "AIDEAL.Source"
"""Name of the scan, which nodes made from it are called after."""
SCAN_SOURCE = "AIDEAL.ScanSource"
"""On a sequence: origin of the scan as its reader states it, for provenance."""
OTHER_SEQUENCE = "AIDEAL.OtherSequence"
"""On a sequence: kind of the pulse sequence, where it is no spoiled gradient echo."""
ECHO_NUMBERS = "AIDEAL.EchoNumbers"
"""On a sequence: number of each echo in the acquisition, JSON list."""
NOTES = "AIDEAL.Notes"
"""On a sequence: notes of the reader, JSON list."""
INSTANCES, INSTANCES_OF_VOLUME = "AIDEAL.SourceInstances", "DICOM.instanceUIDs"
"""On a sequence, and on a volume as Slicer's own reader keeps it: SOP Instance UIDs of its files, separated by spaces."""
ROLE = "AIDEAL.Role"
"""On helper nodes (colours, chart, ROI points): their purpose, by which they are found after a scene was loaded."""

PDFF_ROLE = "AIDEAL.pdff"
"""Reference from every map to the PDFF of its run."""
SOURCE_ROLE = "AIDEAL.scan"
"""References from the PDFF to the volumes or sequences it was estimated from: first and second part."""
MAPS_OF_TABLE_ROLE = "AIDEAL.maps"
"""Reference from a statistics table or an ROI segmentation to the PDFF it belongs to."""
REGIONS_OF_ROLE = "AIDEAL.regionsOf"
"""Reference from a segmentation or the centres of circles to the scan that they were drawn on: its first source, or a PDFF
whose scan is not in the scene."""
POINTS_ROLE = "AIDEAL.points"
"""Reference from the segmentation of ROI circles to their centres."""

FOREGROUND, LOW_CONFIDENCE = "foreground", "low_confidence"
ALL_MAPS: dict[str, MapInfo] = {
    **MAP_INFO,
    FOREGROUND: MapInfo("Foreground", "1", (0.0, 1.0)),
    LOW_CONFIDENCE: MapInfo("Low confidence", "1", (0.0, 1.0)),
}


def map_role(name: str) -> str:
    """Reference role from the PDFF to the map `name` of its run."""
    return f"AIDEAL.map.{name}"


@dataclass(frozen=True, eq=False)
class MapNodes:
    """The volumes of one run.

    Attributes
    ----------
    volumes : dict of str to vtkMRMLScalarVolumeNode
        Volumes by map name; 'pdff' is always among them.
    """

    volumes: dict[str, Any] = field(default_factory=dict)

    @property
    def pdff(self) -> Any:
        """The PDFF volume, which represents the run."""
        return self.volumes["pdff"]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.volumes.items())

    def __contains__(self, name: str) -> bool:
        return name in self.volumes

    def __getitem__(self, name: str) -> Any:
        return self.volumes[name]

    def get(self, name: str, default: Any = None) -> Any:
        """The volume of a map, or `default` when there is none."""
        return self.volumes.get(name, default)

    @property
    def scan(self) -> Any:
        """Node that stands for the scan, which regions belong to."""
        return scan_node_of(self.pdff)

    def provenance(self) -> dict[str, Any]:
        """Provenance of the run, {} when it was lost."""
        return provenance_of(self.pdff)


def map_name(volume: Any) -> str | None:
    """Name of the map that a volume is, None for any other volume (or no node at all)."""
    name = volume.GetAttribute(MAP) if volume is not None and hasattr(volume, "GetAttribute") else None
    return name if name in ALL_MAPS else None


def maps_of(volume: Any) -> MapNodes | None:
    """All maps of the run that a volume belongs to; None when it is no map or its PDFF is gone."""
    if map_name(volume) is None:
        return None
    pdff = volume if map_name(volume) == "pdff" else volume.GetNodeReference(PDFF_ROLE)
    if pdff is None:
        return None
    found = {name: pdff if name == "pdff" else pdff.GetNodeReference(map_role(name)) for name in ALL_MAPS}
    return MapNodes({name: node for name, node in found.items() if node is not None})


def provenance_of(volume: Any) -> dict[str, Any]:
    """Provenance in a volume's attribute, {} when there is none."""
    try:
        content = json.loads(volume.GetAttribute(PROVENANCE) or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def corrections_of(maps: MapNodes) -> dict[str, Any]:
    """Phase corrections of the run, {} when they were lost; version 0.1 stored them under another name."""
    options = maps.provenance().get("options", {})
    return dict(options.get("phase_corrections") or options.get("repairs") or {})


def options_of(maps: MapNodes) -> RunOptions:
    """Options of the run; the defaults where they were lost, or stored by version 0.1, which had fewer.

    Raises
    ------
    InputError
        The options are of a newer version.
    """
    return RunOptions.from_dict(maps.provenance().get("options", {}).get("run", {}))


def scan_node_of(volume: Any) -> Any:
    """Node that stands for the scan of a map: the first node it was estimated from, or the PDFF where that is gone."""
    pdff = volume if map_name(volume) == "pdff" else (volume.GetNodeReference(PDFF_ROLE) or volume)
    return pdff.GetNodeReference(SOURCE_ROLE) or pdff


def set_quality(volume: Any, quality: QualityReport | None) -> None:
    """Keep the findings of a scan and its maps with the PDFF."""
    if quality is not None:
        volume.SetAttribute(FINDINGS, json.dumps(quality.as_dict(), ensure_ascii=False))


def findings_of(volume: Any) -> tuple[Finding, ...]:
    """Findings of a scan and its maps, the worst first; () where there are none or no check was requested."""
    try:
        return QualityReport.from_dict(json.loads(volume.GetAttribute(FINDINGS) or "")).findings
    except (ValueError, KeyError, TypeError):
        return ()


def signal_to_noise_of(volume: Any) -> float | None:
    """Signal-to-noise ratio of the scan that maps came from; None where it was not checked."""
    try:
        return float(QualityReport.from_dict(json.loads(volume.GetAttribute(FINDINGS) or "")).expected["snr"])
    except (ValueError, KeyError, TypeError):
        return None


def helper_of(owner: Any, role: str) -> Any:
    """Helper node of a map or scan by its role; None where it was not made yet, or was not saved with the scene."""
    node = owner.GetNodeReference(map_role(role))
    return node if node is not None and node.GetAttribute(ROLE) == role else None


def add_helper(owner: Any, class_name: str, role: str, title: str) -> Any:
    """Make a node that only the views need: hidden from lists of nodes, not saved, and found by `helper_of`.

    Parameters
    ----------
    owner : vtkMRMLNode
        Map or scan that it belongs to.
    class_name : str
        Class of the node.
    role : str
        Its purpose.
    title : str
        First part of its name.

    Returns
    -------
    vtkMRMLNode
        The node, with display nodes where its class has them.
    """
    node = owner.GetScene().AddNewNodeByClass(class_name, node_name(title, owner.GetAttribute(SOURCE_NAME) or ""))
    node.SetAttribute(ROLE, role)
    hide(node)
    node.SetSaveWithScene(False)
    if node.IsA("vtkMRMLDisplayableNode"):
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
    owner.SetNodeReferenceID(map_role(role), node.GetID())
    return node


def hide(node: Any) -> None:
    """Keep a node out of lists of nodes and of the list of files to save."""
    node.SetHideFromEditors(True)


def node_name(title: str, scan: str, run: int = 1) -> str:
    """Name of a node made from a scan, title first: selectors are narrow.

    Parameters
    ----------
    title : str
        What it is.
    scan : str
        Name of the scan, '' where unknown.
    run : int
        Number of the run of this scan, from 1.

    Returns
    -------
    str
        A name that is a file name, too: a saved scene names its files by it, and escapes what a file name cannot hold.
    """
    name = " - ".join(part for part in (title, scan) if part) + (f", run {run}" if run > 1 else "")
    return re.sub(r"[^\w (),.\[\]+=-]", "_", name.replace("*", " star"))


def find_by_role(scene: Any, class_name: str, role: str) -> Any:
    """Node of a class by its role.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    class_name : str
        Class of the node.
    role : str
        Value of the attribute `ROLE`.

    Returns
    -------
    vtkMRMLNode or None
        The first such node, None where there is none.
    """
    for index in range(scene.GetNumberOfNodesByClass(class_name)):
        node = scene.GetNthNodeByClass(index, class_name)
        if node.GetAttribute(ROLE) == role:
            return node
    return None
