"""Section 3: views, windows, overlay, jumps, values under the mouse, and the fit at a click."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...statistics import LowConfidence
from .. import nodes
from ..regions import drawing, owners, places
from ..regions.region import Region
from ..results import probe
from ..results.maps import update_low_confidence
from ..scan.scene_scan import SceneScan
from ..scan.sources import scan_of_maps
from ..text import tr
from ..views import display, layout, solid, turning
from ..views.anatomy import ECHO_1, add_first_echo, first_echo
from ..views.colors import set_up_volume_display
from ..views.overlay import OVERLAY_RANGES, OVERLAY_ROLE, Overlay
from ..views.shown_pdff import shown_pdff, window_pdff
from ..views.window_transfer import WindowTransfer
from ..volumes import array_of, world_position
from .context import Context

_WITH_MAPS = (
    "showButton",
    "showNumbersButton",
    "showLiverButton",
    "resetWindowsButton",
    "nextLowButton",
    "domeButton",
)
"""Buttons that need the maps of a run."""


class ViewsPanel:
    """Shows the maps of the chosen run.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    regions : callable
        Returns the regions measured last.
    scan : callable
        Returns the scan chosen.
    """

    def __init__(self, context: Context, regions: Callable[[], list[Region]], scan: Callable[[], SceneScan]) -> None:
        self._context, self._regions, self._scan = context, regions, scan
        self._observed: list[tuple[Any, int]] = []
        self._overlay: tuple[Overlay, LowConfidence] | None = None
        self._limits: tuple[str, LowConfidence] | None = None
        self._last_overlay = Overlay.TOTAL_SD
        self._shown: tuple[Any, ...] | None = None
        self._window = WindowTransfer()
        ui = context.ui
        ui.mapsSelector.addAttribute("vtkMRMLScalarVolumeNode", nodes.MAP, "pdff")
        ui.showButton.connect("clicked(bool)", self.onShow)
        ui.showNumbersButton.connect("clicked(bool)", self.onShowNumbers)
        ui.showLiverButton.connect("clicked(bool)", self.onShowLiver)
        ui.rotateButton.connect("clicked(bool)", self.onRotate)
        ui.flipButton.connect("clicked(bool)", self.onMirror)
        ui.resetWindowsButton.connect("clicked(bool)", self.onResetWindows)
        ui.nextLowButton.connect("clicked(bool)", self.onNextLow)
        ui.domeButton.connect("clicked(bool)", self.onDome)

    def update(self) -> None:
        """Apply windows, overlay and the fourth view's map to the views that are shown."""
        parameters, maps, ui = self._context.parameters(), self._context.maps(), self._context.ui
        for name in _WITH_MAPS:
            getattr(ui, name).enabled = maps is not None
        for button in (ui.rotateButton, ui.flipButton):
            button.setVisible(self._scan().without_orientation)
        if parameters is None:
            return
        if (parameters.overlay, self._context.limits()) != self._overlay:
            self._set_up_threshold(parameters)
        ui.opacitySlider.enabled = parameters.overlay is not Overlay.NONE
        ui.thresholdSlider.enabled = parameters.overlay in (Overlay.TOTAL_SD, Overlay.SWAP)
        if maps is not None:
            self._apply_limits(maps)
            if parameters.anatomy.value == ECHO_1:
                add_first_echo(maps, scan_of_maps(maps))
            self._show_maps(maps, self._choice(parameters))

    def _show_maps(self, maps: nodes.MapNodes, choice: display.ViewChoice, fit: bool = False) -> None:
        """Put the maps into the views, where anything of them has changed: this is called after every change in the panel."""
        views = tuple(display.slice_views(self._context.logic.scene))
        fourth = maps.pdff.GetNodeReferenceID(nodes.map_role(choice.fourth))  # a difference may be made later
        shown = (maps.pdff.GetID(), maps.pdff.GetImageData().GetMTime(), choice, views, fourth)
        if fit or shown != self._shown:
            self._shown = shown
            self._window.stop()
            display.show_maps(maps, choice, fit)
            over = nodes.helper_of(maps.pdff, OVERLAY_ROLE) if choice.overlay is not Overlay.NONE else None
            self._window.watch(over, shown_pdff(maps))

    def _apply_limits(self, maps: nodes.MapNodes) -> None:
        """Mark the voxels of low confidence when the limits or the run have changed."""
        current = (maps.pdff.GetID(), self._context.limits())
        if current != self._limits:
            self._limits = current
            update_low_confidence(maps, self._context.limits())

    def parameters_replaced(self) -> None:
        """Another parameter node was connected (a scene was loaded): keep its threshold."""
        self._overlay = self._limits = self._shown = None

    def onShow(self, *_: Any) -> None:
        """Switch to the four linked views."""
        self.show()

    def onShowNumbers(self, *_: Any) -> None:
        """The four views with plot and table below."""
        self.show(layout.LAYOUT_MAPS_AND_NUMBERS)

    def onShowLiver(self, *_: Any) -> None:
        """Three views, and lobes with circles in three dimensions."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None:
            return
        self.show(layout.LAYOUT_3D)
        if not solid.show_solid(self._drawn(parameters, maps), self._context.logic.scene):
            self._show_text(tr("Nothing is drawn that could be shown in 3-D: draw a lobe or place a circle first."))

    def _drawn(self, parameters: Any, maps: nodes.MapNodes) -> list[Any]:
        """Segmentations of lobes and of circles, None where there is none."""
        circles = owners.find(self._context.logic.scene, owners.SEGMENTATION, drawing.ROI_CIRCLES_ROLE, maps.scan)
        return [parameters.segmentation, circles]

    def onRotate(self, *_: Any) -> None:
        """Turn the images of a scan without orientation by a quarter."""
        self._turn(turning.rotate)

    def onMirror(self, *_: Any) -> None:
        """Mirror the images of a scan without orientation."""
        self._turn(turning.mirror)

    def _turn(self, turn: Callable[[Any], None]) -> None:
        scan, maps, parameters = self._scan(), self._context.maps(), self._context.parameters()
        if not scan.sources or parameters is None:
            return
        turn(scan.sources[0] if maps is None else maps.scan)
        if maps is None:
            self.show_scan(scan)
        else:
            self._show_maps(maps, self._choice(parameters), fit=True)

    def show(self, number: int = layout.LAYOUT_MAPS) -> None:
        """Switch to a layout, put the maps into it, and fit them."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None:
            return
        scene = self._context.logic.scene
        if number != layout.LAYOUT_3D:
            solid.hide_solid(self._drawn(parameters, maps))
        layout.show_layout(scene, number)
        self._show_maps(maps, self._choice(parameters), fit=True)
        display.jump_to(scene, display.middle_of(maps.pdff))
        layout.show_table(scene, nodes.helper_of(maps.pdff, "shown_numbers"))

    def show_scan(self, scan: SceneScan) -> bool:
        """Show the first echo of a scan that was not estimated yet; False while it has none to show."""
        echo = first_echo(scan)
        if echo is not None:
            layout.show_layout(self._context.logic.scene, layout.LAYOUT_SCAN)
            display.show_scan(echo, scan.sources[0])
        return echo is not None

    def onResetWindows(self, *_: Any) -> None:
        """Windows as the module sets them, after they were changed by the mouse."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None:
            return
        for key, volume in maps:
            set_up_volume_display(volume, key)
        window_pdff(maps, float(parameters.pdffWindow.value), reset=True)
        self._shown = None
        self._show_maps(maps, self._choice(parameters))

    def onNextLow(self, *_: Any) -> None:
        """Go to the next slice of low confidence."""
        maps = self._context.maps()
        if maps is None:
            return
        index = places.next_low_confidence_slice(maps, self._regions(), display.current_slice(maps), self._context.limits())
        if index is None:
            self._show_text(tr("No slice with low confidence: everywhere less than 2 % of the voxels."))
            return
        _, rows, columns = array_of(maps.pdff).shape
        display.jump_to(self._context.logic.scene, world_position(maps.pdff, index, rows / 2, columns / 2))
        self._show_text(tr("Slice {number}").format(number=index + 1))

    def onOverlay(self, *_: Any) -> None:
        """Switch the overlay off, and on again with the map it had."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        if parameters.overlay is Overlay.NONE:
            parameters.overlay = self._last_overlay
        else:
            self._last_overlay, parameters.overlay = parameters.overlay, Overlay.NONE

    def onDome(self, *_: Any) -> None:
        """Go to the uppermost slice of the regions, or to the slice where the field is steepest below the lung."""
        maps = self._context.maps()
        if maps is None:
            return
        ras, how = places.dome(maps, self._regions()), tr("Uppermost slice of the regions.")
        if ras is None:
            ras = places.dome_by_field(maps)
            how = tr(
                "No region is drawn, so this is a guess: the slice in the upper right quarter of the body where the field is "
                "steepest, as it is below the lung. Draw the liver to go to its top."
            )
        if ras is None:
            self._show_text(tr("Draw the liver (or place a circle) first: the dome is the uppermost slice of the regions."))
            return
        display.jump_to(self._context.logic.scene, ras)
        self._show_text(how)

    def watch_cursor(self) -> None:
        """Follow the mouse over the views of the module, whose layouts are registered first."""
        layout.register_layouts(self._context.logic.scene)
        crosshair = self._context.logic.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if crosshair is not None:
            self._observe(crosshair, crosshair.CursorPositionModifiedEvent, self.onCursor)

    def onCursor(self, crosshair: Any, *_: Any) -> None:
        """Values under the mouse."""
        maps = self._context.maps()
        ras = [0.0, 0.0, 0.0]
        if maps is not None and crosshair.GetCursorPositionRAS(ras):
            text = probe.describe(maps, (ras[0], ras[1], ras[2]))
            if text:
                self._show_text(text)

    def stop_watching(self) -> None:
        """Drop all observers."""
        self._window.stop()
        self._shown = None
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed.clear()

    def _observe(self, node: Any, event: int, function: Callable[..., None]) -> None:
        if not any(known is node for known, _ in self._observed):
            self._observed.append((node, node.AddObserver(event, function)))

    def _choice(self, parameters: Any) -> display.ViewChoice:
        return display.ViewChoice(
            anatomy=parameters.anatomy.value,
            fourth=parameters.fourthMap.value,
            pdff_maximum=float(parameters.pdffWindow.value),
            overlay=parameters.overlay,
            threshold=parameters.overlayThreshold,
            opacity=parameters.overlayOpacity,
        )

    def _set_up_threshold(self, parameters: Any) -> None:
        """Range of the slider for the chosen overlay; its threshold at the limit, unless the scene holds one."""
        loaded, self._overlay = self._overlay is None, (parameters.overlay, self._context.limits())
        if parameters.overlay is Overlay.NONE:
            return
        low, high = OVERLAY_RANGES[parameters.overlay]
        limits = self._context.limits()
        usual = {Overlay.TOTAL_SD: limits.total_sd_points, Overlay.SWAP: limits.swap_probability}.get(parameters.overlay, 0.5)
        value = parameters.overlayThreshold if loaded else usual
        slider = self._context.ui.thresholdSlider
        slider.maximum, slider.minimum = high, low
        slider.singleStep = (high - low) / 100
        parameters.overlayThreshold = min(value, high)

    def _show_text(self, text: str) -> None:
        self._context.ui.probeLabel.text = text
