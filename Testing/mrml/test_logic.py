"""The logic on the scene with real worker processes: estimate, cancel, crash, a scene closed on the way."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from waiting import LONG_S

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.options import RunOptions
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import Failed, Reason, WorkerClient
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")


@pytest.fixture
def logic(scene: Any, warm_worker: WorkerClient) -> Iterator[Any]:
    from AIDEALLib.mrml.logic import AidealLogic

    made = AidealLogic(scene, warm_worker)
    yield made
    if made.busy:
        made.cancel()
        poll_until(made, lambda: not made.busy)
    for tag in made._observers:
        scene.RemoveObserver(tag)


def poll_until(logic: Any, condition: Any, timeout_s: float = LONG_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        logic.poll()
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def scan_in(scene: Any, series: EchoSeries, name: str = "Case") -> Any:
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences

    return scan_of_sequences(*add_series(scene, series, name).pair)


def test_two_runs_in_an_oblique_scene(scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str) -> None:
    from AIDEALLib.mrml.volumes import array_of, geometry_of

    series, truth = small_liver
    scan = scan_in(scene, replace(series, geometry=OBLIQUE))
    progress: list[tuple[int, int]] = []
    logic.progressed.connect(lambda done, total: progress.append((done, total)))
    first = logic.estimate(
        scan,
        RunOptions(models=models),
        check=False,
    )
    second = logic.estimate(
        scan,
        RunOptions(method="one-shot", models=models),
        check=False,
    )
    assert progress[:4] == [(n, 3) for n in range(4)]
    assert first.pdff.GetID() != second.pdff.GetID()
    assert [maps.provenance()["method"] for maps in (first, second)] == ["refined", "one-shot"]
    inside = truth.segment("Right lobe") & (array_of(first["foreground"]) > 0)
    assert abs(np.median(array_of(first.pdff)[inside]) - truth.pdff_percent[inside].mean()) < 2.0
    np.testing.assert_allclose(geometry_of(first.pdff).direction, OBLIQUE.direction, atol=1e-9)
    np.testing.assert_allclose(geometry_of(first.pdff).origin_mm, OBLIQUE.origin_mm, atol=1e-9)
    assert first.pdff.GetNumberOfNodeReferences("AIDEAL.scan") == 2


def test_problems_stop_a_run_before_it_begins(scene: Any, logic: Any) -> None:
    from AIDEALLib.mrml.scan.sequences import scan_of_sequences

    with pytest.raises(InputError, match="Choose a scan"):
        logic.start(scan_of_sequences(None, None))
    assert not logic.busy


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_killed_worker_leaves_the_scene_alone_and_the_next_run_works(
    scene: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str
) -> None:
    from AIDEALLib.mrml.logic import AidealLogic

    client = WorkerClient()
    logic = AidealLogic(scene, client)
    try:
        scan = scan_in(scene, small_liver[0])
        before = scene.GetNumberOfNodes()
        failures: list[Failed] = []
        logic.failed.connect(failures.append)
        logic.start(
            scan,
            RunOptions(models=models),
            check=False,
        )
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        poll_until(logic, lambda: failures)
        assert failures[0].reason is Reason.CRASH
        assert scene.GetNumberOfNodes() == before
        assert not logic.busy
        maps = logic.estimate(
            scan,
            RunOptions(models=models),
            check=False,
        )
        assert maps.pdff.GetScene() is scene
    finally:
        logic.close()


def test_cancel_leaves_no_nodes(scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str) -> None:
    scan = scan_in(scene, small_liver[0])
    before = scene.GetNumberOfNodes()
    stopped: list[bool] = []
    logic.stopped.connect(lambda: stopped.append(True))
    logic.start(
        scan,
        RunOptions(models=models),
        check=False,
    )
    logic.cancel()
    poll_until(logic, lambda: stopped)
    assert scene.GetNumberOfNodes() == before


def test_scene_closed_during_a_run(scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str) -> None:
    scan = scan_in(scene, small_liver[0])
    finished: list[Any] = []
    logic.finished.connect(lambda maps, _result: finished.append(maps))
    logic.start(
        scan,
        RunOptions(models=models),
        check=False,
    )
    scene.Clear(False)
    poll_until(logic, lambda: not logic.busy)
    logic.poll()
    assert not finished
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    maps = logic.estimate(
        scan_in(scene, small_liver[0]),
        RunOptions(models=models),
        check=False,
    )
    assert maps.pdff.GetScene() is scene


def test_source_removed_during_a_run(scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str) -> None:
    scan = scan_in(scene, small_liver[0])
    finished: list[Any] = []
    logic.finished.connect(lambda maps, _result: finished.append(maps))
    logic.start(
        scan,
        RunOptions(models=models),
        check=False,
    )
    for node in scan.sources:
        scene.RemoveNode(node)
    poll_until(logic, lambda: finished)
    assert finished[0].pdff.GetNumberOfNodeReferences("AIDEAL.scan") == 0


def test_a_scan_without_phase_is_estimated_by_method_magnitude(
    scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps]
) -> None:
    from AIDEALLib.mrml.results import probe
    from AIDEALLib.mrml.volumes import array_of, world_position

    magnitudes = replace(small_liver[0], echoes=np.abs(small_liver[0].echoes).astype(np.complex64))
    scan = scan_in(scene, magnitudes)
    with pytest.raises(InputError, match="phase"):
        logic.estimate(scan, check=False)
    maps = logic.estimate(
        scan,
        RunOptions(method="magnitude"),
        check=False,
    )
    truth = small_liver[1]
    inside = truth.segment("Right lobe") & (array_of(maps["foreground"]) > 0)
    assert abs(np.median(array_of(maps.pdff)[inside]) - truth.pdff_percent[inside].mean()) < 3.0
    voxel = tuple(int(v) for v in np.argwhere(inside)[40])
    with pytest.raises(InputError, match="cannot be drawn"):
        probe.fit_at(maps, scan, world_position(maps.pdff, *voxel))


def test_fit_at_a_point(scene: Any, logic: Any, small_liver: tuple[EchoSeries, TissueMaps], models: str) -> None:
    from AIDEALLib.mrml.results import probe
    from AIDEALLib.mrml.volumes import world_position

    series, truth = small_liver
    scan = scan_in(scene, series)
    maps = logic.estimate(
        scan,
        RunOptions(models=models),
        check=False,
    )
    voxel = tuple(int(v) for v in np.argwhere(truth.segment("Right lobe"))[40])
    fit = probe.fit_at(maps, scan, world_position(maps.pdff, *voxel))
    np.testing.assert_allclose(fit.measured, np.abs(series.echoes[(slice(None), *voxel)]), rtol=1e-4)
    at_echoes = np.interp(fit.te_s, fit.time_s, fit.fitted)
    lower, upper = np.interp(fit.te_s, fit.time_s, fit.lower), np.interp(fit.te_s, fit.time_s, fit.upper)
    assert fit.residual_percent < 25
    assert np.mean((fit.measured >= lower) & (fit.measured <= upper)) >= 0.5
    assert np.all((lower <= at_echoes) & (at_echoes <= upper))
    chart = probe.show_fit(scene, fit, "Voxel")
    assert chart.GetNumberOfNodeReferences(chart.GetPlotSeriesNodeReferenceRole()) == 4
    assert probe.show_fit(scene, fit, "Again") is chart
    with pytest.raises(InputError, match="no estimate"):
        probe.fit_at(maps, scan, (1e4, 0.0, 0.0))
    for node in scan.sources:
        scene.RemoveNode(node)
