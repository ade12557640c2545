"""Sections that fold away once a run is there, to one line each, so that regions and numbers come into sight."""

from __future__ import annotations

from typing import Any

from ...worker.client import Finding, Severity
from ..nodes import MapNodes, findings_of, signal_to_noise_of
from ..scan.scene_scan import SceneScan
from ..text import tr
from .context import Context
from .findings_panel import sentence, short_title

FOLDED = ("scan", "estimate")
"""Sections that fold away after a run."""


class Sections:
    """Folds sections, and keeps one line of what is in them in their titles.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._folding = False
        ui = context.ui
        self._titles = {name: getattr(ui, f"{name}Section").text for name in FOLDED}
        for name in FOLDED:
            getattr(ui, f"{name}Section").connect("contentsCollapsed(bool)", self.onCollapsed)
        ui.worstFindingLabel.setVisible(False)

    def fold(self) -> None:
        """A run has ended: fold, but for sections that the user keeps open."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        self._folding = True
        for name in FOLDED:
            if name not in parameters.keptOpen.split():
                getattr(self._context.ui, f"{name}Section").collapsed = True
        self._folding = False
        parameters.folded = True

    def onCollapsed(self, *_: Any) -> None:
        """The user opened or closed a section: remember it, with the scene."""
        parameters = self._context.parameters()
        if parameters is None or self._folding:
            return
        opened = [name for name in FOLDED if not getattr(self._context.ui, f"{name}Section").collapsed]
        if parameters.folded:
            parameters.keptOpen = " ".join(opened)

    def restore(self) -> None:
        """Fold as the scene remembers it."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        self._folding = True
        for name in FOLDED:
            folded = parameters.folded and name not in parameters.keptOpen.split()
            getattr(self._context.ui, f"{name}Section").collapsed = folded
        self._folding = False

    def show(self, scan: SceneScan) -> None:
        """Bring the titles and the worst finding up to date."""
        ui = self._context.ui
        for name, line in (("scan", self._scan_line(scan)), ("estimate", self._run_line())):
            section = getattr(ui, f"{name}Section")
            section.text = f"{self._titles[name]}: {line}" if section.collapsed and line else self._titles[name]
        maps = self._context.maps()
        found = _warnings(maps) if maps is not None else []
        ui.worstFindingLabel.setVisible(bool(found) and bool(ui.estimateSection.collapsed))
        if found:
            more = tr(" ({count} more in section 2)").format(count=len(found) - 1) if len(found) > 1 else ""
            ui.worstFindingLabel.text = sentence(found[0]) + more

    def _scan_line(self, scan: SceneScan) -> str:
        if not scan.sources:
            return ""
        field = scan.stated.field_strength_t
        parts = [scan.name, tr("{count} echoes").format(count=len(scan.first or scan.second))]
        maps = self._context.maps()
        snr = signal_to_noise_of(maps.pdff) if maps is not None and maps.scan in scan.sources else None
        return ", ".join([*parts, *([f"{field:g} T"] if field else []), *([f"SNR {snr:.0f}"] if snr else [])])

    def _run_line(self) -> str:
        maps = self._context.maps()
        if maps is None:
            return ""
        provenance = maps.provenance()
        seconds = sum(provenance.get("seconds", {}).values())
        parts = (provenance.get("method", ""), f"{seconds:.1f} s" if seconds else "", *map(short_title, _warnings(maps)[:1]))
        return ", ".join(part for part in parts if part)


def _warnings(maps: MapNodes) -> list[Finding]:
    """Findings of a run that are more than a note, the worst first."""
    return [finding for finding in findings_of(maps.pdff) if finding.severity is not Severity.INFO]
