"""Sections 5 and 6: table of statistics, histograms, comparison with the reference, and export."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...errors import AidealError
from ...io.output.dicom.study import Identity
from ...io.output.tables import COLUMNS
from ...regions.exclude import LeaveOut
from ...statistics import SegmentStatistics
from .. import nodes
from ..nodes import maps_of
from ..regions.measure import MeasureOptions, Region, histogram
from ..results import documents, export, probe
from ..results.live_table import CAVEAT, TITLES, LiveTable, fill_table, row_as_text
from ..results.reference import METHOD, RegionAgreement, fill_agreement_table
from ..scan.sources import scan_of_maps
from ..text import tr
from ..wording import worded
from .context import Context

_DECIMALS = {
    "voxels": 0,
    "used_voxels": 0,
    "r2star_mean": 1,
    "mean_error": 2,
    "median_error": 2,
    "joint_error": 2,
    **{f"chance_s{g}": 2 for g in range(4)},
}

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
        import qt

        self._context, self._follow, self._qt = context, follow, qt
        self.live = LiveTable(context.later)
        self.live.changed.connect(self._on_measured)
        self._watched: tuple[Any, Any] = (None, None)
        ui = context.ui
        ui.numbersTable.setColumnCount(len(COLUMNS))
        ui.numbersTable.setHorizontalHeaderLabels([tr(TITLES[field]) for field in COLUMNS])
        ui.numbersTable.verticalHeader().setVisible(False)
        ui.caveatLabel.text = tr(CAVEAT)
        ui.formatComboBox.addItems(list(export.FORMATS))
        ui.csvButton.connect("clicked(bool)", self.onSaveCsv)
        ui.copyButton.connect("clicked(bool)", self.onCopyRow)
        ui.mapsButton.connect("clicked(bool)", self.onSaveMaps)
        ui.dicomButton.connect("clicked(bool)", self.onExportDicom)
        ui.reportButton.connect("clicked(bool)", self.onSaveReport)
        ui.histogramButton.connect("clicked(bool)", self.onHistogram)
        ui.referenceButton.connect("clicked(bool)", self.onReference)
        context.logic.compared.connect(self._on_compared)
        self._on_measured()

    @property
    def regions(self) -> list[Region]:
        """The regions measured last."""
        return self.live.measured_regions

    def update(self) -> None:
        """Follow the chosen run, segmentation and options."""
        parameters, maps = self._context.parameters(), self._context.maps()
        ui = self._context.ui
        ui.mapsButton.enabled = ui.dicomButton.enabled = ui.reportButton.enabled = maps is not None
        self._context.ui.referenceButton.enabled = bool(self.live.rows) and not self._context.logic.busy
        if parameters is None:
            self.live.watch(None, None)
            self._watched = (None, None)
            return
        chosen = (maps.pdff if maps is not None else None, parameters.segmentation)
        if chosen != self._watched:
            self._watched = chosen
            self.live.watch(maps, parameters.segmentation)
        self.live.set_options(self._options(), parameters.roiDiameter)

    def onSaveCsv(self, *_: Any) -> None:
        """Write the table."""
        maps, parameters = self._context.maps(), self._context.parameters()
        path = self._context.dialogs.save_file(tr("Save table"), "liver-fat.csv", "CSV (*.csv)")
        if path is None or maps is None or parameters is None:
            return
        try:
            export.save_csv(self.live.rows, path, maps, self._options(), parameters.roiDiameter)
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        self._show(tr("Saved {path}").format(path=path))

    def onSaveMaps(self, *_: Any) -> None:
        """Write all maps."""
        maps = self._context.maps()
        folder = self._context.dialogs.folder(tr("Save maps into"))
        if folder is None or maps is None:
            return
        try:
            written = export.save_maps(maps, folder, self._context.ui.formatComboBox.currentText)
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        self._show(tr("Saved {count} maps in {folder}").format(count=len(written), folder=folder))

    def onExportDicom(self, *_: Any) -> None:
        """Write the run as DICOM objects and add them to Slicer's DICOM database."""
        maps, dialogs = self._context.maps(), self._context.dialogs
        if maps is None or not self._libraries_at_hand():
            return
        folder = dialogs.folder(tr("Export DICOM objects into"))
        if folder is None:
            return
        try:
            sources = documents.source_files(maps)
            identity: Identity | None = Identity()
            if sources:
                question = tr("Write the objects for the patient of the scan, or for a new, anonymous one?")
                chosen = dialogs.choose(question, [tr("Patient of the scan"), tr("Anonymous")])
                if chosen not in (0, 1):
                    return
                identity = None if chosen == 0 else identity
            content = documents.objects_content(maps, self.regions, self.live.rows, self._options())
            written = documents.export_objects(content, folder, sources, identity)
        except AidealError as error:
            dialogs.error(worded(error))
            return
        text = tr("Exported {count} DICOM objects into {folder}").format(count=len(written), folder=folder)
        added = documents.add_to_database(written)
        self._show(text + (tr(" and into Slicer's DICOM database") if added else "") + ("" if sources else tr("; anonymous")))

    def onSaveReport(self, *_: Any) -> None:
        """Write the report of the run."""
        maps = self._context.maps()
        if maps is None or not self._libraries_at_hand():
            return
        folder = self._context.dialogs.folder(tr("Save report into"))
        if folder is None:
            return
        try:
            content = documents.report_content(maps, self.regions, self.live.rows, self._options())
            written = documents.save_report(content, folder)
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        self._show(tr("Saved {names} in {folder}").format(names=", ".join(p.name for p in written), folder=folder))

    def _libraries_at_hand(self) -> bool:
        """Install what reports and DICOM objects need, after asking."""
        missing = documents.missing_libraries()
        if not missing:
            return True
        names = ", ".join(missing)
        if not self._context.dialogs.confirm(tr("Reports and DICOM objects need {names}. Install now?").format(names=names)):
            return False
        try:
            documents.install_libraries(missing)
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return False
        return True

    def onCopyRow(self, *_: Any) -> None:
        """Copy the selected row."""
        if not self.live.rows:
            return
        row = self.live.rows[self._selected_row()]
        self._context.dialogs.clipboard(row_as_text(row))
        self._show(tr("Copied {name}").format(name=row.name))

    def onHistogram(self, *_: Any) -> None:
        """Plot the PDFF of every lobe, or of the circles where no lobe is drawn."""
        maps, scene = self._context.maps(), self._context.logic.scene
        filled = [region for region in self.live.drawn or self.regions if region.voxels.any()]
        if maps is None or not filled:
            return
        curves = {region.name: (*histogram(maps, region), region.color) for region in filled}
        probe.show_chart(scene, probe.show_histogram(scene, curves))

    def onReference(self, *_: Any) -> None:
        """Estimate the slices of the selected row's region by the reference, and compare."""
        maps, parameters = self._context.maps(), self._context.parameters()
        filled = [region for region in self.regions if region.voxels.any()]
        if maps is None or parameters is None or not filled:
            return
        name = self.live.rows[self._selected_row()].name
        region = next((region for region in filled if region.name == name), filled[0])
        try:
            self._context.logic.start_comparison(maps, scan_of_maps(maps), region, filled, parameters.device.value)
        except (AidealError, OSError) as error:
            self._context.ui.referenceLabel.text = worded(error)
            return
        self._context.ui.referenceLabel.text = tr("Comparing on the slices of {name}...").format(name=region.name)
        self._follow()

    def _on_compared(self, found: list[RegionAgreement], difference: Any) -> None:
        maps = maps_of(difference.GetNodeReference(nodes.PDFF_ROLE))
        if maps is not None:
            fill_agreement_table(maps, found)
        lines = [tr("PDFF minus that of {method} (map: {map}):").format(method=METHOD.label(), map=difference.GetName())]
        self._context.ui.referenceLabel.text = "\n".join([*lines, *(row.sentence() for row in found)])

    def _selected_row(self) -> int:
        selected = self._context.ui.numbersTable.currentRow()
        return selected if 0 <= selected < len(self.live.rows) else 0

    def close(self) -> None:
        """Stop observing the scene."""
        self.live.stop()

    def _options(self) -> MeasureOptions:
        parameters = self._context.parameters()
        left_out = LeaveOut(EDGE_MM, True) if parameters.leaveOutVesselsAndEdges else LeaveOut()
        return MeasureOptions(self._context.limits(), parameters.excludeLowConfidence, parameters.cutoffs.cutoffs, left_out)

    def _on_measured(self) -> None:
        ui, qt, rows = self._context.ui, self._qt, self.live.rows
        ui.numbersTable.setRowCount(len(rows))
        for n, row in enumerate(rows):
            for column, field in enumerate(COLUMNS):
                item = qt.QTableWidgetItem(_text(row, field))
                item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
                if field != "name":
                    item.setTextAlignment(qt.Qt.AlignCenter)
                ui.numbersTable.setItem(n, column, item)
        ui.numbersTable.resizeColumnsToContents()
        ui.csvButton.enabled = ui.copyButton.enabled = ui.histogramButton.enabled = bool(rows)
        ui.referenceButton.enabled = bool(rows) and not self._context.logic.busy
        self._fill_node(rows)

    def _fill_node(self, rows: list[SegmentStatistics]) -> None:
        """Keep a table node in the scene, for other modules and for saving."""
        parameters, maps = self._context.parameters(), self._context.maps()
        if parameters is None or maps is None or (not rows and parameters.table is None):
            return
        if parameters.table is None:
            name = f"{maps.pdff.GetAttribute(nodes.SOURCE_NAME) or ''} liver fat".strip()
            parameters.table = self._context.logic.scene.AddNewNodeByClass("vtkMRMLTableNode", name)
        fill_table(parameters.table, rows, maps)

    def _show(self, text: str) -> None:
        self._context.ui.exportLabel.text = text


def _text(row: SegmentStatistics, field: str) -> str:
    value = getattr(row, field)
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return ""
    return f"{value:.{_DECIMALS.get(field, 1)}f}"
