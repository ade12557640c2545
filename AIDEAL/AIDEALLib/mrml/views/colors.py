"""Colours of maps: fixed windows, colour maps, legends."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from .. import nodes
from ..nodes import ALL_MAPS
from ..volumes import array_of

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
    "Difference": ((0.0, 0.35, 0.65, 1.00), (0.5, 0.04, 0.04, 0.05), (1.0, 1.00, 0.45, 0.25)),
    "Marked": ((0.0, 1.00, 0.70, 1.00), (0.5, 1.00, 0.0, 1.00), (1.0, 0.80, 0.0, 0.80)),  # in no colour of the PDFF
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
    "difference": "Difference",
    "change": "Difference",
    "follow_up": "PDFF",
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
    "difference": "",
    "change": "",
    "follow_up": "PDFF",
}
TITLES = {
    **_LEGEND_TITLES,
    "water": "Water",
    "fat": "Fat",
    "echo_1": "Echo 1",
    "pdff_total_sd": "PDFF SD",
    "pdff_sd": "Mode SD",
    "difference": "Diff.",
    "change": "Change",
    "follow_up": "Later",
}
LONGEST_TITLE = 8
"""Title of a view by the map that it shows, at most so many characters: a narrow view cuts longer ones."""


def color_node(scene: Any, name: str) -> Any:
    """Procedural colour map by its name, made where the scene has none."""
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
    node.SetHideFromEditors(True)
    return node


_MOST_SAMPLES = 200_000
_BODY_PERCENTILE, _HEADROOM = 90.0, 1.25
"""Bright tissue next to a coil must not darken the rest of the body."""


def window_of(key: str, volume: Any) -> tuple[float, float]:
    """Fixed window of a map; of maps without one by percentiles of the body, symmetric about 0 for the field."""
    fixed = ALL_MAPS["pdff" if key == "follow_up" else key].window if key in (*ALL_MAPS, "follow_up") else None
    if fixed:
        return fixed
    values = array_of(volume).ravel()
    values = values[:: max(values.size // _MOST_SAMPLES, 1)]
    seen = np.abs(values[np.isfinite(values) & (values != 0)])
    if not seen.size:
        return 0.0, 1.0
    if key == "field":
        high = float(np.percentile(seen, 99.0))
        return -high, high
    body = seen[seen > 0.1 * np.percentile(seen, _BODY_PERCENTILE)]
    return 0.0, max(_HEADROOM * float(np.percentile(body, _BODY_PERCENTILE)), 1e-6)


def create_display(volume: Any) -> None:
    """Give a volume that has no voxels yet a display node: with voxels, automatic levels are computed from all of them."""
    volume.CreateDefaultDisplayNodes()
    volume.GetDisplayNode().AutoWindowLevelOff()


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


def add_legend(volume: Any, title: str) -> Any:
    """Small colour legend of a volume, made once."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(volume)
    legend.SetTitleText(title)
    legend.SetSize(0.07, 0.35)
    legend.SetPosition(0.985, 0.06)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(13)
        text.SetBold(False)
        text.SetShadow(True)
    legend.SetVisibility(True)
    return legend


def add_legends(volumes: dict[str, Any]) -> None:
    """Legends of the maps (by name) that have a colour scale."""
    for key, volume in volumes.items():
        if key not in _COLOR_OF:
            continue
        unit = ALL_MAPS["pdff" if key == "follow_up" else key].unit if key in (*ALL_MAPS, "follow_up") else "points"
        legend = add_legend(volume, _LEGEND_TITLES[key] if unit == "1" else f"{_LEGEND_TITLES[key]} {unit}".strip())
        high = volume.GetDisplayNode().GetWindowLevelMax()
        legend.SetNumberOfLabels(6 if high % 4 else 5)  # whole numbers: 0, 2 .. 10, but 0, 10 .. 40
        places = 2 if high <= 1.0 else 0
        legend.SetLabelFormat(f"%.{places}f" if "%" in legend.GetLabelFormat() else f"{{:.{places}f}}")
        legend.Modified()  # its views keep the last title otherwise
