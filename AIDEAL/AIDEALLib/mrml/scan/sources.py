"""Scans from single volumes, and the scan that maps came from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...choices import Method, Readout
from ...io.naming import Part, parse_name
from ...options import Overrides
from .. import nodes
from ..nodes import MapNodes
from .scene_scan import SceneScan
from .sequences import PAIRS, scan_of_sequences
from .stated import common_name, declared_part, named_part, override_times, stated, volume_echo_time_s


def scan_of_volumes(
    volumes: Sequence[Any],
    overrides: Overrides | None = None,
    *,
    typed_te_s: Sequence[float | None] = (),
    phase_needed: bool = True,
) -> SceneScan:
    """Scan of single volumes, sorted by part, echo time and echo number as their headers, attributes or names show.

    Parameters
    ----------
    volumes : sequence of vtkMRMLScalarVolumeNode
        All volumes of the scan, in any order.
    overrides : Overrides, optional
        What overrides the nodes.
    typed_te_s : sequence of float or None, seconds
        Echo times that override `overrides` and nodes one by one; None for an echo without one.
    phase_needed : bool
        False where magnitudes suffice.

    Returns
    -------
    SceneScan
        The scan.
    """
    overrides = overrides or Overrides()
    of_part: dict[Part, list[tuple[float, int, Any]]] = {}
    for position, volume in enumerate(volumes):
        part = declared_part(volume) or named_part(volume) or Part.MAGNITUDE
        te_s, echo = volume_echo_time_s(volume), parse_name(Path(f"{volume.GetName()}.nrrd")).echo
        order = te_s if te_s is not None else float(echo if echo is not None else position)
        of_part.setdefault(part, []).append((order, position, volume))
    parts = PAIRS[1] if Part.REAL in of_part and Part.IMAGINARY in of_part else PAIRS[0]
    first, second = (tuple(v for *_, v in sorted(of_part.get(part, []), key=lambda e: e[:2])) for part in parts)
    times = overrides.te_s or [volume_echo_time_s(volume) for volume in first or second]
    return SceneScan(
        first=first,
        second=second,
        parts=parts,
        te_s=override_times(times, typed_te_s, max(len(first), len(second))),
        stated=stated(volumes, overrides),
        sources=tuple(volumes),
        name=common_name(volumes),
        phase_needed=phase_needed,
    )


def scan_of_maps(maps: MapNodes) -> SceneScan:
    """Scan that maps came from, as it is in the scene, with the protocol in use when they were made."""
    pdff, provenance = maps.pdff, maps.provenance()
    sources = [pdff.GetNthNodeReference(nodes.SOURCE_ROLE, n) for n in range(pdff.GetNumberOfNodeReferences(nodes.SOURCE_ROLE))]
    sources = [node for node in sources if node is not None]
    overrides = Overrides(
        te_s=tuple(provenance.get("te_s", ())) or None,
        field_strength_t=provenance.get("field_strength_t"),
        readout=Readout(provenance["readout"]) if "readout" in provenance else None,
        phase_unit=pdff.GetAttribute(nodes.PHASE_UNIT),
    )
    phase_needed = provenance.get("method") != Method.MAGNITUDE
    if sources and sources[0].IsA("vtkMRMLSequenceNode"):
        first, second = (*sources, None)[:2]
        return scan_of_sequences(first, second, overrides, phase_needed=phase_needed)
    return scan_of_volumes(sources, overrides, phase_needed=phase_needed)
