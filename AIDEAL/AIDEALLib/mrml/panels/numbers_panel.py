"""Sections 5 and 6: table of statistics, histograms, comparison with the reference, and export."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import AidealError
from ...regions.exclude import LeaveOut
from ...statistics import SegmentStatistics
from .. import nodes
from ..nodes import maps_of
from ..regions import drawing, owners, places
from ..regions.measure import MeasureOptions, histogram
from ..regions.region import Region
from ..results import columns, probe
from ..results.folders import place_in_folder
from ..results.live_table import CAVEAT, LiveTable, fill_table
from ..results.reference import METHOD, RegionAgreement, fill_agreement_table
from ..scan.sources import scan_of_maps
from ..text import tr
from ..views import display, layout
from ..wording import worded
from .columns_menu import ColumnsMenu
from .context import Context
from .tables import fill_table as fill_cells
from .tables import set_up_table

SHOWN_TABLE_ROLE = "shown_numbers"

EDGE_MM = 5.0
"""Left out along the edge of the liver with *Leave out vessels and edges*."""


class NumbersPanel:
    """Shows rows of statistics and exports them.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    follow : callable
        Shows the progress of the run under way.
    """

    def __init__(self, context: Context, follow: Callable[[], None]) -> None:
        self._context, self._follow = context, follow
        self.live = LiveTable(context.later)
        self.live.changed.connect(self._on_measured)
        self._watched: tuple[Any, Any] = (None, None)
        ui = context.ui
        self._columns: tuple[str, ...] = ()
        self._menu = ColumnsMenu(context)
        self._comparing = ""
        set_up_table(ui.numbersTable)
        ui.numbersTable.connect("cellClicked(int,int)", self.onRowClicked)
        ui.caveatLabel.text = tr(CAVEAT)
        ui.histogramButton.connect("clicked(bool)", self.onHistogram)
        ui.referenceButton.connect("clicked(bool)", self.onReference)
        context.logic.compared.connect(self._on_compared)
        context.logic.progressed.connect(self._on_progress)
        context.logic.stopped.connect(self._on_not_compared)
        context.logic.failed.connect(self._on_not_compared)
        self._on_measured()

    @property
    def regions(self) -> list[Region]:
        """The regions measured last."""
        return self.live.measured_regions

    def update(self) -> None:
        """Follow the chosen run, segmentation and options."""
        parameters, maps = self._context.parameters(), self._context.maps()
        self._show_reference_button()
        if parameters is None:
            self.live.watch(None, None)
            self._watched = (None, None)
            return
        chosen = (maps.pdff if maps is not None else None, parameters.segmentation)
        if chosen != self._watched:
            self._watched = chosen
            self.live.watch(maps, parameters.segmentation)
        self.live.set_options(self.options(), parameters.roiDiameter)
        self._menu.update()
        if self._menu.chosen != self._columns:
            self._on_measured()

    def onRowClicked(self, row: int, *_: Any) -> None:
        """Go to the region of a row."""
        maps = self._context.maps()
        if maps is None or not 0 <= row < len(self.live.rows):
            return
        name = self.live.rows[row].name
        filled = [region for region in self.regions if region.voxels.any()]
        region = next((region for region in filled if region.name == name), filled[0] if filled else None)
        if region is not None:
            display.point_at(self._context.logic.scene, places.middle_of_region(maps, region))

    def onNextRegion(self, *_: Any) -> None:
        """Select the next row, and go to its region."""
        table = self._context.ui.numbersTable
        if self.live.rows:
            row = (table.currentRow() + 1) % len(self.live.rows)
            table.setCurrentCell(row, 0)
            self.onRowClicked(row)

    def onHistogram(self, *_: Any) -> None:
        """Plot the PDFF of every lobe, or of the circles where no lobe is drawn."""
        maps, scene = self._context.maps(), self._context.logic.scene
        filled = [region for region in self.live.drawn or self.regions if region.voxels.any()]
        if maps is None or not filled:
            return
        curves = {region.name: (*histogram(maps, region), region.color) for region in filled}
        shown = nodes.helper_of(maps.pdff, SHOWN_TABLE_ROLE)
        probe.show_chart(scene, probe.show_histogram(scene, curves), shown)

    def onReference(self, *_: Any) -> None:
        """Estimate the slices of the selected row's region by the reference, and compare; or stop that."""
        if self._comparing:
            self._context.logic.cancel()
            return
        maps, parameters = self._context.maps(), self._context.parameters()
        filled = [region for region in self.regions if region.voxels.any()]
        if maps is None or parameters is None or not filled:
            return
        name = self.live.rows[self.selected_row()].name
        region = next((region for region in filled if region.name == name), filled[0])
        try:
            self._context.logic.start_comparison(maps, scan_of_maps(maps), region, filled, parameters.device.value)
        except (AidealError, OSError) as error:
            self._context.ui.referenceLabel.text = worded(error)
            return
        self._comparing = tr("Comparing on the slices of {name}").format(name=region.name)
        self._context.ui.referenceLabel.text = f"{self._comparing}..."
        self._show_reference_button()
        self._follow()

    def _on_progress(self, done: int, total: int) -> None:
        if self._comparing:
            text = tr("{what}: slice {done} of {total}").format(what=self._comparing, done=done, total=total)
            self._context.ui.referenceLabel.text = text

    def _on_not_compared(self, *_: Any) -> None:
        if self._comparing:
            self._comparing = self._context.ui.referenceLabel.text = ""
        self._show_reference_button()

    def _show_reference_button(self) -> None:
        """Progress is shown below the button, which stops the comparison under way."""
        button, busy = self._context.ui.referenceButton, self._context.logic.busy
        button.text = tr("Cancel the comparison") if self._comparing else tr("Compare with the reference")
        button.enabled = bool(self._comparing) or (bool(self.live.rows) and not busy)

    def _on_compared(self, found: list[RegionAgreement], difference: Any) -> None:
        self._comparing = ""
        self._show_reference_button()
        maps = maps_of(difference.GetNodeReference(nodes.PDFF_ROLE))
        if maps is not None:
            fill_agreement_table(maps, found)
        lines = [tr("PDFF minus that of {method}; the fourth view can show the map:").format(method=METHOD.label())]
        self._context.ui.referenceLabel.text = "\n".join([*lines, *(row.sentence() for row in found)])

    def selected_row(self) -> int:
        """Number of the row that is selected in the table, 0 where none is."""
        selected = self._context.ui.numbersTable.currentRow()
        return selected if 0 <= selected < len(self.live.rows) else 0

    def options(self) -> MeasureOptions:
        """How regions are measured."""
        parameters = self._context.parameters()
        if parameters is None:
            return MeasureOptions()
        left_out = LeaveOut(EDGE_MM, True) if parameters.leaveOutVesselsAndEdges else LeaveOut()
        return MeasureOptions(self._context.limits(), parameters.excludeLowConfidence, parameters.cutoffs.cutoffs, left_out)

    def close(self) -> None:
        """Stop observing the scene; nothing is measured after that."""
        self.live.stop()

    def clear(self) -> None:
        """The scene closes: show no rows, and forget what was watched."""
        self._watched = (None, None)
        self.live.clear()

    def _on_measured(self) -> None:
        ui, rows = self._context.ui, self.live.rows
        self._columns = self._menu.chosen
        cutoffs = self.options().cutoffs
        headings = [tr(columns.title(field)) for field in self._columns]
        tips = [tr(columns.explained(field)) for field in self._columns]
        fill_cells(ui.numbersTable, headings, [columns.texts(row, cutoffs, self._columns) for row in rows], tips)
        for n, row in enumerate(rows):
            if "reported" in self._columns and columns.at_a_cutoff(row, cutoffs):
                tip = tr("With more digits than others, since it lies at a cut-off of the grades.")
                ui.numbersTable.item(n, self._columns.index("reported")).setToolTip(tip)
        ui.histogramButton.enabled = bool(rows)
        self._show_reference_button()
        self._fill_node(rows)

    def _fill_node(self, rows: list[SegmentStatistics]) -> None:
        """Keep a table node in the scene, for other modules and for saving."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None or (not rows and parameters.table is None):
            return
        if parameters.table is None:
            name = nodes.node_name("Liver fat", maps.pdff.GetAttribute(nodes.SOURCE_NAME) or "")
            parameters.table = self._context.logic.scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        fill_table(parameters.table, rows, maps)
        scene, scan = self._context.logic.scene, maps.scan
        circles = owners.find(scene, owners.SEGMENTATION, drawing.ROI_CIRCLES_ROLE, scan)
        for node in (parameters.table, parameters.segmentation, circles, *drawing.all_roi_points(scene, scan)):
            place_in_folder(maps, node)
        shown = nodes.helper_of(maps.pdff, SHOWN_TABLE_ROLE)
        if shown is None:
            shown = nodes.add_helper(maps.pdff, "vtkMRMLTableNode", SHOWN_TABLE_ROLE, "Numbers as shown")
        columns.fill_shown_table(shown, rows, self.options().cutoffs, self._columns)
        layout.show_table(self._context.logic.scene, shown)
