"""Section 7: table, maps, report and DICOM objects of a run, written to files."""

from __future__ import annotations

from typing import Any

from ...errors import AidealError
from ...io.output.dicom.study import Identity
from ..results import columns, documents, export
from ..text import tr
from ..wording import worded
from .context import Context
from .numbers_panel import NumbersPanel


class ExportPanel:
    """Writes what the numbers panel shows.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    numbers : NumbersPanel
        Section of the numbers.
    """

    def __init__(self, context: Context, numbers: NumbersPanel) -> None:
        self._context, self._numbers = context, numbers
        ui = context.ui
        ui.formatComboBox.addItems(list(export.FORMATS))
        ui.csvButton.connect("clicked(bool)", self.onSaveCsv)
        ui.copyButton.connect("clicked(bool)", self.onCopyRow)
        ui.mapsButton.connect("clicked(bool)", self.onSaveMaps)
        ui.dicomButton.connect("clicked(bool)", self.onExportDicom)
        ui.reportButton.connect("clicked(bool)", self.onSaveReport)
        numbers.live.changed.connect(self.update)

    def update(self) -> None:
        """Enable what there is to write."""
        ui, maps = self._context.ui, self._context.maps()
        ui.mapsButton.enabled = ui.dicomButton.enabled = ui.reportButton.enabled = maps is not None
        ui.csvButton.enabled = ui.copyButton.enabled = bool(self._numbers.live.rows)

    def onSaveCsv(self, *_: Any) -> None:
        """Write the table."""
        maps, parameters = self._context.maps(), self._context.parameters()
        path = self._context.dialogs.save_file(tr("Save table"), "liver-fat.csv", "CSV (*.csv)")
        if path is None or maps is None or parameters is None:
            return
        try:
            export.save_csv(self._numbers.live.rows, path, maps, self._numbers.options(), parameters.roiDiameter)
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
        if maps is None or not documents.libraries_at_hand(self._context.dialogs):
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
            content = documents.objects_content(maps, self._numbers.regions, self._numbers.live.rows, self._numbers.options())
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
        if maps is None or not documents.libraries_at_hand(self._context.dialogs):
            return
        folder = self._context.dialogs.folder(tr("Save report into"))
        if folder is None:
            return
        try:
            content = documents.report_content(maps, self._numbers.regions, self._numbers.live.rows, self._numbers.options())
            written = documents.save_report(content, folder)
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        self._show(tr("Saved {names} in {folder}").format(names=", ".join(p.name for p in written), folder=folder))

    def onCopyRow(self, *_: Any) -> None:
        """Copy the selected row."""
        if not self._numbers.live.rows:
            return
        row = self._numbers.live.rows[self._numbers.selected_row()]
        self._context.dialogs.clipboard(columns.row_as_text(row, self._numbers.options().cutoffs))
        self._show(tr("Copied {name}").format(name=row.name))

    def _show(self, text: str) -> None:
        self._context.ui.exportLabel.text = text
