"""Section 4: lobes to draw in, circles by one click, a plane to split the liver, regions of another scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from ...errors import AidealError
from ..regions import drawing, importing, owners, splitting
from ..regions.region import Region, regions_of
from ..regions.suggested import add_circles, suggest
from ..text import tr
from ..volumes import voxel_at
from ..wording import worded
from .context import Context

EDITOR_TAG = "AIDEALSegmentEditor"


class RegionsPanel:
    """Makes regions.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    points_added : callable
        Called when markups for circles were made.
    drawn : callable
        Returns the segments measured last.
    """

    def __init__(self, context: Context, points_added: Callable[[], None], drawn: Callable[[], list[Region]]) -> None:
        self._context, self._points_added, self._drawn = context, points_added, drawn
        self._plane: Any = None
        self._before_split: tuple[Any, Any] | None = None
        self._placing: tuple[Any, int] | None = None
        self._offered: tuple[Any, Any] | None = None
        ui = context.ui
        ui.segmentEditorWidget.autoShowSourceVolumeNode = False  # the views keep their maps
        ui.lobesButton.connect("clicked(bool)", self.onNewLobes)
        ui.importButton.connect("clicked(bool)", self.onImport)
        ui.copyRegionsButton.connect("clicked(bool)", self.onCopyRegions)
        ui.circleButton.connect("toggled(bool)", self.onCirclesToggled)
        ui.suggestButton.connect("clicked(bool)", self.onSuggest)
        ui.clearCirclesButton.connect("clicked(bool)", self.onClearCircles)
        ui.planeButton.connect("clicked(bool)", self.onPlane)
        ui.splitButton.connect("clicked(bool)", self.onSplit)
        ui.undoSplitButton.connect("clicked(bool)", self.onUndoSplit)

    def update(self) -> None:
        """Enable what maps and segmentation allow."""
        parameters, maps, ui = self._context.parameters(), self._context.maps(), self._context.ui
        for name in ("lobesButton", "importButton", "circleButton", "suggestButton", "clearCirclesButton", "planeButton"):
            getattr(ui, name).enabled = maps is not None
        segmentation = parameters.segmentation if parameters is not None else None
        ui.splitButton.enabled = maps is not None and segmentation is not None and self._splitting_plane() is not None
        ui.undoSplitButton.setVisible(self._before_split is not None and self._before_split[0] is segmentation)
        ui.copyRegionsButton.enabled = maps is not None and bool(self._offered or self._others())
        editor = ui.segmentEditorWidget
        editor.enabled = maps is not None
        if maps is not None and segmentation is not None:
            if editor.mrmlSegmentEditorNode() is None:
                editor.setMRMLSegmentEditorNode(self._editor_node())
            if editor.segmentationNode() is not segmentation:
                editor.setSegmentationNode(segmentation)
            if editor.sourceVolumeNode() not in (maps.pdff, maps.get("water", maps.pdff)):  # water: drawing by signal
                editor.setSourceVolumeNode(maps.pdff)

    def offer(self, segmentation: Any, scan: Any) -> None:
        """Offer to copy the regions of another scan; None for none."""
        self._offered = (segmentation, scan) if scan is not None else None
        if scan is not None:
            self._show(tr("The regions were drawn on '{scan}', another scan.").format(scan=owners.name_of(scan)))

    def onCopyRegions(self, *_: Any) -> None:
        """Copy the regions of another scan, such as an earlier visit, to this one."""
        parameters, maps = self._context.parameters(), self._context.maps()
        chosen = self._chosen_source() if parameters is not None and maps is not None else None
        if parameters is None or maps is None or chosen is None:
            return
        segmentation, scan = chosen
        self._offered = None
        parameters.segmentation = splitting.copy_regions(segmentation, scan, maps.pdff)
        self._show(tr("Copied from '{scan}'; check that they fit.").format(scan=owners.name_of(scan)))
        self._points_added()
        self.update()

    def _others(self) -> list[Any]:
        """Other scans that have regions."""
        maps = self._context.maps()
        return [scan for scan in owners.scans_with_regions(self._context.logic.scene) if maps is None or scan is not maps.scan]

    def _chosen_source(self) -> tuple[Any, Any] | None:
        """Segmentation (None for circles alone) and scan to copy from, None where none is chosen."""
        others = self._others()
        if self._offered is not None or not others:
            return self._offered
        number = 0
        if len(others) > 1:
            names = [owners.name_of(scan) for scan in others]
            number = self._context.dialogs.choose(tr("Copy the regions of which scan?"), names)
        if not 0 <= number < len(others):
            return None
        return owners.segmentation_of(self._context.logic.scene, others[number]), others[number]

    def onNewLobes(self, *_: Any) -> None:
        """A segmentation with two empty lobes."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is not None and maps is not None:
            parameters.segmentation = drawing.create_lobes(self._context.logic.scene, maps.pdff)
            self._context.ui.drawSection.collapsed = False

    def onImport(self, *_: Any) -> None:
        """Load segments from a file."""
        parameters, maps = self._context.parameters(), self._context.maps()
        pattern = "Segmentations (*.seg.nrrd *.nrrd *.nii *.nii.gz *.seg.nhdr *.mha);;All files (*)"
        paths = self._context.dialogs.open_files(tr("Import a segmentation"), pattern)
        if parameters is None or maps is None or not paths:
            return
        try:
            imported = importing.import_segmentation(self._context.logic.scene, paths[0])
        except (RuntimeError, AidealError) as error:
            self._context.dialogs.error(worded(error))
            return
        owners.claim(imported, maps.scan)
        parameters.segmentation = imported

    def onCirclesToggled(self, on: bool) -> None:
        """Start or stop placing circles."""
        scene, parameters, maps = self._context.logic.scene, self._context.parameters(), self._context.maps()
        interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
        self._watch(None)
        if not on or parameters is None or maps is None:
            if interaction is not None and not self._context.ui.fitButton.checked:
                interaction.SwitchToViewTransformMode()
            return
        self._context.ui.fitButton.checked = False
        points = drawing.roi_points(scene, parameters.roiPlace.value, maps.scan)
        self._watch(points)
        self._points_added()
        logic = slicer.modules.markups.logic()
        logic.SetActiveList(points)
        logic.StartPlaceMode(True)

    def place_changed(self) -> None:
        """Another lobe was chosen while circles are being placed."""
        if self._context.ui.circleButton.checked:
            self.onCirclesToggled(True)

    def onSuggest(self, *_: Any) -> None:
        """Suggest a circle in each lobe or segment of the segmentation; circles of these places are replaced."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None:
            return
        found = suggest(maps, regions_of(parameters.segmentation, maps.pdff), self._context.limits())
        for place in dict.fromkeys(circle.place for circle in found.circles):
            drawing.roi_points(self._context.logic.scene, place, maps.scan).RemoveAllControlPoints()
        if add_circles(self._context.logic.scene, maps, found):
            self._points_added()
        reasons = [circle.reason for circle in found.circles]
        self._context.ui.suggestButton.toolTip = "\n".join(reasons)
        lines = [tr("Suggested {count} circles.").format(count=len(reasons)), *found.without]
        self._context.ui.regionsMessageLabel.text = "\n".join(lines)

    def onPointPlaced(self, points: Any, *_: Any) -> None:
        """A circle was placed: in the other lobe than the one chosen, it belongs to that one once the click has ended."""
        number = points.GetNumberOfControlPoints() - 1
        if number >= 0:
            point_id = points.GetNthControlPointID(number)
            self._context.later(0, lambda: self._move_to_its_lobe(points, point_id))

    def onClearCircles(self, *_: Any) -> None:
        """Remove all circles of this scan, after asking."""
        maps = self._context.maps()
        points = drawing.all_roi_points(self._context.logic.scene, maps.scan if maps is not None else None)
        if any(node.GetNumberOfControlPoints() for node in points) and self._context.dialogs.confirm(tr("Remove all circles?")):
            for node in points:
                node.RemoveAllControlPoints()
            self._points_added()

    def onPlane(self, *_: Any) -> None:
        """A plane to be moved to the border of the lobes."""
        maps = self._context.maps()
        if maps is not None and self._splitting_plane() is None:
            self._plane = splitting.split_plane(self._context.logic.scene, maps.pdff)
        self.update()

    def onSplit(self, *_: Any) -> None:
        """Split the selected segment, or all of the liver, after asking where lobes are replaced."""
        parameters, maps = self._context.parameters(), self._context.maps()
        plane = self._splitting_plane()
        if parameters is None or maps is None or parameters.segmentation is None or plane is None:
            return
        segmentation = parameters.segmentation
        found = regions_of(segmentation, maps.pdff)
        editor = self._context.ui.segmentEditorWidget.mrmlSegmentEditorNode()
        chosen = splitting.to_split(found, (editor.GetSelectedSegmentID() or "") if editor is not None else "")
        if not chosen:
            self._show(tr("The segmentation is empty; draw or import the liver first."))
            return
        names = ", ".join(region.name for region in chosen)
        filled = [region.name for region in found if region.voxels.any()]
        lobes = [name for name in filled if name in (drawing.RIGHT_LOBE, drawing.LEFT_LOBE)]
        if lobes:
            text = tr("Split {names} by the plane? This replaces: {lobes}.").format(names=names, lobes=", ".join(lobes))
            if not self._context.dialogs.confirm(text):
                return
        self._before_split = (segmentation, splitting.snapshot(segmentation))
        splitting.split_by_plane(segmentation, [region.segment_id for region in chosen], plane, maps.pdff)
        self._show(tr("Split {name} into right and left lobe.").format(name=names))
        self.update()

    def onUndoSplit(self, *_: Any) -> None:
        """Put the segments back as they were before the last split."""
        if self._before_split is not None:
            splitting.restore(*self._before_split)
            self._before_split = None
            self._show(tr("The split was undone."))
            self._points_added()
            self.update()

    def end_placing(self) -> None:
        """Stop placing circles (the module is left)."""
        self._context.ui.circleButton.checked = False
        self._watch(None)

    def clear(self) -> None:
        """Drop what belonged to a scene that closes."""
        self.end_placing()
        self._before_split = self._offered = self._plane = None
        self._show("")

    def _move_to_its_lobe(self, points: Any, point_id: str) -> None:
        number = points.GetNthControlPointIndexByID(point_id) if points.GetScene() is not None else -1
        maps = self._context.maps()
        if number < 0 or maps is None:
            return
        ras = [0.0, 0.0, 0.0]
        points.GetNthControlPointPositionWorld(number, ras)
        where = voxel_at(maps.pdff, (ras[0], ras[1], ras[2]))
        place = points.GetAttribute("AIDEAL.Role").removeprefix(f"{drawing.ROI_POINTS_ROLE} ")
        lobes = {drawing.RIGHT_LOBE, drawing.LEFT_LOBE}
        inside = next((region.name for region in self._drawn() if region.name in lobes and region.holds(where)), place)
        if place in lobes and inside != place:
            points.RemoveNthControlPoint(number)
            drawing.add_circle(points.GetScene(), inside, (ras[0], ras[1], ras[2]), scan=maps.scan)
            self._show(tr("This circle lies in the {lobe}, and is named after it.").format(lobe=inside.lower()))
            self._points_added()

    def _watch(self, points: Any) -> None:
        if self._placing is not None:
            self._placing[0].RemoveObserver(self._placing[1])
        self._placing = None
        if points is not None:
            self._placing = (points, points.AddObserver(points.PointPositionDefinedEvent, self.onPointPlaced))

    def _splitting_plane(self) -> Any:
        if self._plane is None or self._plane.GetScene() is None:
            self._plane = self._context.logic.scene.GetFirstNodeByName("Lobe split")
        return self._plane

    def _editor_node(self) -> Any:
        scene = self._context.logic.scene
        found = scene.GetSingletonNode(EDITOR_TAG, "vtkMRMLSegmentEditorNode")
        if found is not None:
            return found
        node = scene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
        node.UnRegister(None)
        node.SetSingletonTag(EDITOR_TAG)
        return scene.AddNode(node)

    def _show(self, text: str) -> None:
        self._context.ui.regionsMessageLabel.text = text
