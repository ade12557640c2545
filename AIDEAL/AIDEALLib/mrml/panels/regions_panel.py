"""Section 4: lobes to draw in, circles by one click, a plane to split the liver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

from ...errors import AidealError
from ..regions import drawing
from ..regions.measure import regions_of
from ..regions.suggested import add_circles, suggest
from ..text import tr
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
    """

    def __init__(self, context: Context, points_added: Callable[[], None]) -> None:
        self._context, self._points_added = context, points_added
        self._plane: Any = None
        ui = context.ui
        ui.lobesButton.connect("clicked(bool)", self.onNewLobes)
        ui.importButton.connect("clicked(bool)", self.onImport)
        ui.circleButton.connect("toggled(bool)", self.onCirclesToggled)
        ui.suggestButton.connect("clicked(bool)", self.onSuggest)
        ui.clearCirclesButton.connect("clicked(bool)", self.onClearCircles)
        ui.planeButton.connect("clicked(bool)", self.onPlane)
        ui.splitButton.connect("clicked(bool)", self.onSplit)

    def update(self) -> None:
        """Enable what maps and segmentation allow."""
        parameters, maps, ui = self._context.parameters(), self._context.maps(), self._context.ui
        for name in ("lobesButton", "importButton", "circleButton", "suggestButton", "clearCirclesButton", "planeButton"):
            getattr(ui, name).enabled = maps is not None
        segmentation = parameters.segmentation if parameters is not None else None
        ui.splitButton.enabled = maps is not None and segmentation is not None and self._splitting_plane() is not None
        editor = ui.segmentEditorWidget
        editor.enabled = maps is not None
        if maps is not None and segmentation is not None:
            if editor.mrmlSegmentEditorNode() is None:
                editor.setMRMLSegmentEditorNode(self._editor_node())
            if editor.segmentationNode() is not segmentation:
                editor.setSegmentationNode(segmentation)
            if editor.sourceVolumeNode() is not maps.pdff:
                editor.setSourceVolumeNode(maps.pdff)

    def onNewLobes(self, *_: Any) -> None:
        """A segmentation with two empty lobes."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is not None and maps is not None:
            parameters.segmentation = drawing.create_lobes(self._context.logic.scene, maps.pdff)

    def onImport(self, *_: Any) -> None:
        """Load segments from a file."""
        parameters = self._context.parameters()
        pattern = "Segmentations (*.seg.nrrd *.nrrd *.nii *.nii.gz *.seg.nhdr *.mha);;All files (*)"
        paths = self._context.dialogs.open_files(tr("Import a segmentation"), pattern)
        if parameters is None or not paths:
            return
        try:
            parameters.segmentation = slicer.util.loadSegmentation(str(paths[0]))
        except (RuntimeError, AidealError) as error:
            self._context.dialogs.error(worded(error))

    def onCirclesToggled(self, on: bool) -> None:
        """Start or stop placing circles."""
        scene, parameters = self._context.logic.scene, self._context.parameters()
        interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
        if not on or parameters is None:
            if interaction is not None and not self._context.ui.fitButton.checked:
                interaction.SwitchToViewTransformMode()
            return
        self._context.ui.fitButton.checked = False
        points = drawing.roi_points(scene, parameters.roiPlace.value)
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
            drawing.roi_points(self._context.logic.scene, place).RemoveAllControlPoints()
        if add_circles(self._context.logic.scene, maps, found):
            self._points_added()
        reasons = [circle.reason for circle in found.circles]
        self._context.ui.suggestButton.toolTip = "\n".join(reasons)
        lines = [tr("Suggested {count} circles.").format(count=len(reasons)), *found.without]
        self._context.ui.regionsMessageLabel.text = "\n".join(lines)

    def onClearCircles(self, *_: Any) -> None:
        """Remove all circles, after asking."""
        points = drawing.all_roi_points(self._context.logic.scene)
        if points and self._context.dialogs.confirm(tr("Remove all circles?")):
            for node in points:
                node.RemoveAllControlPoints()
            self._points_added()

    def onPlane(self, *_: Any) -> None:
        """A plane to be moved to the border of the lobes."""
        maps = self._context.maps()
        if maps is not None and self._splitting_plane() is None:
            self._plane = drawing.split_plane(self._context.logic.scene, maps.pdff)
        self.update()

    def onSplit(self, *_: Any) -> None:
        """Split the first segment that has voxels."""
        parameters, maps = self._context.parameters(), self._context.maps()
        plane = self._splitting_plane()
        if parameters is None or maps is None or parameters.segmentation is None or plane is None:
            return
        filled = [region for region in regions_of(parameters.segmentation, maps.pdff) if region.voxels.any()]
        if not filled:
            self._show(tr("The segmentation is empty; draw or import the liver first."))
            return
        drawing.split_by_plane(parameters.segmentation, filled[0].segment_id, plane, maps.pdff)
        self._show(tr("Split {name} into right and left lobe.").format(name=filled[0].name))

    def end_placing(self) -> None:
        """Stop placing circles (the module is left)."""
        self._context.ui.circleButton.checked = False

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
