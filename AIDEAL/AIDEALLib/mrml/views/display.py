"""Maps side by side in linked views, with the uncertainty laid over the PDFF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from .. import nodes
from ..nodes import MapNodes
from ..volumes import array_of, world_position
from .anatomy import ECHO_1, anatomy_of
from .colors import TITLES, add_legends
from .layout import ANATOMY_VIEW, FOURTH_VIEW, PDFF_VIEW, SD_VIEW, VIEWS, widen_titles
from .overlay import Overlay, overlay_volume
from .shown_pdff import shown_pdff, window_pdff
from .turning import turn_view


@dataclass(frozen=True)
class ViewChoice:
    """Content of the views.

    Attributes
    ----------
    anatomy : str
        Image of the first view.
    fourth : str
        Map of the fourth view.
    pdff_maximum : float, percent
        Upper end of the PDFF window.
    overlay : Overlay
        Map laid over the PDFF.
    threshold : float
        Lowest value that the overlay shows, in the unit of its map.
    opacity : float
        Opacity of the overlay.
    """

    anatomy: str = "water"
    fourth: str = "r2star"
    pdff_maximum: float = 40.0
    overlay: Overlay = Overlay.TOTAL_SD
    threshold: float = 5.0
    opacity: float = 0.7


def slice_views(scene: Any) -> dict[str, tuple[Any, Any]]:
    """Slice node and composite node of each view of the module's layout that exists."""
    found: dict[str, tuple[Any, Any]] = {}
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
        if node.GetLayoutName() in VIEWS:
            composite = _composite(scene, node)
            if composite is not None:
                found[node.GetLayoutName()] = (node, composite)
    return found


def show_maps(maps: MapNodes, choice: ViewChoice, fit: bool = False) -> None:
    """Put the maps and the overlay into the views of the module's layout, and link them.

    Parameters
    ----------
    maps : MapNodes
        Maps of a run.
    choice : ViewChoice
        Content of the views.
    fit : bool
        Turn the views into the plane of the scan, and fit the image into them.
    """
    pdff = shown_pdff(maps)
    window_pdff(maps, choice.pdff_maximum)
    over = overlay_volume(maps, choice.overlay, choice.threshold)
    fourth, fourth_map = _fourth(maps, choice.fourth)
    anatomy = anatomy_of(maps, choice.anatomy)
    shown: dict[str, tuple[str, Any]] = {
        ANATOMY_VIEW: ("water" if anatomy is maps.get("water") else ECHO_1, anatomy),
        PDFF_VIEW: ("pdff", pdff),
        SD_VIEW: _third(maps, fourth),
        FOURTH_VIEW: (fourth, fourth_map),
    }
    views = slice_views(maps.pdff.GetScene())
    for name, (node, composite) in views.items():
        key, background = shown[name]
        if node.GetLayoutLabel() != TITLES[key]:
            node.SetLayoutLabel(TITLES[key])
        composite.SetLinkedControl(False)
        _set_layers(composite, background, over if name == PDFF_VIEW else None, choice.opacity)
        if fit:
            fit_to(node, background, maps.scan)
        composite.SetHotLinkedControl(True)
        composite.SetLinkedControl(True)
    add_legends(dict(shown[name] for name in views))
    widen_titles()


def show_scan(echo: Any, scan: Any) -> None:
    """Show the first echo of a scan that was not estimated yet, in its middle slice."""
    for name, (node, composite) in slice_views(echo.GetScene()).items():
        if name != ANATOMY_VIEW:
            continue
        node.SetLayoutLabel(TITLES[ECHO_1])
        composite.SetLinkedControl(False)
        _set_layers(composite, echo, None, 0.0)
        fit_to(node, echo, scan)
        node.JumpSliceByOffsetting(*middle_of(echo))


def middle_of(volume: Any) -> tuple[float, float, float]:
    """Middle of the middle slice of a volume (RAS)."""
    slices, rows, columns = array_of(volume).shape
    return world_position(volume, slices // 2, rows / 2, columns / 2)


def fit_to(node: Any, volume: Any, scan: Any = None) -> None:
    """Fit an image into a view.

    Parameters
    ----------
    node : vtkMRMLSliceNode
        The view, which is turned into the plane of the slices.
    volume : vtkMRMLScalarVolumeNode
        The image.
    scan : vtkMRMLNode, optional
        First node of its scan, which may be shown turned.
    """
    node.SetOrientation(_orientation_of(volume))
    node.RotateToVolumePlane(volume)
    turn_view(node, scan)
    logic = slicer.app.applicationLogic().GetSliceLogic(node)
    if logic is not None:
        logic.FitSliceToAll()
        logic.SnapSliceOffsetToIJK()


def _third(maps: MapNodes, fourth: str) -> tuple[str, Any]:
    """The SD of the PDFF, or beside a change between visits the PDFF of the later one."""
    later = maps.pdff.GetNodeReference(nodes.map_role("follow_up")) if fourth == "change" else None
    return ("follow_up", later) if later is not None else ("pdff_total_sd", maps.get("pdff_total_sd", maps.pdff))


def _fourth(maps: MapNodes, name: str) -> tuple[str, Any]:
    """Map of the fourth view, R2* where the one that was chosen does not exist (yet)."""
    found = maps.get(name) or maps.pdff.GetNodeReference(nodes.map_role(name))
    if found is not None:
        return name, found
    return ("r2star", maps["r2star"]) if "r2star" in maps else ("pdff", maps.pdff)


def _set_layers(composite: Any, background: Any, foreground: Any, opacity: float) -> None:
    composite.SetBackgroundVolumeID(background.GetID())
    composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
    composite.SetForegroundOpacity(opacity if foreground else 0.0)
    composite.SetLabelVolumeID(None)


def jump_to(scene: Any, ras: tuple[float, float, float]) -> None:
    """Move the views of the module's layout, or all slice views where it is not shown, to a position (RAS)."""
    views = [node for node, _ in slice_views(scene).values()]
    if not views:
        views = [
            scene.GetNthNodeByClass(i, "vtkMRMLSliceNode") for i in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode"))
        ]
    for node in views:
        node.JumpSliceByOffsetting(*ras)


def point_at(scene: Any, ras: tuple[float, float, float]) -> None:
    """Move the views to a position (RAS), and put the crosshair on it."""
    jump_to(scene, ras)
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairRAS(*ras)
        crosshair.SetCrosshairMode(crosshair.ShowSmallBasic)


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
