"""The module's panel with everything around it faked: worker, questions to the user, timers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.worker.client import Event, Progress, QualityReport, Result, Stage


class FakeWorker:
    """Returns the events that a test puts in."""

    def __init__(self) -> None:
        self.busy = False
        self.events: list[Event] = []
        self.started: list[RunOptions] = []
        self.series: list[EchoSeries] = []
        self.cancelled = False
        self.warmed_up: list[RunOptions] = []

    def warm_up(self, options: RunOptions | None = None) -> None:
        self.warmed_up.append(options or RunOptions())

    def start(self, series: EchoSeries, options: RunOptions | None = None, check: bool = True) -> int:
        self.busy, self.cancelled = True, False
        self.started.append(options or RunOptions())
        self.series.append(series)
        return len(self.started)

    def cancel(self) -> None:
        self.cancelled = True

    def poll(self) -> list[Event]:
        events, self.events = self.events, []
        if any(not isinstance(event, Stage | Progress) for event in events):
            self.busy = False
        return events

    def close(self) -> None:
        self.busy = False


class FakeDialogs:
    """Answers every question as set, and keeps what was shown."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.questions: list[str] = []
        self.choices: list[str] = []
        self.answer, self.button = True, 2
        self.files: list[Path] = []
        self.file: Path | None = None
        self.directory: Path | None = None
        self.copied = ""
        self.typed: list[str] = []

    def confirm(self, text: str) -> bool:
        self.questions.append(text)
        return self.answer

    def choose(self, text: str, choices: list[str]) -> int:
        self.questions.append(text)
        self.choices = choices
        return self.button

    def error(self, text: str, details: str = "") -> None:
        self.errors.append(text)

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.typed.pop(0) if self.typed else ""

    def open_files(self, title: str, pattern: str) -> list[Path]:
        return self.files

    def save_file(self, title: str, name: str, pattern: str) -> Path | None:
        return self.file

    def folder(self, title: str) -> Path | None:
        return self.directory

    def clipboard(self, text: str) -> None:
        self.copied = text


class FakeSegmenter:
    """Draws what a test puts in: voxels by the name of a segment."""

    def __init__(self) -> None:
        self.installed = False
        self.voxels: dict[str, Any] = {}
        self.asked: list[str] = []

    def available(self) -> bool:
        return self.installed

    def segment(self, volume: Any, segmentation: Any) -> None:
        from AIDEALLib.mrml.liver_segmenter import SegmentationFailed
        from AIDEALLib.mrml.regions.drawing import set_segment

        self.asked.append(volume.GetName())
        if not self.voxels:
            raise SegmentationFailed("no liver")
        for name, voxels in self.voxels.items():
            set_segment(segmentation, name, voxels, volume)


class AtOnce:
    """A task beside the estimate, run in this process when it is started."""

    names: list[str] = []  # noqa: RUF012

    def __init__(self, name: str, write: Callable[[Path], None], read: Callable[[Path], Any]) -> None:
        from AIDEALLib.errors import AidealError
        from AIDEALLib.worker.background import TASKS

        self.ended, self.cancelled = True, False
        self._error: AidealError | None = None
        self.names.append(name)
        with TemporaryDirectory() as folder:
            write(Path(folder))
            try:
                importlib.import_module(f"AIDEALLib.{TASKS[name]}").run(Path(folder))
                self._result = read(Path(folder))
            except AidealError as error:
                self._error = error

    def result(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """Timers that go off at `tick`."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def later(self, _milliseconds: int, function: Callable[[], None]) -> None:
        self.due.append(function)

    def tick(self) -> None:
        due, self.due = self.due, []
        for function in due:
            function()


class Panel:
    """The panel, its widgets (`ui`) and what is around it."""

    def __init__(self, scene: Any) -> None:
        from AIDEALLib.mrml.logic import AidealLogic
        from AIDEALLib.mrml.widget import AidealPanel

        from . import qt_widgets
        from .scripted_module import ScriptedLoadableModuleLogic

        self.scene, self.worker, self.dialogs, self.clock = scene, FakeWorker(), FakeDialogs(), Clock()
        self.segmenter = FakeSegmenter()
        ui_file = Path(importlib.import_module("AIDEALLib").__file__ or "").parents[1] / "Resources" / "UI" / "AIDEAL.ui"
        self.root = qt_widgets.load_ui(str(ui_file))
        self.ui = qt_widgets.child_variables(self.root)
        self.root.setMRMLScene(scene)
        self.logic = AidealLogic(scene, self.worker)
        self.logic.standstill_s = 600.0  # a result is added in one go, however busy the machine is
        node = ScriptedLoadableModuleLogic().getParameterNode
        self.panel = AidealPanel(self.ui, self.root, self.logic, node, self.clock.later, self.dialogs, self.segmenter)
        self.panel.visits.start = self.panel.joint.estimates.start = AtOnce
        self.panel.enter()

    @property
    def parameters(self) -> Any:
        return self.panel.parameters

    def finish(self, maps: ParameterMaps, quality: QualityReport | None = None) -> None:
        self.worker.events = [Result(1, maps, 2.5, None, quality)]
        self.clock.tick()
