"""Logic of the module: scan in, worker, maps out. Works without a main window."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import slicer

from ..choices import PhaseUnit
from ..echoes import EchoSeries
from ..errors import AidealError, InputError
from ..options import RunOptions
from ..worker.client import Event, Failed, Progress, Reason, Result, Stage, Stopped, WorkerBusy, WorkerClient
from .nodes import PHASE_UNIT, MapNodes, set_quality
from .regions.owners import claim
from .regions.region import Region
from .results.maps import add_maps_in_steps
from .results.reference import Slices, add_difference, compare, options_like
from .scan.sample import SAMPLE_NAME, add_sample_lobes, sample_series
from .scan.scene_scan import SceneScan
from .scan.sequences import StoredScan, add_series, scan_of_sequences
from .signal import Signal
from .volumes import array_of
from .worker_interface import Worker

_Emission = tuple[Signal, tuple[Any, ...]]
"""A signal and its arguments."""
_Steps = Generator[None, None, _Emission]
"""Putting a result into the scene, step by step."""


class EstimationFailed(AidealError):
    """A run without an interface failed."""


class AidealLogic:
    """Runs estimates and puts their maps into the scene.

    A failed, cancelled or overtaken run leaves the scene as it was: nodes are made only once all maps are there.

    Attributes
    ----------
    stage_changed : Signal
        A step of the run begins (Step).
    progressed : Signal
        Slices are estimated (number, total).
    finished : Signal
        The maps are in the scene (MapNodes, Result).
    compared : Signal
        A comparison with the reference has ended (list of RegionAgreement, volume of differences).
    failed : Signal
        The run failed (Failed).
    stopped : Signal
        The run was cancelled.
    standstill_s : float, seconds
        Time that one `poll` spends on the scene when maps arrive; the application works in between.
    """

    def __init__(self, scene: Any = None, worker: Worker | None = None) -> None:
        self.scene = scene if scene is not None else slicer.mrmlScene
        self._worker = worker
        self._sources: tuple[Any, ...] = ()
        self._on_result: Callable[[Result], _Steps] | None = None
        self._steps: tuple[Result, _Steps] | None = None
        self.standstill_s = 0.05
        self._forgotten = False
        self.stage_changed, self.progressed, self.finished = Signal(), Signal(), Signal()
        self.compared, self.failed, self.stopped = Signal(), Signal(), Signal()
        self._observers = [self.scene.AddObserver(self.scene.StartCloseEvent, self._on_scene_closing)]

    @property
    def worker(self) -> Worker:
        """The worker, made when it is first needed."""
        if self._worker is None:
            self._worker = WorkerClient()
        return self._worker

    @property
    def busy(self) -> bool:
        """True while a run is under way."""
        return self._steps is not None or (self._worker is not None and self._worker.busy)

    @property
    def adding(self) -> bool:
        """True while the result of a run is put into the scene."""
        return self._steps is not None

    def warm_up(self, options: RunOptions) -> None:
        """Load what a run with these options needs while the user still looks at the scan."""
        with contextlib.suppress(OSError):  # a child that cannot be started: the run meets that again and reports it
            self.worker.warm_up(options)

    def start(self, scan: SceneScan, options: RunOptions | None = None, check: bool = True) -> None:
        """Copy the scan out of the scene and begin to estimate it.

        Parameters
        ----------
        scan : SceneScan
            The scan.
        options : RunOptions, optional
            Options of the run; the defaults when None.
        check : bool
            Check scan and maps.

        Raises
        ------
        InputError
            The scan has problems.
        WorkerBusy
            Another run is under way.
        """
        if options is not None:
            scan = replace(scan, phase_needed=options.uses_phase)
        series, unit = scan.series(), scan.unit()
        self._begin(series, options, scan.sources, lambda result: self._finish(result, scan.name or "scan", unit), check)

    def start_comparison(self, maps: MapNodes, scan: SceneScan, region: Region, regions: list[Region], device: str) -> None:
        """Begin to estimate the slices of a region by the reference method; `compared` follows.

        Parameters
        ----------
        maps : MapNodes
            Maps to compare.
        scan : SceneScan
            Scan of the maps.
        region : Region
            Region whose slices are estimated.
        regions : list of Region
            Regions to compare, one by one.
        device : str
            Where to compute.

        Raises
        ------
        InputError
            The region is empty, or the scan is no longer in the scene.
        WorkerBusy
            Another run is under way.
        """
        slices = Slices.touched_by(region)
        if scan.problems() or array_of(scan.first[0]).shape != array_of(maps.pdff).shape:
            raise InputError("The scan of these maps is no longer in the scene; there is nothing to compare with.")

        def finish(result: Result) -> _Steps:
            difference = add_difference(maps, result.maps, slices)
            yield
            return self.compared, (compare(maps, result.maps, slices, regions), difference)

        part = slices.of(scan.series(), maps.pdff)
        self._begin(part, options_like(maps, device), (maps.pdff,), finish, check=False)

    def _begin(
        self,
        series: EchoSeries,
        options: RunOptions | None,
        sources: tuple[Any, ...],
        on_result: Callable[[Result], _Steps],
        check: bool = True,
    ) -> None:
        if self._steps is not None:
            raise WorkerBusy("The maps of a run are being added to the scene; wait a moment.")
        self.worker.start(series, options, check)
        self._sources, self._on_result, self._forgotten = sources, on_result, False

    def cancel(self) -> None:
        """Stop the run; `stopped` follows within two seconds of polling."""
        if self._steps is not None:
            self._drop_steps()
            self.stopped.emit()
        elif self._worker is not None:
            self._worker.cancel()

    def poll(self) -> None:
        """Handle the events of the worker; call it a few times a second."""
        if self._worker is None:
            return
        for event in self._worker.poll():
            self._handle(event)
        if self._steps is not None:
            self._go_on(*self._steps)

    def estimate(
        self, scan: SceneScan, options: RunOptions | None = None, timeout_s: float = 3600.0, check: bool = True
    ) -> MapNodes:
        """Run to the end, for scripts and tests.

        Parameters
        ----------
        scan : SceneScan
            The scan.
        options : RunOptions, optional
            Options of the run; the defaults when None.
        timeout_s : float, seconds
            Time after which the run is cancelled.
        check : bool
            Check scan and maps.

        Returns
        -------
        MapNodes
            The maps in the scene.

        Raises
        ------
        EstimationFailed
            The run failed, for the reason in the message.
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
            self.start(scan, options, check)
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
        raise EstimationFailed(outcome[0].message if outcome[0] else "The run was stopped before it ended.")

    def load_sample(self) -> tuple[StoredScan, Any]:
        """Put the bundled synthetic liver into the scene: its sequences, and the segmentation of its lobes."""
        series = sample_series()
        stored, lobes = add_series(self.scene, series, SAMPLE_NAME), add_sample_lobes(self.scene, series)
        claim(lobes, stored.first)
        return stored, lobes

    def load_sample_scan(self) -> SceneScan:
        """The bundled synthetic liver, ready to be estimated."""
        return scan_of_sequences(*self.load_sample()[0].pair)

    def close(self) -> None:
        """End the worker and stop observing the scene."""
        for tag in self._observers:
            self.scene.RemoveObserver(tag)
        self._observers.clear()
        if self._worker is not None:
            self._worker.close()

    def _handle(self, event: Event) -> None:
        if isinstance(event, Stage | Progress):
            if self._forgotten:
                return
            if isinstance(event, Stage):
                self.stage_changed.emit(event.step)
            else:
                self.progressed.emit(event.done, event.total)
        elif isinstance(event, Result) and self._on_result is not None and not self._forgotten:
            self._steps = event, self._on_result(event)
        elif isinstance(event, Failed) and not self._forgotten:
            logging.error("AIDEAL: %s\n%s", event.message, event.details)
            self.failed.emit(event)
        elif isinstance(event, Result | Failed | Stopped):
            self.stopped.emit()

    def _go_on(self, result: Result, steps: _Steps) -> None:
        """Put more of a result into the scene, for a short while."""
        until = time.monotonic() + self.standstill_s
        try:
            next(steps)
            while time.monotonic() < until:
                next(steps)
        except StopIteration as ended:
            self._steps = None
            signal, arguments = ended.value
            signal.emit(*arguments)
        except Exception as error:
            self._steps = None
            logging.exception("AIDEAL: maps could not be added to the scene")
            message = f"The maps could not be added to the scene: {error}"
            self.failed.emit(Failed(result.run, Reason.INTERNAL, message))

    def _drop_steps(self) -> None:
        if self._steps is not None:
            self._steps[1].close()
        self._steps = None

    def _finish(self, result: Result, name: str, unit: PhaseUnit | None) -> _Steps:
        sources = [node for node in self._sources if node.GetScene() is self.scene]
        maps = yield from add_maps_in_steps(self.scene, result.maps, name, sources)
        set_quality(maps.pdff, result.quality)
        if unit is not None:
            maps.pdff.SetAttribute(PHASE_UNIT, unit.value)
        return self.finished, (maps, result)

    def _on_scene_closing(self, *_: Any) -> None:
        self._sources = ()
        self._drop_steps()
        if self.busy:
            self._forgotten = True
            self.cancel()
