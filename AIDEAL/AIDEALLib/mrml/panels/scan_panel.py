"""Section 1: choice of a scan, its echoes, overrides and problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...choices import Method, Readout
from ...errors import AidealError, InputError
from ...io.naming import Part
from ...options import Overrides
from ..nodes import SOURCE_ROLE
from ..run_options import number, scan_overrides, typed_times_s
from ..scan.files import load_scan
from ..scan.scene_scan import Problem, SceneScan
from ..scan.sequences import StoredScan, scan_of_sequences
from ..scan.sources import scan_of_volumes
from ..text import tr
from ..wording import worded
from .context import Context

_PATTERN = "Scans (*.nii *.nii.gz *.nrrd *.nhdr *.mha *.mhd *.mat *.npz);;All files (*)"
_TE_COLUMN = 1
_NOT_TYPED = "-"


class ScanPanel:
    """Keeps echo table and messages in step with the scan chosen.

    Attributes
    ----------
    scan : SceneScan
        The scan chosen.
    problems : list of Problem
        Why it cannot be estimated; [] when it can.
    """

    def __init__(self, context: Context) -> None:
        import qt

        self._context, self._qt = context, qt
        self._filling = False
        self._typed_for: list[str] = []
        self.scan: SceneScan = scan_of_sequences(None, None)
        self.problems: list[Problem] = self.scan.problems()
        ui = context.ui
        ui.loadFilesButton.connect("clicked(bool)", self.onLoadFiles)
        ui.loadFolderButton.connect("clicked(bool)", self.onLoadFolder)
        ui.loadSampleButton.connect("clicked(bool)", self.onLoadSample)
        ui.volumesSelector.connect("checkedNodesChanged()", self.onVolumesChecked)
        ui.echoTable.connect("cellChanged(int,int)", self.onCellChanged)
        ui.echoTable.setColumnCount(4)
        titles = (tr("Echo"), tr("Echo times (ms)"), tr("Magnitude / real"), tr("Phase / imaginary"))
        ui.echoTable.setHorizontalHeaderLabels(list(titles))
        ui.echoTable.verticalHeader().setVisible(False)
        ui.echoTable.wordWrap = False
        ui.echoTable.horizontalHeader().setStretchLastSection(True)
        for name in ("volumes", "echoTimes", "fieldStrength", "phaseUnit"):
            label = getattr(ui, f"{name}ProblemLabel")
            font = label.font
            font.setBold(True)  # neither a colour nor a style sheet: themes differ, and change
            label.font = font

    def update(self) -> None:
        """Read the chosen nodes and show their scan."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        self._drop_entries_for_another_scan(parameters)
        self.scan = self._chosen(parameters)
        self.problems = self.scan.problems()
        self._show_ticks(parameters)
        self._fill_table()
        self._show_problems()
        self._show_detected(parameters)

    def parameters_replaced(self) -> None:
        """Another parameter node was connected (a scene was loaded): keep its entries."""
        self._typed_for = []

    def onLoadFiles(self, *_: Any) -> None:
        """Ask for files and load them."""
        paths = self._context.dialogs.open_files(tr("Load a multi-echo scan"), _PATTERN)
        if paths:
            self._load(lambda: self._load_paths(paths))

    def onLoadFolder(self, *_: Any) -> None:
        """Ask for a folder (of DICOM files at any depth, or of images) and load it."""
        folder = self._context.dialogs.folder(tr("Load a multi-echo scan from a folder"))
        if folder is not None:
            self._load(lambda: self._load_paths([folder]))

    def onLoadSample(self, *_: Any) -> None:
        """Load the bundled liver with its lobes, so that the estimate is followed by statistics."""

        def load() -> StoredScan:
            return self._context.logic.load_sample()[0]

        self._load(load)

    def onVolumesChecked(self, *_: Any) -> None:
        """Remember the ticked volumes."""
        parameters = self._context.parameters()
        if parameters is not None and not self._filling:
            parameters.volumeIds = " ".join(node.GetID() for node in self._context.ui.volumesSelector.checkedNodes())

    def onCellChanged(self, row: int, column: int) -> None:
        """An echo time was typed: it overrides the scan's value; an empty cell (or no number) removes the override."""
        parameters = self._context.parameters()
        if self._filling or column != _TE_COLUMN or parameters is None:
            return
        typed = list(map(number, parameters.echoTimesMs.split())) or [None] * len(self.scan.rows())
        typed[row] = number(self._context.ui.echoTable.item(row, _TE_COLUMN).text().strip().replace(",", "."))
        kept = [_NOT_TYPED if te is None else f"{te:.9g}" for te in typed]
        parameters.echoTimesMs = "" if set(kept) == {_NOT_TYPED} else " ".join(kept)
        self.update()

    def _load_paths(self, paths: list[Path]) -> StoredScan:
        """Load files, and ask for what they lack of echo times and field strength."""
        overrides = self._overrides_of_files()
        while True:
            try:
                return load_scan(self._context.logic.scene, paths, overrides)
            except InputError as error:
                given = self._asked(error, overrides)
                if given is None:
                    raise
                overrides = given

    def _asked(self, error: InputError, overrides: Overrides) -> Overrides | None:
        """Overrides with what an error names as missing or open, as the user chooses or types it; None for nothing."""
        settings = error.advice.settings if error.advice is not None else ()
        named = {setting.option for setting in settings}
        studies, series = ([s.value for s in settings if s.option == name and s.value] for name in ("study", "series"))
        if studies and len(studies) == len(series):
            names = [
                tr("Study {study}, series {series}").format(study=a, series=b) for a, b in zip(studies, series, strict=True)
            ]
            chosen = self._context.dialogs.choose(error.message, [*names, tr("Cancel")])
            return replace(overrides, study=studies[chosen], series=series[chosen]) if 0 <= chosen < len(names) else None
        if "te_s" in named and overrides.te_s is None:
            typed = self._context.dialogs.ask(f"{error.message} " + tr("Echo times in ms, separated by spaces:"))
            times = [te for te in typed_times_s(typed.replace(",", " ")) if te is not None]
            return replace(overrides, te_s=tuple(times)) if times else None
        if "field_strength_t" in named and overrides.field_strength_t is None:
            tesla = number(self._context.dialogs.ask(f"{error.message} " + tr("Field strength in tesla:")).replace(",", "."))
            return replace(overrides, field_strength_t=tesla) if tesla else None
        return None

    def _overrides_of_files(self) -> Overrides:
        """The phase unit chosen by hand: in the scene the echoes are complex, so it is needed when they are read."""
        parameters = self._context.parameters()
        return Overrides(phase_unit=parameters.phaseUnit.unit) if parameters is not None else Overrides()

    def _load(self, load: Callable[[], StoredScan]) -> None:
        try:
            stored = load()
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        self.choose(stored)

    def choose(self, stored: StoredScan) -> None:
        """Choose a scan that was loaded."""
        from ..parameters import ScanSource

        parameters = self._context.parameters()
        if parameters is not None:
            parameters.scanSource = ScanSource.SEQUENCES
            parameters.echoTimesMs = ""
            parameters.fieldStrength = 0.0
            parameters.firstSequence, parameters.secondSequence = stored.pair

    def _chosen(self, parameters: Any) -> SceneScan:
        from ..parameters import ScanSource

        typed, overrides = typed_times_s(parameters.echoTimesMs), scan_overrides(parameters)
        phase_needed = parameters.method is not Method.MAGNITUDE
        if parameters.scanSource is ScanSource.VOLUMES:
            scene = self._context.logic.scene
            volumes = [node for node in map(scene.GetNodeByID, parameters.volumeIds.split()) if node is not None]
            scan = scan_of_volumes(volumes, overrides, typed_te_s=typed, phase_needed=phase_needed)
        else:
            pair = parameters.firstSequence, parameters.secondSequence
            scan = scan_of_sequences(*pair, overrides, typed_te_s=typed, phase_needed=phase_needed)
        if typed and len(typed) != len(scan.rows()):  # typed for another scan
            parameters.echoTimesMs = ""
            return self._chosen(parameters)
        return scan

    def _drop_entries_for_another_scan(self, parameters: Any) -> None:
        chosen = [node.GetID() if node else "" for node in (parameters.firstSequence, parameters.secondSequence)]
        before, self._typed_for = self._typed_for, chosen
        if any(before) and before != chosen:
            parameters.echoTimesMs = ""
            parameters.fieldStrength = 0.0

    def _show_ticks(self, parameters: Any) -> None:
        """Tick the volumes that the parameters name, as a loaded scene brings them."""
        selector, check = self._context.ui.volumesSelector, self._qt.Qt
        found = map(self._context.logic.scene.GetNodeByID, parameters.volumeIds.split())
        wanted = [node for node in found if node is not None]
        ticked = list(selector.checkedNodes())
        self._filling = True
        try:
            for node in ticked:
                if node not in wanted:
                    selector.setCheckState(node, check.Unchecked)
            for node in wanted:
                if node not in ticked:
                    selector.setCheckState(node, check.Checked)
        finally:
            self._filling = False

    def _fill_table(self) -> None:
        table, qt = self._context.ui.echoTable, self._qt
        rows = self.scan.rows()
        self._filling = True
        try:
            table.setRowCount(len(rows))
            for n, row in enumerate(rows):
                te = "" if row.te_s is None else f"{1000 * row.te_s:.6g}"
                for column, text in enumerate((str(row.number), te, row.first, row.second)):
                    item = qt.QTableWidgetItem(text)
                    if column != _TE_COLUMN:
                        item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
                    table.setItem(n, column, item)
            table.resizeColumnsToContents()
        finally:
            self._filling = False

    def _show_problems(self) -> None:
        labels = {
            "volumes": "volumesProblemLabel",
            "echo_times": "echoTimesProblemLabel",
            "field_strength": "fieldStrengthProblemLabel",
            "phase_unit": "phaseUnitProblemLabel",
        }
        for where, name in labels.items():
            text = "\n".join(problem.text for problem in self.problems if problem.where == where)
            if where == "volumes" and not self.problems and self.scan.without_orientation:
                text = tr("Orientation unknown: the file states none. Section 3 turns and mirrors the images.")
            label = getattr(self._context.ui, name)
            label.text = text
            label.setVisible(bool(text))

    def _show_detected(self, parameters: Any) -> None:
        from ..parameters import ScanSource

        ui = self._context.ui
        sequences = parameters.scanSource is ScanSource.SEQUENCES
        ui.firstSelector.enabled = ui.secondSelector.enabled = sequences
        ui.volumesSelector.enabled = not sequences
        ui.phaseUnitLabel.text = self._unit_found(parameters.phaseUnit.unit is not None)
        ui.readoutLabel.text = "" if parameters.readout.readout else _STATED_READOUTS[self.scan.stated.readout]()
        ui.phaseSignLabel.text, ui.phaseSignLabel.toolTip = self._sign_found()
        field = self.scan.stated.field_strength_t
        ui.fieldStrengthSpinBox.specialValueText = tr("from the scan") + (f": {field:g} T" if field else tr(": not known"))

    def _unit_found(self, by_hand: bool) -> str:
        """Unit of the phase in use, or where one that was chosen applies."""
        scan = self.scan
        if Part.REAL in scan.parts and scan.sources:
            return tr("used when files are loaded") if by_hand else tr("not needed: real and imaginary parts")
        if by_hand:
            return tr("chosen by hand")
        known = not any(problem.where in ("volumes", "phase_unit") for problem in self.problems)
        unit = scan.unit() if known else None
        return "" if unit is None else tr("{unit} (detected)").format(unit=unit.value)

    def _sign_found(self) -> tuple[str, str]:
        """Phase sign of the last estimate of this scan, and the evidence for it."""
        maps = self._context.maps()
        if maps is None or not self.scan.sources:
            return "", ""
        pdff = maps.pdff
        sources = [pdff.GetNthNodeReference(SOURCE_ROLE, n) for n in range(pdff.GetNumberOfNodeReferences(SOURCE_ROLE))]
        if self.scan.sources[0] not in sources:
            return "", ""
        sign = str(maps.provenance().get("phase_sign", ""))
        return sign.split(":")[0], sign


_STATED_READOUTS = {
    Readout.MONOPOLAR: lambda: tr("monopolar"),
    Readout.BIPOLAR: lambda: tr("bipolar"),
    Readout.UNKNOWN: lambda: tr("not stated; the data decide"),
}
