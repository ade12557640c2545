"""What the module does, without any interface: scan in, worker, maps out. Works without a main window."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import slicer

from ..echoes import EchoSeries
from ..errors import AidealError
from ..io.load import load_series
from ..resources import resource
from ..worker.client import EstimateOptions, Event, Failed, Progress, Reason, Result, Stopped, WorkerClient
from .maps import add_maps
from .nodes import MapNodes
from .scan import SceneScan
from .scan_sources import add_series, scan_of_sequences
from .signal import Signal

SAMPLE_NAME = "AIDEAL synthetic liver"
SAMPLE_FOLDER = ("SampleData", "synthetic_liver")


class Worker(Protocol):
    """What logic needs of a worker; `WorkerClient` is the real one, tests may bring another."""

    @property
    def busy(self) -> bool:
        """True while a run goes on."""

    def start(self, series: EchoSeries, options: EstimateOptions | None = None) -> int:
        """Begin a run."""

    def cancel(self) -> None:
        """Ask the run to stop."""

    def poll(self) -> list[Event]:
        """What has happened since the last call."""

    def close(self) -> None:
        """End the child."""


class EstimationFailed(AidealError):
    """A run without an interface came to nothing."""


class AidealLogic:
    """Runs estimates and puts their maps into the scene.

    A failed, cancelled or overtaken run leaves the scene as it was: nodes are made only once all maps are there.

    Attributes
    ----------
    progressed(done, total), finished(MapNodes, Result), failed(Failed), stopped() : signals, emitted by `poll`.
    """

    def __init__(self, scene: Any = None, worker: Worker | None = None) -> None:
        self.scene = scene if scene is not None else slicer.mrmlScene
        self._worker = worker
        self._sources: tuple[Any, ...] = ()
        self._name = ""
        self._forgotten = False
        self.progressed, self.finished, self.failed, self.stopped = Signal(), Signal(), Signal(), Signal()
        self._observers = [self.scene.AddObserver(self.scene.StartCloseEvent, self._on_scene_closing)]

    @property
    def worker(self) -> Worker:
        """The worker, made when it is first needed."""
        if self._worker is None:
            self._worker = WorkerClient()
        return self._worker

    @property
    def busy(self) -> bool:
        """True while a run goes on."""
        return self._worker is not None and self._worker.busy

    def start(self, scan: SceneScan, options: EstimateOptions | None = None) -> None:
        """Copy the scan out of the scene and begin to estimate it.

        Raises
        ------
        InputError
            The scan has problems. WorkerBusy : while another run goes on.
        """
        series = scan.series()
        self.worker.start(series, options)
        self._sources, self._name, self._forgotten = scan.sources, scan.name or "scan", False

    def cancel(self) -> None:
        """Stop the run; `stopped` follows within two seconds of polling."""
        if self._worker is not None:
            self._worker.cancel()

    def poll(self) -> None:
        """Handle what the worker has to say; call it a few times a second."""
        if self._worker is None:
            return
        for event in self._worker.poll():
            self._handle(event)

    def estimate(self, scan: SceneScan, options: EstimateOptions | None = None, timeout_s: float = 3600.0) -> MapNodes:
        """Run to the end and return the maps: for scripts and tests.

        Raises
        ------
        EstimationFailed
            With the reason in words.
        """
        outcome: list[MapNodes | Failed | None] = []
        slots: list[tuple[Signal, Callable[..., None]]] = [
            (self.finished, lambda maps, _result: outcome.append(maps)),
            (self.failed, outcome.append),
            (self.stopped, lambda: outcome.append(None)),
        ]
        for signal, slot in slots:
            signal.connect(slot)
        try:
            self.start(scan, options)
            deadline = time.monotonic() + timeout_s
            while not outcome:
                self.poll()
                slicer.app.processEvents()
                if time.monotonic() > deadline:
                    self.cancel()
                time.sleep(0.02)
        finally:
            for signal, slot in slots:
                signal.disconnect(slot)
        if isinstance(outcome[0], MapNodes):
            return outcome[0]
        raise EstimationFailed(outcome[0].message if outcome[0] else "The run was stopped before it was done.")

    def load_files(self, paths: list[Path]) -> tuple[Any, Any]:
        """Read a scan from files (all that the command line reads) and put it into the scene as two sequences.

        Raises
        ------
        InputError
            The files cannot be used.
        """
        series = load_series(paths if len(paths) > 1 else paths[0])
        name = series.source or paths[0].name.split(".")[0]
        return add_series(self.scene, series, name.split(".")[0])

    def load_sample(self) -> tuple[Any, Any]:
        """Put the bundled synthetic liver into the scene."""
        series = load_series(resource(*SAMPLE_FOLDER))
        return add_series(self.scene, series, SAMPLE_NAME)

    def load_sample_scan(self) -> SceneScan:
        """The bundled synthetic liver, ready to be estimated."""
        return scan_of_sequences(*self.load_sample())

    def close(self) -> None:
        """End the worker and forget the scene."""
        for tag in self._observers:
            self.scene.RemoveObserver(tag)
        self._observers.clear()
        if self._worker is not None:
            self._worker.close()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Progress):
            if not self._forgotten:
                self.progressed.emit(event.done, event.total)
        elif isinstance(event, Result) and not self._forgotten:
            try:
                maps = self._add(event)
            except Exception as error:
                logging.exception("AIDEAL: maps could not be added to the scene")
                self.failed.emit(_not_added(event, error))
            else:
                self.finished.emit(maps, event)
        elif isinstance(event, Failed) and not self._forgotten:
            logging.error("AIDEAL: %s\n%s", event.message, event.details)
            self.failed.emit(event)
        elif isinstance(event, Result | Failed | Stopped):
            self.stopped.emit()

    def _add(self, result: Result) -> MapNodes:
        still_there = [node for node in self._sources if node.GetScene() is self.scene]
        return add_maps(self.scene, result.maps, self._name, still_there)

    def _on_scene_closing(self, *_: Any) -> None:
        self._sources = ()
        if self.busy:
            self._forgotten = True
            self.cancel()


def _not_added(result: Result, error: Exception) -> Failed:

    return Failed(result.run, Reason.INTERNAL, f"The maps could not be added to the scene: {error}")
