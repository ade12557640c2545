"""Comparison of a run with the reference method, graph cuts, on some of its slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import vtk

from ...choices import Bipolar, Conjugate, FirstEcho, GainSteps, Method
from ...echoes import EchoSeries
from ...errors import InputError
from ...options import RunOptions
from ...parameter_maps import ParameterMaps
from ...statistics import Agreement, bland_altman
from .. import nodes
from ..nodes import MapNodes, corrections_of, options_of
from ..regions.map_arrays import map_arrays
from ..regions.region import Region
from ..views.colors import color_node
from ..volumes import array_of, fill_volume, geometry_of
from .folders import place_in_folder

METHOD = Method.GRAPH_CUTS
DIFFERENCE_ROLE, TABLE_ROLE = "difference", "agreement"
WINDOW_POINTS = 10.0


@dataclass(frozen=True)
class Slices:
    """Slices `first` to `last` (from 0) of a run, to be estimated by the reference."""

    first: int
    last: int

    @classmethod
    def touched_by(cls, region: Region) -> Slices:
        """Slices that a region touches.

        Raises
        ------
        InputError
            The region is empty.
        """
        if not region.voxels.any():
            raise InputError(f"'{region.name}' is empty; draw in it first, then compare.")
        return cls(region.box[0].start, region.box[0].stop - 1)

    def of(self, series: EchoSeries, volume: Any) -> EchoSeries:
        """These slices of a scan, as a scan at their place."""
        ras = _local_position(volume, self.first)
        geometry = replace(series.geometry, origin_mm=(-ras[0], -ras[1], ras[2]))
        return replace(series, echoes=series.echoes[:, self.first : self.last + 1], geometry=geometry)


@dataclass(frozen=True)
class RegionAgreement:
    """Agreement of PDFF (points) in a region's voxels on the slices compared."""

    name: str
    agreement: Agreement

    def sentence(self) -> str:
        """The numbers in words."""
        a = self.agreement
        if not a.voxels:
            return f"{self.name}: no voxel on these slices"
        bias, lower, upper = (f"{round(value, 2) + 0.0:+.2f}" for value in (a.bias, a.lower_limit, a.upper_limit))  # no -0.00
        return f"{self.name}: bias {bias}, limits of agreement {lower} to {upper} points ({a.voxels} voxels)"


def options_like(maps: MapNodes, device: str) -> RunOptions:
    """Options for the reference that correct the echoes as the run at hand corrected them, with its fat spectrum.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    device : str
        Where to compute.

    Returns
    -------
    RunOptions
        Options of the run but for the method, the device, and phase corrections as they were applied.

    Raises
    ------
    InputError
        The options of the run are of a newer version.
    """
    corrections = corrections_of(maps)

    def applied(kind: str) -> bool:
        return bool((corrections.get(kind) or {}).get("applied"))

    return replace(
        options_of(maps),
        method=METHOD,
        device=device,
        conjugate=Conjugate.CONJUGATED if corrections.get("conjugated") else Conjugate.AS_STORED,
        bipolar=Bipolar.CORRECT if applied("bipolar") else Bipolar.AS_STORED,
        first_echo=FirstEcho.CORRECT if applied("first_echo") else FirstEcho.AS_STORED,
        gain_steps=GainSteps.CORRECT if corrections.get("gains_taken_out") else GainSteps.AS_STORED,
        anyway=True,
    )


def compare(maps: MapNodes, reference: ParameterMaps, slices: Slices, regions: Sequence[Region]) -> list[RegionAgreement]:
    """PDFF of a run minus that of the reference, by region, in the voxels that both estimated.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    reference : ParameterMaps
        Maps of the reference, of the slices compared.
    slices : Slices
        The slices compared.
    regions : sequence of Region
        Regions to compare.

    Returns
    -------
    list of RegionAgreement
        One for each region.
    """
    estimated, both = _both(maps, reference, slices)
    found = []
    for region in regions:
        voxels = np.zeros(array_of(maps.pdff).shape, bool)
        voxels[region.box] = region.voxels
        chosen = voxels[slices.first : slices.last + 1] & both
        found.append(RegionAgreement(region.name, bland_altman(estimated[chosen], reference.pdff[chosen])))
    return found


def add_difference(maps: MapNodes, reference: ParameterMaps, slices: Slices) -> Any:
    """Volume of the differences, run minus reference.

    Parameters
    ----------
    maps : MapNodes
        Maps of the run.
    reference : ParameterMaps
        Maps of the reference, of the slices compared.
    slices : Slices
        The slices compared.

    Returns
    -------
    vtkMRMLScalarVolumeNode
        Differences in percentage points on the grid of the run; 0 where there is none.
    """
    pdff = maps.pdff
    estimated, both = _both(maps, reference, slices)
    values = np.zeros(array_of(pdff).shape, np.float32)
    values[slices.first : slices.last + 1] = np.where(both, estimated - reference.pdff, 0.0)
    node = pdff.GetNodeReference(nodes.map_role(DIFFERENCE_ROLE))
    if node is None:
        name = nodes.node_name(f"PDFF difference from {METHOD.value}", pdff.GetAttribute(nodes.SOURCE_NAME) or "")
        node = pdff.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
        node.SetAttribute(nodes.ROLE, DIFFERENCE_ROLE)
        node.SetNodeReferenceID(nodes.PDFF_ROLE, pdff.GetID())
        pdff.SetNodeReferenceID(nodes.map_role(DIFFERENCE_ROLE), node.GetID())
        place_in_folder(maps, node)
    fill_volume(node, values, geometry_of(pdff))
    node.SetAndObserveTransformNodeID(pdff.GetTransformNodeID())
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(-WINDOW_POINTS, WINDOW_POINTS)
    display.SetAndObserveColorNodeID(color_node(pdff.GetScene(), "Difference").GetID())
    return node


def fill_agreement_table(maps: MapNodes, found: Sequence[RegionAgreement]) -> Any:
    """The numbers in a table node of the run; returns it."""
    scene, pdff = maps.pdff.GetScene(), maps.pdff
    table = pdff.GetNodeReference(f"AIDEAL.{TABLE_ROLE}")
    if table is None:
        name = nodes.node_name(f"Agreement with {METHOD.value}", pdff.GetAttribute(nodes.SOURCE_NAME) or "")
        table = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        table.SetAttribute(nodes.ROLE, TABLE_ROLE)
        pdff.SetNodeReferenceID(f"AIDEAL.{TABLE_ROLE}", table.GetID())
        place_in_folder(maps, table)
    table.RemoveAllColumns()
    columns: dict[str, list[Any]] = {
        "Segment": [row.name for row in found],
        "Voxels": [row.agreement.voxels for row in found],
        "Bias (points)": [row.agreement.bias for row in found],
        "SD (points)": [row.agreement.sd for row in found],
        "Lower limit (points)": [row.agreement.lower_limit for row in found],
        "Upper limit (points)": [row.agreement.upper_limit for row in found],
    }
    for title, values in columns.items():
        column = vtk.vtkStringArray() if title == "Segment" else vtk.vtkDoubleArray()
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    return table


def _both(maps: MapNodes, reference: ParameterMaps, slices: Slices) -> tuple[np.ndarray, np.ndarray]:
    """PDFF of the run on the slices, and the voxels that run and reference estimated."""
    arrays = map_arrays(maps)
    part = slice(slices.first, slices.last + 1)
    return arrays.pdff[part], arrays.mask[part] & reference.mask


def _local_position(volume: Any, slice_: int) -> tuple[float, float, float]:
    """Place (RAS, without the transforms a volume may be under) of the first voxel of a slice."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    x, y, z, _ = matrix.MultiplyPoint((0.0, 0.0, float(slice_), 1.0))
    return x, y, z
