"""Joint estimates of the regions in the table: made in the background where they are requested."""

from __future__ import annotations

from typing import Any

from ...errors import AidealError
from ..results import columns
from ..results.joint import JointEstimates
from ..text import tr
from ..wording import worded
from .context import Context
from .numbers_panel import NumbersPanel

POLL_MS = 100


class JointPanel:
    """Has joint estimates made after a measurement that lacks them.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    numbers : NumbersPanel
        Section of the numbers.
    """

    def __init__(self, context: Context, numbers: NumbersPanel) -> None:
        self._context, self._live = context, numbers.live
        self.estimates = JointEstimates()
        self._title = context.ui.jointCheckBox.text
        self._following = self._closed = False
        self._live.changed.connect(self._on_measured)

    def update(self) -> None:
        """Begin or end, as the check box is set."""
        parameters, maps = self._context.parameters(), self._context.maps()
        self._context.ui.jointCheckBox.enabled = maps is not None
        wanted = parameters is not None and parameters.jointEstimate
        if wanted and not parameters.columns and not parameters.allColumns:
            parameters.columns = " ".join((*columns.USUAL, "joint_pdff"))
        if wanted is not (self._live.joint is not None):
            self._live.joint = self.estimates.lookup if wanted else None
            self._live.touch()
        self._show_progress()

    def close(self) -> None:
        """The panel is destroyed: stop."""
        self._closed = True
        self.estimates.clear()

    def _on_measured(self) -> None:
        maps = self._context.maps()
        if self._live.joint is None or maps is None or self._closed:
            return
        try:
            begun = self.estimates.begin(maps)
        except AidealError as error:
            self._give_up(error)
            return
        self._show_progress()
        if begun and not self._following:
            self._following = True
            self._context.later(POLL_MS, self._follow)

    def _follow(self) -> None:
        self._following = False
        if self._closed:
            return
        try:
            ready = self.estimates.poll()
        except AidealError as error:
            self._give_up(error)
            return
        self._show_progress()
        if ready:
            self._live.touch()
        elif self.estimates.under_way:
            self._following = True
            self._context.later(POLL_MS, self._follow)

    def _give_up(self, error: AidealError) -> None:
        parameters = self._context.parameters()
        if parameters is not None:
            parameters.jointEstimate = False
        self._context.dialogs.error(tr("No joint estimates: {why}").format(why=worded(error)))

    def _show_progress(self) -> None:
        state: Any = tr(" (under way...)") if self.estimates.under_way else ""
        self._context.ui.jointCheckBox.text = self._title + state
