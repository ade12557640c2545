"""Section 6: change of each region between two visits, with a map of the difference."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import AidealError
from ...statistics import Change, Repeatability
from ...worker.background import BackgroundTask
from ..nodes import MapNodes, maps_of
from ..results import documents
from ..text import tr
from ..wording import worded
from .context import Context
from .numbers_panel import NumbersPanel
from .tables import fill_table, set_up_table

if TYPE_CHECKING:
    from ...comparison.exchange import Compared

POLL_MS = 100
HEADINGS = ("Region", "Before %", "After %", "Change (95 % CI)", "Reading")
TIPS = (
    "Region of both visits; those that only the baseline has are carried over by the registration",
    "Mean PDFF at baseline",
    "Mean PDFF at follow-up",
    "Follow-up minus baseline, percentage points, with its 95 % interval",
    "Changed: by more than repeated scans differ",
)


class VisitsPanel:
    """Compares two runs of the scene.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    numbers : NumbersPanel
        Section of the numbers, for how regions are measured.
    start : callable
        Starts a task: its name, how to write what it needs, how to read its result; `BackgroundTask` unless a test brings one.
    """

    def __init__(self, context: Context, numbers: NumbersPanel, start: Callable[..., Any] = BackgroundTask) -> None:
        self._context, self._numbers, self.start = context, numbers, start
        self._task: Any = None
        self._visits: tuple[MapNodes, MapNodes] | None = None
        self._target: Path | None = None
        self._closed = False
        ui = context.ui
        for selector in (ui.baselineSelector, ui.followUpSelector):
            selector.addAttribute("vtkMRMLScalarVolumeNode", "AIDEAL.Map", "pdff")
        set_up_table(ui.changeTable)
        ui.changeTable.setVisible(False)
        ui.compareButton.connect("clicked(bool)", self.onCompare)
        ui.compareReportButton.connect("clicked(bool)", self.onSave)

    @property
    def under_way(self) -> bool:
        """Whether visits are being compared."""
        return self._task is not None

    def update(self) -> None:
        """Enable the buttons where two runs are chosen."""
        ui, chosen = self._context.ui, self._chosen()
        ui.compareButton.text = tr("Cancel") if self._task is not None else tr("Compare visits")
        ui.compareButton.enabled = chosen is not None or self._task is not None
        ui.compareReportButton.enabled = chosen is not None and self._task is None

    def onCompare(self, *_: Any) -> None:
        """Compare the two visits, or stop the comparison under way."""
        if self._task is not None:
            self._drop()
            self._show("")
            self.update()
            return
        self._begin(None)

    def onSave(self, *_: Any) -> None:
        """Compare, and write the report into a folder."""
        if not documents.libraries_at_hand(self._context.dialogs):
            return
        folder = self._context.dialogs.folder(tr("Save comparison into"))
        if folder is not None:
            self._begin(folder)

    def clear(self) -> None:
        """The scene closes: stop, and show nothing."""
        self._drop()
        self._context.ui.changeTable.setRowCount(0)
        self._context.ui.changeTable.setVisible(False)
        self._show("")

    def close(self) -> None:
        """The panel is destroyed."""
        self._closed = True
        self._drop()

    def _chosen(self) -> tuple[MapNodes, MapNodes] | None:
        parameters = self._context.parameters()
        if parameters is None:
            return None
        baseline, follow_up = maps_of(parameters.baseline), maps_of(parameters.followUp)
        return None if baseline is None or follow_up is None or baseline.pdff is follow_up.pdff else (baseline, follow_up)

    def _begin(self, target: Path | None) -> None:
        from ...comparison.exchange import Order, read_result, write_request
        from ...comparison.task import REPORT
        from ..results.visits import regions_of_scan, visit_of

        chosen, parameters = self._chosen(), self._context.parameters()
        if chosen is None or parameters is None:
            return
        options, figure = self._numbers.options(), float(parameters.repeatability)
        try:
            visits = [visit_of(maps, regions_of_scan(maps), options, parameters.roiDiameter) for maps in chosen]
        except AidealError as error:
            self._context.dialogs.error(worded(error))
            return
        order = Order(Repeatability(figure, tr("entered in the panel")) if figure else None, target is not None)
        self._visits, self._target = chosen, target
        self._task = self.start(
            "visits",
            partial(write_request, baseline=visits[0], follow_up=visits[1], order=order),
            lambda folder: read_result(folder, folder / REPORT),
        )
        self._show(tr("Registering the visits; this takes up to a minute..."))
        self.update()
        self._context.later(POLL_MS, self._follow)

    def _follow(self) -> None:
        if self._closed or self._task is None:
            return
        if not self._task.ended:
            self._context.later(POLL_MS, self._follow)
            return
        task, self._task = self._task, None
        try:
            self._finish(task.result())
        except AidealError as error:
            self._show(tr("Not compared: {why}").format(why=worded(error)))
        self.update()

    def _finish(self, found: Compared) -> None:
        from ..parameters import FourthMap
        from ..results.visits import add_change

        parameters, visits = self._context.parameters(), self._visits
        if parameters is None or visits is None or any(maps.pdff.GetScene() is None for maps in visits):
            return
        add_change(*visits, found)
        self._fill(found.changes)
        lines = list(found.sentences)
        if self._target is not None:
            lines.insert(0, self._saved(found.report, self._target))
        self._show("\n".join(lines))
        parameters.fourthMap = FourthMap.CHANGE
        parameters.pdff = visits[0].pdff

    def _saved(self, report: dict[str, bytes], folder: Path) -> str:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in report.items():
                (folder / name).write_bytes(content)
        except OSError as error:
            return tr("The report could not be written ({why}).").format(why=error.strerror)
        return tr("Saved {names} in {folder}").format(names=", ".join(report), folder=folder)

    def _fill(self, changes: tuple[Change, ...]) -> None:
        table = self._context.ui.changeTable
        rows = [
            (
                change.name,
                _number(f"{change.baseline:.1f}"),
                _number(f"{change.follow_up:.1f}"),
                _number(f"{change.change:+.1f} ({change.lower:+.1f} to {change.upper:+.1f})"),
                tr(change.verdict),
            )
            for change in changes
        ]
        fill_table(table, [tr(heading) for heading in HEADINGS], rows, [tr(tip) for tip in TIPS])
        table.setVisible(bool(changes))

    def _drop(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._task = self._visits = self._target = None

    def _show(self, text: str) -> None:
        self._context.ui.visitsMessageLabel.text = text


def _number(text: str) -> str:
    return "-" if "nan" in text else text
