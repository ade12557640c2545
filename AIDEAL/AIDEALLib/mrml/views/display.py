"""Maps side by side in linked views, with the uncertainty laid over the PDFF."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from ..nodes import MapNodes
from ..volumes import array_of, world_position
from .anatomy import anatomy_of
from .colors import add_legends, set_pdff_maximum
from .layout import ANATOMY_VIEW, FOURTH_VIEW, PDFF_VIEW, SD_VIEW, VIEWS
from .overlay import Overlay, overlay_volume


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
    scene = maps.pdff.GetScene()
    set_pdff_maximum(maps, choice.pdff_maximum)
    over = overlay_volume(maps, choice.overlay, choice.threshold)
    fourth = maps.get(choice.fourth, maps.pdff)
    shown = {
        ANATOMY_VIEW: (anatomy_of(maps, choice.anatomy), None),
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
    """Move the views of the module's layout, or all slice views where it is not shown, to a position (RAS)."""
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
