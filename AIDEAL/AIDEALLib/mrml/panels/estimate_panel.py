"""Section 2: options, Apply, progress, Cancel, and messages of runs that failed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...errors import AidealError
from ...options import RunOptions
from ...worker.client import Failed, Finding, Reason, Result, Step
from ..nodes import MapNodes
from ..results.maps import earlier_runs, remove_run
from ..run_options import run_options
from ..text import tr
from ..torch_installation import install_torch
from ..wording import panel_words, worded
from .context import Context
from .scan_panel import ScanPanel

POLL_MS, ADDING_MS = 100, 10
ADVANCED = ("spectrum", "ppm_offset", "bipolar", "first_echo", "gain_steps")
"""Options in the collapsible group."""


@dataclass(frozen=True)
class _Refusal:
    """A scan that was refused, with the choices that the refusal depends on."""

    choices: tuple[Any, ...]
    findings: tuple[Finding, ...]


class EstimatePanel:
    """Starts runs and follows them.

    Parameters
    ----------
    context : Context
        Widgets, logic and dialogs.
    scan : ScanPanel
        Section of the scan.
    finished : callable
        Called with the maps of a run that succeeded.
    refresh : callable
        Brings the whole panel up to date.
    """

    def __init__(
        self, context: Context, scan: ScanPanel, finished: Callable[[MapNodes], None], refresh: Callable[[], None]
    ) -> None:
        self._context, self._scan, self._finished, self._refresh = context, scan, finished, refresh
        self._started = 0.0
        self._slices = ""
        self._refused: _Refusal | None = None
        self._closed = False
        ui, logic = context.ui, context.logic
        ui.applyButton.connect("clicked(bool)", self.onApply)
        ui.anywayCheckBox.connect("toggled(bool)", self.onAnyway)
        logic.stage_changed.connect(self._on_stage)
        logic.progressed.connect(self._on_progress)
        logic.compared.connect(self._on_compared)
        logic.finished.connect(self._on_finished)
        logic.failed.connect(self._on_failed)
        logic.stopped.connect(self._on_stopped)
        ui.progressBar.setVisible(False)
        self.update()

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Findings for which the chosen scan was refused, () when it was not."""
        return self._refused.findings if self._refused is not None else ()

    def update(self) -> None:
        """Enable and label the button, with the reason why it is disabled."""
        ui, busy = self._context.ui, self._context.logic.busy
        if self._refused is not None and self._refused.choices != self._choices():  # another scan, or other options
            self._refused = None
            ui.anywayCheckBox.checked = False
        ui.anywayCheckBox.setVisible(self._refused is not None)
        reasons = [problem.text for problem in self._scan.problems]
        if not ui.anywayCheckBox.checked:
            reasons += [finding.worded(panel_words) for finding in self.refused]
        ui.applyButton.text = tr("Cancel") if busy else tr("Apply")
        ui.applyButton.enabled = busy or not reasons
        if busy:
            ui.applyButton.toolTip = tr("Stop the estimate; the scene stays as it is")
        else:
            ui.applyButton.toolTip = reasons[0] if reasons else tr("Estimate PDFF and its uncertainty")
        for widget in (ui.methodComboBox, ui.deviceComboBox, ui.presetComboBox, ui.advancedSection):
            widget.enabled = not busy
        self._show_whether_changed()
        self._warm_up(ready=not reasons)

    def _warm_up(self, ready: bool) -> None:
        """Start the estimation process once a scan can be estimated, so that Apply need not wait for it."""
        parameters = self._context.parameters()
        if ready and parameters is not None:
            self._context.logic.warm_up(run_options(parameters, self._scan.scan))

    def _show_whether_changed(self) -> None:
        """Mark the group of advanced options, which may be collapsed, where any is not the default."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        options, defaults = run_options(parameters, self._scan.scan), RunOptions()
        changed = any(getattr(options, name) != getattr(defaults, name) for name in ADVANCED)
        self._context.ui.advancedSection.text = tr("Advanced (changed)") if changed else tr("Advanced")

    def onApply(self, *_: Any) -> None:
        """Start a run, or stop the one under way."""
        if self._context.logic.busy:
            self._context.logic.cancel()
            self._show(tr("Stopping..."))
            return
        self._scan.update()
        self.start()

    def start(self, device: str | None = None) -> None:
        """Begin a run with the options of the panel, or on another device."""
        parameters = self._context.parameters()
        if parameters is None:
            return
        options = run_options(parameters, self._scan.scan, anyway=bool(self._context.ui.anywayCheckBox.checked), device=device)
        try:
            self._context.logic.start(self._scan.scan, options)
        except (AidealError, OSError) as error:
            self._context.dialogs.error(worded(error))
            return
        self.follow()

    def follow(self) -> None:
        """Show progress until the run under way ends."""
        self._started, self._slices = time.monotonic(), tr("starting the estimation process")
        ui = self._context.ui
        ui.progressBar.setRange(0, 0)
        ui.progressBar.setVisible(True)
        self.update()
        self._follow()

    def close(self) -> None:
        """The panel is destroyed: timers that are still due do nothing."""
        self._closed = True

    def _follow(self) -> None:
        if self._closed:
            return
        self._context.logic.poll()
        if self._context.logic.busy:
            seconds = time.monotonic() - self._started
            self._show(tr("{what}, {seconds:.0f} s").format(what=self._slices, seconds=seconds))
            self._context.later(ADDING_MS if self._context.logic.adding else POLL_MS, self._follow)

    def onAnyway(self, *_: Any) -> None:
        """The check box that overrides a refusal was toggled."""
        self.update()

    def _choices(self) -> tuple[Any, ...]:
        """Everything that a refusal depends on."""
        parameters, scan = self._context.parameters(), self._scan.scan
        options = run_options(parameters, scan, device="auto") if parameters is not None else None
        return (*(node.GetID() for node in scan.sources), scan.te_s, scan.stated, options)

    def _on_stage(self, step: Step) -> None:
        self._context.ui.progressBar.setRange(0, 0)
        self._slices = {
            Step.READ: tr("reading the scan"),
            Step.TORCH: tr("loading PyTorch"),
            Step.CHECK: tr("checking the scan"),
            Step.NETWORKS: tr("loading the networks"),
            Step.PREPARE: tr("searching for phase errors"),
            Step.ASSESS: tr("checking the result"),
        }[step]

    def _on_progress(self, done: int, total: int) -> None:
        bar = self._context.ui.progressBar
        bar.setRange(0, total)
        bar.value = done
        self._slices = tr("slice {done} of {total}").format(done=done, total=total)

    def _on_finished(self, maps: MapNodes, result: Result) -> None:
        self._end()
        provenance = result.maps.provenance
        done = tr("Done in {seconds:.1f} s on {device}.").format(seconds=result.seconds, device=provenance.device)
        clear = result.quality is not None and not result.quality.findings
        found = [tr("The check of scan and maps has no findings.")] if clear else []
        self._show("\n".join([done, *found, *provenance.notes]))
        self._finished(maps)
        parameters = self._context.parameters()
        if parameters is not None and not parameters.keepRuns:
            for earlier in earlier_runs(maps):
                remove_run(earlier)

    def _on_compared(self, *_: Any) -> None:
        self._end()
        seconds = time.monotonic() - self._started
        self._show(tr("Compared with the reference in {seconds:.1f} s.").format(seconds=seconds))

    def _on_failed(self, failed: Failed) -> None:
        self._end()
        self._show(failed.worded(panel_words))
        if failed.reason is Reason.UNUSABLE:
            self._refused = _Refusal(self._choices(), failed.findings)
            self._show(tr("Not estimated: {why}").format(why=failed.worded(panel_words)))
            self._refresh()
        elif failed.reason is Reason.TORCH_MISSING:
            self._offer_torch()
        elif failed.reason is Reason.DEVICE and self._context.dialogs.confirm(
            failed.worded(panel_words) + "\n\n" + tr("Use the CPU now?")
        ):
            self.start("cpu")
        elif failed.reason is not Reason.DEVICE:
            self._context.dialogs.error(failed.worded(panel_words), failed.details)

    def _on_stopped(self) -> None:
        self._end()
        self._show("")

    def _offer_torch(self) -> None:
        text = tr(
            "Estimation needs PyTorch, which is not installed. Download and install it now? "
            "With support for NVIDIA graphics cards it takes several gigabytes, for the CPU alone a few hundred megabytes."
        )
        chosen = self._context.dialogs.choose(text, [tr("Install"), tr("Install for CPU only"), tr("Cancel")])
        if chosen not in (0, 1):
            return
        self._show(tr("Installing PyTorch..."))
        try:
            install_torch(cpu_only=chosen == 1)
        except AidealError as error:
            self._show(str(error))
            self._context.dialogs.error(str(error))
            return
        self.start()

    def _end(self) -> None:
        self._context.ui.progressBar.setVisible(False)
        self.update()

    def _show(self, text: str) -> None:
        self._context.ui.statusLabel.text = text
