"""Fixtures of the tests around the Slicer module: a small scan with its truth, and networks to run it with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import ModelError
from AIDEALLib.models import model_directory
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import EstimateOptions, Event, Progress, Result, Stage, WorkerClient
from slicer_harness.cases import OBLIQUE


@pytest.fixture(scope="session")
def small_liver() -> tuple[EchoSeries, TissueMaps]:
    """Three slices of the synthetic liver and their truth."""
    return demo_liver(matrix=(3, 64, 64))


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of networks: '' for the bundled ones, or untrained ones where none are bundled yet."""
    try:
        model_directory()
    except ModelError:
        import torch

        from AIDEALLib.training.export import export_networks
        from AIDEALLib.training.networks import FieldNetwork, R2StarNetwork

        torch.manual_seed(0)
        folder: Path = tmp_path_factory.mktemp("models")
        export_networks(FieldNetwork(), R2StarNetwork(), folder, {"G_phi": "{sha256}", "G_R2star": "{sha256}"})
        return str(folder)
    return ""


@pytest.fixture(scope="session")
def warm_worker() -> Iterator[WorkerClient]:
    """A worker shared by the tests that do not care which process computes."""
    client = WorkerClient()
    yield client
    client.close()


@pytest.fixture(scope="session")
def wait_for() -> Callable[[WorkerClient], list[Event]]:
    """Poll a client until its run ends (or until a condition holds), and return all events."""

    def wait(client: WorkerClient, until: Callable[[Event], bool] | None = None, timeout_s: float = 120.0) -> list[Event]:
        events: list[Event] = []
        deadline = time.monotonic() + timeout_s
        stop = until or (lambda event: not isinstance(event, Stage | Progress))
        while time.monotonic() < deadline:
            new = client.poll()
            events += new
            if any(stop(event) for event in new):
                return events
            time.sleep(0.02)
        raise AssertionError(f"nothing after {timeout_s} s; events so far {events}; log:\n{client.log()}")

    return wait


@pytest.fixture(scope="session")
def liver() -> tuple[EchoSeries, TissueMaps]:
    """Six slices of the synthetic liver, with both lobes, and their truth."""
    return demo_liver(matrix=(6, 64, 64))


@pytest.fixture(scope="session")
def liver_maps(
    liver: tuple[EchoSeries, TissueMaps],
    models: str,
    warm_worker: WorkerClient,
    wait_for: Callable[[WorkerClient], list[Event]],
) -> ParameterMaps:
    """Maps of the synthetic liver, estimated by the worker."""
    warm_worker.start(liver[0], EstimateOptions(models=models, check=False))
    result = wait_for(warm_worker)[-1]
    assert isinstance(result, Result), result
    return result.maps


@pytest.fixture
def scene() -> Iterator[Any]:
    """An empty scene of slicer-core; the test fails when VTK logs an error."""
    pytest.importorskip("slicer")
    from slicer_harness.scene import boot, empty_scene, vtk_errors

    slicer = boot()
    empty_scene()
    with vtk_errors() as errors:
        yield slicer.mrmlScene
        empty_scene()
    assert not errors, errors


@pytest.fixture
def module(scene: Any) -> Iterator[Any]:
    pytest.importorskip("PySide6")
    from slicer_harness import qt_widgets
    from slicer_harness.panel import Panel

    qt_widgets.install()
    qt_widgets.slot_errors.clear()
    made = Panel(scene)
    yield made
    made.panel.close()
    assert not qt_widgets.slot_errors, "\n".join(qt_widgets.slot_errors)


@pytest.fixture
def loaded(module: Any, liver: tuple[EchoSeries, TissueMaps]) -> Any:
    from AIDEALLib.mrml.scan_sources import add_series

    first, second = add_series(module.scene, liver[0], "Case")
    module.parameters.firstSequence, module.parameters.secondSequence = first, second
    return module


@pytest.fixture
def estimated(loaded: Any, liver_maps: ParameterMaps) -> Any:
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    loaded.clock.tick()
    return loaded


@pytest.fixture
def drawn(scene: Any, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps) -> tuple[Any, Any, TissueMaps]:
    """Oblique maps in the scene, and both lobes drawn on them."""
    from AIDEALLib.mrml import regions
    from AIDEALLib.mrml.maps import add_maps

    maps = add_maps(scene, replace(liver_maps, geometry=OBLIQUE), "Case")
    segmentation = regions.create_lobes(scene, maps.pdff)
    for label, name in liver[1].label_names.items():
        regions.set_segment(segmentation, name, liver[1].labels == label, maps.pdff)
    return maps, segmentation, liver[1]
