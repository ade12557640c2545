"""The panel as a whole: sections, parameter node, and the life of scene and module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk

from .liver_segmenter import LiverSegmenter, TotalSegmentator
from .logic import AidealLogic
from .nodes import MapNodes
from .panels.context import Context, Dialogs
from .panels.estimate_panel import EstimatePanel
from .panels.export_panel import ExportPanel
from .panels.findings_panel import FindingsPanel
from .panels.fit_panel import FitPanel
from .panels.helpers_panel import HelpersPanel
from .panels.joint_panel import JointPanel
from .panels.keys import ReadingKeys
from .panels.numbers_panel import NumbersPanel
from .panels.regions_panel import RegionsPanel
from .panels.scan_choice import ScanChoice
from .panels.scan_panel import ScanPanel
from .panels.sections import Sections
from .panels.slicer_dialogs import SlicerDialogs
from .panels.views_panel import ViewsPanel
from .panels.visits_panel import VisitsPanel
from .scan.scene_scan import SceneScan
from .scan.sequences import SCAN_LOADED, only_pair


class AidealPanel:
    """The panel: its sections and their life with scene and module.

    Parameters
    ----------
    ui : namespace
        Widgets of the .ui file by name.
    root : QWidget
        The widget that holds them.
    logic : AidealLogic
        Logic of the module.
    parameter_node : callable
        Returns the module's parameter node (vtkMRMLScriptedModuleNode).
    later : callable, optional
        Calls a function after some milliseconds; a Qt timer when None.
    dialogs : Dialogs, optional
        Questions to the user; Slicer's when None.
    segmenter : LiverSegmenter, optional
        Draws the segments of the liver; the TotalSegmentator extension when None.
    """

    def __init__(
        self,
        ui: Any,
        root: Any,
        logic: AidealLogic,
        parameter_node: Callable[[], Any],
        later: Callable[[int, Callable[[], None]], None] | None = None,
        dialogs: Dialogs | None = None,
        segmenter: LiverSegmenter | None = None,
    ) -> None:
        self._ui, self._root, self._logic, self._parameter_node = ui, root, logic, parameter_node
        self._parameters: Any = None
        self._gui_tag: Any = None
        self._placing: tuple[Any, Any] = (None, None)
        self._observer: int | None = None
        self._alive, self._entered, self._updating, self._changed_meanwhile = True, False, False, False
        context = Context(ui, logic, dialogs or SlicerDialogs(), later or _qt_later, lambda: self._parameters)
        self._context = context
        self.scan = ScanPanel(context)
        self.estimate = EstimatePanel(context, self.scan, self._on_maps, self.update)
        self.findings = FindingsPanel(context, lambda: self.estimate.refused)
        self.numbers = NumbersPanel(context, self.estimate.follow)
        self.export = ExportPanel(context, self.numbers)
        self.fit = FitPanel(context)
        self.views = ViewsPanel(context, lambda: self.numbers.regions, lambda: self.scan.scan)
        self.regions = RegionsPanel(context, self.numbers.live.points_added, lambda: self.numbers.live.drawn)
        self.sections = Sections(context)
        keys = {"Alt+L": self.views.onNextLow, "Alt+O": self.views.onOverlay, "Alt+R": self.numbers.onNextRegion}
        self._keys = ReadingKeys(root, keys)
        self.joint = JointPanel(context, self.numbers)
        self.visits = VisitsPanel(context, self.numbers)
        self.helpers = HelpersPanel(context, self.numbers, segmenter or TotalSegmentator())
        self.choice = ScanChoice(context, self.scan, self.regions, self._show_choice)
        self._sections = (
            *(self.scan, self.choice, self.estimate, self.findings),
            *(self.views, self.fit, self.regions, self.numbers, self.joint, self.helpers, self.visits, self.export),
        )
        SCAN_LOADED.connect(self.scan.choose)
        scene = logic.scene
        self._scene_observers = [
            scene.AddObserver(scene.StartCloseEvent, self._on_scene_closing),
            scene.AddObserver(scene.EndCloseEvent, self._on_scene_changed),
            scene.AddObserver(scene.EndImportEvent, self._on_scene_changed),
        ]

    @property
    def parameters(self) -> Any:
        """The parameter node, None while the scene closes."""
        return self._parameters

    def enter(self) -> None:
        """The module is shown."""
        self._entered = True
        self._connect_parameters()
        self.views.watch_cursor()
        self._watch_placing()
        self._keys.enable(True)

    def _watch_placing(self) -> None:
        """Release the buttons that place points when placing ends by a right click or the tool bar."""
        node = self._logic.scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
        if node is None or node is self._placing[0]:
            return

        def on_mode(*_: Any) -> None:
            if node.GetCurrentInteractionMode() != node.Place:
                self._ui.circleButton.checked = self._ui.fitButton.checked = False

        self._stop_watching_placing()
        self._placing = (node, node.AddObserver(node.InteractionModeChangedEvent, on_mode))

    def _stop_watching_placing(self) -> None:
        node, tag = self._placing
        if node is not None:
            node.RemoveObserver(tag)
        self._placing = (None, None)

    def exit(self) -> None:
        """Another module is shown: runs and the table continue, clicks are ignored."""
        self._entered = False
        self._keys.enable(False)
        self.regions.end_placing()
        self._ui.fitButton.checked = False
        self.views.stop_watching()
        self.fit.stop_watching()

    def close(self) -> None:
        """The module is unloaded (reload, application closing)."""
        self._alive = False
        SCAN_LOADED.disconnect(self.scan.choose)
        self._disconnect_parameters()
        self.estimate.close()
        self.views.stop_watching()
        self.fit.stop_watching()
        self._stop_watching_placing()
        self._keys.close()
        self.numbers.close()
        self.joint.close()
        self.visits.close()
        for tag in self._scene_observers:
            self._logic.scene.RemoveObserver(tag)
        self._scene_observers.clear()
        self._logic.close()

    def update(self) -> None:
        """Bring every section in step with the parameters; changes made meanwhile are handled in another pass."""
        if not self._alive:
            return
        if self._updating:
            self._changed_meanwhile = True
            return
        self._updating = True
        try:
            for _ in range(3):
                self._changed_meanwhile = False
                for section in self._sections:
                    section.update()
                if not self._changed_meanwhile:
                    break
            self.sections.show(self.scan.scan)
        finally:
            self._updating = False

    def _on_maps(self, maps: MapNodes) -> None:
        if self._parameters is None:
            return
        self._updating = True  # the views are filled once, below
        try:
            self._parameters.pdff = maps.pdff
            self.views.show()
            self.sections.fold()
        finally:
            self._updating = False
        self.update()

    def _show_choice(self, scan: SceneScan) -> bool:
        if self._context.maps() is None:
            return self.views.show_scan(scan)
        self.views.show()
        return True

    def _connect_parameters(self) -> None:
        from .parameters import AidealParameters

        node = self._parameter_node()
        if self._parameters is not None and self._parameters.parameterNode is node:
            self.update()
            return
        self._disconnect_parameters()
        self._parameters = AidealParameters(node)  # type: ignore[call-arg]
        self.scan.parameters_replaced()
        self.views.parameters_replaced()
        self.choice.parameters_replaced()
        self.sections.restore()
        self._choose_only_candidates()
        # connectGui would do the same, but returns no tag to disconnect by; left connected, its combo boxes write their first
        # entry into the parameters when they are refilled.
        self._gui_tag = self._parameters.connectParametersToGui(_bound_widgets(self._root))
        self._observer = self._parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_modified)
        self.update()

    def _disconnect_parameters(self) -> None:
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self._parameters.RemoveObserver(self._observer)
        self._parameters = self._gui_tag = self._observer = None

    def _choose_only_candidates(self) -> None:
        """With nothing chosen, choose the only scan of the scene, as a scene that was loaded brings it."""
        scene, parameters = self._logic.scene, self._parameters
        if parameters.table is not None and parameters.table.GetScene() is None:
            parameters.table = None
        count = scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode")
        sequences = [scene.GetNthNodeByClass(n, "vtkMRMLSequenceNode") for n in range(count)]
        pair = only_pair(sequences)
        if parameters.firstSequence is None and parameters.secondSequence is None and pair is not None:
            parameters.firstSequence, parameters.secondSequence = pair

    def _on_modified(self, *_: Any) -> None:
        if self._logic.scene.IsBatchProcessing():  # a scene is being read or closed, and incomplete
            return
        self.regions.place_changed()
        self.update()

    def _on_scene_closing(self, *_: Any) -> None:
        self._disconnect_parameters()
        self.numbers.clear()
        self.views.stop_watching()
        self.fit.stop_watching()
        self.regions.clear()
        self.visits.clear()
        for name in ("statusLabel", "probeLabel", "referenceLabel", "exportLabel"):
            getattr(self._ui, name).text = ""

    def _on_scene_changed(self, *_: Any) -> None:
        if self._alive and self._entered:
            self._disconnect_parameters()  # the node may be the same with other content
            self.enter()


def _bound_widgets(root: Any) -> dict[str, Any]:
    """Widgets of the .ui file by the parameter they show."""
    import qt

    found = {widget.property("SlicerParameterName"): widget for widget in root.findChildren(qt.QWidget)}
    return {name: widget for name, widget in found.items() if name}


def _qt_later(milliseconds: int, function: Callable[[], None]) -> None:
    import qt

    qt.QTimer.singleShot(milliseconds, function)
