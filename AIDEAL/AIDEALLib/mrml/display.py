"""How maps look: fixed windows, our own colour maps, legends, the uncertainty overlay, and the linked 2x2 layout."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
import slicer
import vtk

from . import nodes
from .nodes import ALL_MAPS, LOW_CONFIDENCE, MapNodes
from .volumes import array_of, world_position

LAYOUT_MAPS, LAYOUT_MAPS_AND_NUMBERS = 5821, 5822
ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW = "AIDEALAnatomy", "AIDEALPDFF", "AIDEALSD", "AIDEALFourth"
VIEWS = (ANATOMY_VIEW, PDFF_VIEW, SD_VIEW, FOURTH_VIEW)
OVERLAY_ROLE = "overlay"

_Stops = tuple[tuple[float, float, float, float], ...]
_COLORS: dict[str, _Stops] = {
    "PDFF": (
        (0.00, 0.020, 0.000, 0.040),
        (0.06, 0.267, 0.005, 0.329),
        (0.25, 0.230, 0.322, 0.546),
        (0.50, 0.128, 0.567, 0.551),
        (0.75, 0.369, 0.789, 0.383),
        (1.00, 0.993, 0.906, 0.144),
    ),
    "Uncertainty": (
        (0.00, 0.001, 0.000, 0.014),
        (0.30, 0.342, 0.062, 0.429),
        (0.60, 0.735, 0.216, 0.330),
        (0.80, 0.961, 0.480, 0.109),
        (1.00, 0.988, 0.998, 0.645),
    ),
    "Relaxation": ((0.0, 0.0, 0.02, 0.08), (0.4, 0.10, 0.28, 0.55), (0.7, 0.25, 0.62, 0.75), (1.0, 0.95, 1.0, 0.95)),
    "Field": ((0.0, 0.10, 0.25, 0.70), (0.5, 0.96, 0.96, 0.96), (1.0, 0.72, 0.10, 0.15)),
    "Warning": ((0.0, 1.00, 0.92, 0.25), (0.5, 0.98, 0.45, 0.05), (1.0, 0.85, 0.0, 0.25)),
}
_COLOR_OF = {
    "pdff": "PDFF",
    "pdff_sd": "Uncertainty",
    "pdff_total_sd": "Uncertainty",
    "swap_probability": "Uncertainty",
    "r2star": "Relaxation",
    "r2star_sd": "Uncertainty",
    "field": "Field",
    "field_sd": "Uncertainty",
    "residual": "Uncertainty",
}

_LEGEND_TITLES = {
    "pdff": "PDFF",
    "pdff_sd": "SD",
    "pdff_total_sd": "SD",
    "swap_probability": "P(swap)",
    "r2star": "R2*",
    "r2star_sd": "R2* SD",
    "field": "Field",
    "field_sd": "Field SD",
    "residual": "Residual",
}


class Overlay(Enum):
    """What lies on the PDFF. The value is the map's name."""

    NONE = ""
    TOTAL_SD = "pdff_total_sd"
    SWAP = "swap_probability"
    LOW_CONFIDENCE = LOW_CONFIDENCE

    def label(self) -> str:
        """Text of the combo box."""
        return {"": "None", "pdff_total_sd": "PDFF SD", "swap_probability": "Swap probability"}.get(
            self.value, "Low confidence"
        )


OVERLAY_RANGES: dict[Overlay, tuple[float, float, float]] = {
    Overlay.TOTAL_SD: (0.0, 10.0, 5.0),
    Overlay.SWAP: (0.0, 1.0, 0.05),
    Overlay.LOW_CONFIDENCE: (0.0, 1.0, 0.5),
}
"""Lowest, highest and first threshold of each overlay, in its unit."""


@dataclass(frozen=True)
class ViewChoice:
    """What the views show: the fourth view's map, the PDFF window's upper end, and the overlay."""

    fourth: str = "r2star"
    pdff_maximum: float = 40.0
    overlay: Overlay = Overlay.TOTAL_SD
    threshold: float = 5.0
    opacity: float = 0.7


def color_node(scene: Any, name: str) -> Any:
    """Our procedural colour map of a name; made when it is not in the scene yet."""
    role = f"colors {name}"
    node = nodes.find_by_role(scene, "vtkMRMLProceduralColorNode", role)
    if node is not None:
        return node
    node = scene.AddNewNodeByClass("vtkMRMLProceduralColorNode", f"AIDEAL {name}")
    node.SetAttribute(nodes.ROLE, role)
    function = vtk.vtkColorTransferFunction()
    function.SetColorSpaceToRGB()
    for position, red, green, blue in _COLORS[name]:
        function.AddRGBPoint(255.0 * position, red, green, blue)
    node.SetAndObserveColorTransferFunction(function)
    node.SetHideFromEditors(False)
    return node


def window_of(key: str, volume: Any) -> tuple[float, float]:
    """Fixed window of a map; for maps without one, from the data (symmetric about 0 for the field)."""
    fixed = ALL_MAPS[key].window
    if fixed:
        return fixed
    values = array_of(volume)
    seen = np.abs(values[np.isfinite(values) & (values != 0)])
    high = float(np.percentile(seen, 99.0)) if seen.size else 1.0  # a few wild voxels must not turn the image dark
    return (-high if key == "field" else 0.0), high


def set_up_volume_display(volume: Any, key: str) -> None:
    """Window, colours and no automatic levels for a map."""
    volume.CreateDefaultDisplayNodes()
    display = volume.GetDisplayNode()
    scene = volume.GetScene()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(*window_of(key, volume))
    display.ApplyThresholdOff()
    name = _COLOR_OF.get(key)
    display.SetAndObserveColorNodeID(color_node(scene, name).GetID() if name else "vtkMRMLColorTableNodeGrey")


def set_pdff_maximum(maps: MapNodes, maximum: float) -> None:
    """Window the PDFF from 0 to `maximum` percent."""
    maps.pdff.GetDisplayNode().SetWindowLevelMinMax(0.0, float(maximum))


def add_legend(volume: Any, title: str) -> Any:
    """A small colour legend for a volume; found again when it has one."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(volume)
    legend.SetTitleText(title)
    legend.SetSize(0.07, 0.35)
    legend.SetPosition(0.985, 0.06)
    legend.SetNumberOfLabels(5)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(13)
        text.SetBold(False)
        text.SetShadow(True)
    legend.SetVisibility(True)
    return legend


def add_legends(maps: MapNodes) -> None:
    """Legends of all maps that have a colour scale."""
    for key, volume in maps:
        if key in _COLOR_OF:
            unit = ALL_MAPS[key].unit
            title = _LEGEND_TITLES.get(key, ALL_MAPS[key].title)
            legend = add_legend(volume, title if unit == "1" else f"{title} {unit}")
            if window_of(key, volume)[1] <= 1.0:
                legend.SetLabelFormat("%.2f" if "%" in legend.GetLabelFormat() else "{:.2f}")
            else:
                legend.SetLabelFormat("%.0f" if "%" in legend.GetLabelFormat() else "{:.0f}")


def overlay_volume(maps: MapNodes, overlay: Overlay, threshold: float) -> Any:
    """The volume laid over the PDFF: shows a map's voxels above a threshold, in warning colours; None for no overlay.

    It shares the voxels of the map, but has a display of its own, so that the threshold leaves the map's own view alone.
    """
    pdff = maps.pdff
    scene = pdff.GetScene()
    node = pdff.GetNodeReference(nodes.map_role(OVERLAY_ROLE))
    if overlay is Overlay.NONE or overlay.value not in maps:
        return None
    source = maps[overlay.value]
    if node is None:
        node = scene.AddNewNodeByClass(
            "vtkMRMLScalarVolumeNode", f"{pdff.GetAttribute(nodes.SOURCE_NAME) or ''} Overlay".strip()
        )
        node.SetAttribute(nodes.ROLE, OVERLAY_ROLE)
        pdff.SetNodeReferenceID(nodes.map_role(OVERLAY_ROLE), node.GetID())
        node.CreateDefaultDisplayNodes()
        matrix = vtk.vtkMatrix4x4()
        pdff.GetIJKToRASMatrix(matrix)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveTransformNodeID(pdff.GetTransformNodeID())
    if node.GetImageData() is not source.GetImageData():
        node.SetAndObserveImageData(source.GetImageData())
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetAndObserveColorNodeID(color_node(scene, "Warning").GetID())
    highest = OVERLAY_RANGES[overlay][1]
    display.SetWindowLevelMinMax(min(threshold, 0.9 * highest), highest)
    display.SetInterpolate(False)
    display.AutoThresholdOff()
    display.SetThreshold(threshold, max(1e6, float(source.GetImageData().GetScalarRange()[1])))
    display.ApplyThresholdOn()
    return node


def layout_xml(with_numbers: bool) -> str:
    """Description of the 2x2 layout, with a plot and a table below it or without."""

    def view(tag: str, label: str, color: str) -> str:
        return (
            f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}">'
            '<property name="orientation" action="default">Axial</property>'
            f'<property name="viewlabel" action="default">{label}</property>'
            f'<property name="viewcolor" action="default">{color}</property></view></item>'
        )

    def row(*items: str) -> str:
        return f'<item><layout type="horizontal" split="true">{"".join(items)}</layout></item>'

    rows = row(view(ANATOMY_VIEW, "Anatomy", "#9a9a9a"), view(PDFF_VIEW, "PDFF", "#5ec962")) + row(
        view(SD_VIEW, "SD", "#f58b1d"), view(FOURTH_VIEW, "R2*", "#3f8fc4")
    )
    if with_numbers:
        rows += row(
            '<item><view class="vtkMRMLPlotViewNode" singletontag="AIDEALPlot">'
            '<property name="viewlabel" action="default">Fit</property></view></item>',
            '<item><view class="vtkMRMLTableViewNode" singletontag="AIDEALTable">'
            '<property name="viewlabel" action="default">Numbers</property></view></item>',
        )
    return f'<layout type="vertical" split="true">{rows}</layout>'


def register_layouts(scene: Any) -> Any:
    """Make our layouts known to the scene's layout node, and return it; None where there is none."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        return None
    for number, with_numbers in ((LAYOUT_MAPS, False), (LAYOUT_MAPS_AND_NUMBERS, True)):
        if layout.IsLayoutDescription(number):
            layout.SetLayoutDescription(number, layout_xml(with_numbers))
        else:
            layout.AddLayoutDescription(number, layout_xml(with_numbers))
    return layout


def show_layout(scene: Any, with_numbers: bool = False) -> None:
    """Switch to our layout; nothing happens where there is no layout (no main window)."""
    layout = register_layouts(scene)
    if layout is not None:
        layout.SetViewArrangement(LAYOUT_MAPS_AND_NUMBERS if with_numbers else LAYOUT_MAPS)


def slice_views(scene: Any) -> dict[str, tuple[Any, Any]]:
    """Slice node and composite node of each of our views that is there."""
    found: dict[str, tuple[Any, Any]] = {}
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
        if node.GetLayoutName() in VIEWS:
            composite = _composite(scene, node)
            if composite is not None:
                found[node.GetLayoutName()] = (node, composite)
    return found


def anatomy_of(maps: MapNodes) -> Any:
    """What the first view shows: the water image."""
    return maps.get("water", maps.pdff)


def show_maps(maps: MapNodes, choice: ViewChoice, fit: bool = False) -> None:
    """Put the maps and the overlay into our views, and link them.

    Parameters
    ----------
    fit : also turn the views into the plane of the scan and fit the image into them.
    """
    scene = maps.pdff.GetScene()
    set_pdff_maximum(maps, choice.pdff_maximum)
    over = overlay_volume(maps, choice.overlay, choice.threshold)
    fourth = maps.get(choice.fourth, maps.pdff)
    shown = {
        ANATOMY_VIEW: (anatomy_of(maps), None),
        PDFF_VIEW: (maps.pdff, over),
        SD_VIEW: (maps.get("pdff_total_sd", maps.pdff), None),
        FOURTH_VIEW: (fourth, None),
    }
    for name, (node, composite) in slice_views(scene).items():
        background, foreground = shown[name]
        composite.SetLinkedControl(False)
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
        composite.SetForegroundOpacity(choice.opacity if foreground else 0.0)
        composite.SetLabelVolumeID(None)
        if fit:
            node.SetOrientation(_orientation_of(maps.pdff))
            node.RotateToVolumePlane(maps.pdff)
            logic = slicer.app.applicationLogic().GetSliceLogic(node)
            if logic is not None:
                logic.FitSliceToAll()
                logic.SnapSliceOffsetToIJK()
        composite.SetHotLinkedControl(True)
        composite.SetLinkedControl(True)
    add_legends(maps)


def jump_to(scene: Any, ras: tuple[float, float, float]) -> None:
    """Move our views (all slice views where ours are not shown) to a position."""
    views = [node for node, _ in slice_views(scene).values()]
    if not views:
        views = [
            scene.GetNthNodeByClass(i, "vtkMRMLSliceNode") for i in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode"))
        ]
    for node in views:
        node.JumpSliceByOffsetting(*ras)


def current_slice(maps: MapNodes) -> int:
    """Slice of the maps that the PDFF view shows; 0 when there is no such view."""
    views = slice_views(maps.pdff.GetScene())
    slices, rows, columns = array_of(maps.pdff).shape
    if PDFF_VIEW not in views:
        return 0
    node = views[PDFF_VIEW][0]
    to_ras = node.GetSliceToRAS()
    normal = [to_ras.GetElement(axis, 2) for axis in range(3)]
    distance = []
    for index in range(slices):
        position = world_position(maps.pdff, index, rows / 2, columns / 2)
        distance.append(
            abs(sum(n * (p - to_ras.GetElement(axis, 3)) for axis, (n, p) in enumerate(zip(normal, position, strict=True))))
        )
    return int(min(range(slices), key=distance.__getitem__))


def _orientation_of(volume: Any) -> str:
    """The standard orientation nearest to the plane of a volume's slices."""
    middle, step = world_position(volume, 0, 0, 0), world_position(volume, 1, 0, 0)
    along = [abs(b - a) for a, b in zip(middle, step, strict=True)]
    return ("Sagittal", "Coronal", "Axial")[along.index(max(along))]


def _composite(scene: Any, slice_node: Any) -> Any:
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(index, "vtkMRMLSliceCompositeNode")
        if composite.GetLayoutName() == slice_node.GetLayoutName():
            return composite
    return None
