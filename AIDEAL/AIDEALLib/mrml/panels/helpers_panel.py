"""Helpers of section 4: another extension's liver segments, drawing by signal, a circle in all slices."""

from __future__ import annotations

from typing import Any

from ...errors import AidealError
from .. import nodes
from ..liver_segmenter import LiverSegmenter
from ..regions import helpers, owners
from ..regions.region import Region
from ..text import tr
from ..wording import worded
from .context import Context
from .numbers_panel import NumbersPanel


class HelpersPanel:
    """Makes drawing shorter.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    numbers : NumbersPanel
        Section of the numbers, whose selected row names a circle.
    segmenter : LiverSegmenter
        Draws the segments of the liver.
    """

    def __init__(self, context: Context, numbers: NumbersPanel, segmenter: LiverSegmenter) -> None:
        self._context, self._numbers, self._segmenter = context, numbers, segmenter
        ui = context.ui
        ui.totalSegmentatorButton.connect("clicked(bool)", self.onSegment)
        ui.signalCheckBox.connect("toggled(bool)", self.onSignal)
        ui.copyCircleButton.connect("clicked(bool)", self.onCopyCircle)

    def update(self) -> None:
        """Enable what maps and circles allow."""
        ui, maps = self._context.ui, self._context.maps()
        ui.totalSegmentatorButton.enabled = ui.copyCircleButton.enabled = maps is not None
        ui.signalCheckBox.enabled = maps is not None and "water" in maps
        if ui.signalCheckBox.checked and not ui.signalCheckBox.enabled:
            ui.signalCheckBox.checked = False
        elif ui.signalCheckBox.checked and maps is not None and not self._by_water(maps):  # another run was chosen
            self.onSignal(True)

    def _by_water(self, maps: nodes.MapNodes) -> bool:
        return bool(self._context.ui.segmentEditorWidget.sourceVolumeNode() is maps.get("water"))

    def onSegment(self, *_: Any) -> None:
        """Have the segments of the liver drawn, after asking."""
        parameters, maps, dialogs = self._context.parameters(), self._context.maps(), self._context.dialogs
        if parameters is None or maps is None:
            return
        if not self._segmenter.available():
            dialogs.error(tr("TotalSegmentator is not installed. Install it in the Extensions Manager and restart Slicer."))
            return
        question = tr(
            "Have TotalSegmentator draw the liver segments I to VIII on the water image? It may download its network, and "
            "takes minutes without a graphics card; Slicer waits meanwhile. Check its segments before you use their numbers."
        )
        if not dialogs.confirm(question):
            return
        scene = self._context.logic.scene
        name = nodes.node_name("Liver segments", maps.pdff.GetAttribute(nodes.SOURCE_NAME) or "")
        made = scene.AddNewNodeByClass(owners.SEGMENTATION, name)
        try:
            self._segmenter.segment(maps.get("water", maps.pdff), made)
        except AidealError as error:
            scene.RemoveNode(made)
            dialogs.error(worded(error))
            return
        made.CreateDefaultDisplayNodes()
        made.GetDisplayNode().SetOpacity2DFill(0.0)
        owners.claim(made, maps.scan)
        parameters.segmentation = made
        self._show(tr("Drawn by TotalSegmentator; check the segments, then suggest circles."))

    def onSignal(self, on: bool) -> None:
        """Limit the tools of the editor to the signal of the liver, or lift the limit."""
        maps, editor = self._context.maps(), self._context.ui.segmentEditorWidget
        node = editor.mrmlSegmentEditorNode()
        if node is None:
            if on:
                self._context.ui.signalCheckBox.checked = False
                self._show(tr("Make or choose a segmentation first."))
            return
        found = helpers.signal_range(maps, self._liver()) if on and maps is not None else None
        node.SetSourceVolumeIntensityMask(found is not None)
        if maps is not None:
            editor.setSourceVolumeNode(maps["water"] if found is not None else maps.pdff)
        if found is not None:
            node.SetSourceVolumeIntensityMaskRange(*found)
            text = tr("Drawing is limited to a water signal of {low:.0f} to {high:.0f}.")
            self._show(text.format(low=found[0], high=found[1]))

    def onCopyCircle(self, *_: Any) -> None:
        """Copy a circle to all slices of its lobe."""
        maps, live = self._context.maps(), self._numbers.live
        if maps is None:
            return
        name = live.rows[self._numbers.selected_row()].name if live.rows else ""
        found = helpers.find_circle(self._context.logic.scene, maps.scan, name)
        if found is None:
            self._show(tr("Place or suggest a circle first."))
            return
        points, number = found
        label = points.GetNthControlPointLabel(number)
        copies = helpers.copy_to_slices(maps, points, number, self._liver())
        live.points_added()
        self._show(tr("Copied {circle} to {count} slices.").format(circle=label, count=copies))

    def _liver(self) -> list[Region]:
        return [region for region in self._numbers.live.drawn if region.liver and region.voxels.any()]

    def _show(self, text: str) -> None:
        self._context.ui.regionsMessageLabel.text = text
