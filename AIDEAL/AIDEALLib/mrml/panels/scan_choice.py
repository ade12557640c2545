"""One scan at a time: the scan chosen, the run shown and the regions measured belong together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..nodes import SOURCE_ROLE, maps_of
from ..regions import owners
from ..results.maps import pdff_nodes
from ..scan.scene_scan import SceneScan
from .context import Context
from .regions_panel import RegionsPanel
from .scan_panel import ScanPanel


class ScanChoice:
    """Follows the choice of a scan with its newest run, the choice of a run with its scan, and either with their regions.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    scan : ScanPanel
        Section of the scan.
    regions : RegionsPanel
        Section of the regions, where those of another scan are offered.
    show : callable
        Shows the run or scan that is chosen in the views; returns False where it has no images (yet).
    """

    def __init__(self, context: Context, scan: ScanPanel, regions: RegionsPanel, show: Callable[[SceneScan], bool]) -> None:
        self._context, self._scan, self._regions, self._show = context, scan, regions, show
        self._known: tuple[str, Any] | None = None
        self._shown: Any = None
        self._to_show = False

    def parameters_replaced(self) -> None:
        """Another parameter node was connected (a scene was loaded): keep its choices, its views and their texts."""
        self._known, self._shown = None, None

    def update(self) -> None:
        """Bring scan, run and regions together after one of them changed."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        first, known = self._known is None, self._known
        if known is not None and parameters.pdff is not known[1] and parameters.pdff is not None:
            self._choose_scan_of(parameters)
        elif known is not None and self._key() != known[0] and self._key():
            parameters.pdff = self._newest_run()
        self._known = (self._key(), parameters.pdff)
        owner = self._owner(parameters)
        if first:
            owners.claim(parameters.segmentation, owner)
        elif owner is not self._shown and owner is not None:
            self._change_to(owner, parameters)
        self._shown = owner
        if self._to_show:
            self._to_show = not self._show(self._scan.scan)
        self._keep_own_regions(parameters, owner)

    def _change_to(self, owner: Any, parameters: Any) -> None:
        ui = self._context.ui
        for label in (ui.statusLabel, ui.probeLabel, ui.referenceLabel, ui.exportLabel, ui.regionsMessageLabel):
            label.text = ""
        own = owners.segmentation_of(self._context.logic.scene, owner)
        others = parameters.segmentation if owners.owner_of(parameters.segmentation) is not owner else None
        self._regions.offer(others if own is None else None, owners.owner_of(others) if own is None else None)
        if own is not None or not owners.belongs(parameters.segmentation, owner):
            parameters.segmentation = own
        owners.show_only_those_of(self._context.logic.scene, owner)
        self._to_show = True

    def _keep_own_regions(self, parameters: Any, owner: Any) -> None:
        chosen = parameters.segmentation
        if chosen is None or owner is None:
            return
        owners.claim(chosen, owner)
        if not owners.belongs(chosen, owner):
            parameters.segmentation = owners.segmentation_of(self._context.logic.scene, owner)
            self._regions.offer(chosen, owners.owner_of(chosen))
            self._regions.update()

    def _choose_scan_of(self, parameters: Any) -> None:
        """Choose the scan that the run came from, where it is in the scene."""
        from ..parameters import ScanSource

        pdff = parameters.pdff
        found = [pdff.GetNthNodeReference(SOURCE_ROLE, n) for n in range(pdff.GetNumberOfNodeReferences(SOURCE_ROLE))]
        sources = [node for node in found if node is not None]
        if not sources or sources[0] in self._scan.scan.sources:
            return
        if sources[0].IsA("vtkMRMLSequenceNode"):
            parameters.scanSource = ScanSource.SEQUENCES
            parameters.firstSequence, parameters.secondSequence = (*sources, None)[:2]
        else:
            parameters.scanSource = ScanSource.VOLUMES
            parameters.volumeIds = " ".join(node.GetID() for node in sources)
        self._scan.update()

    def _newest_run(self) -> Any:
        sources = self._scan.scan.sources
        runs = [pdff for pdff in pdff_nodes(self._context.logic.scene) if pdff.GetNodeReference(SOURCE_ROLE) in sources]
        return runs[-1] if runs else None

    def _owner(self, parameters: Any) -> Any:
        maps = maps_of(parameters.pdff)
        if maps is not None:
            return maps.scan
        return self._scan.scan.sources[0] if self._scan.scan.sources else None

    def _key(self) -> str:
        sources = self._scan.scan.sources
        return str(sources[0].GetID()) if sources else ""
