"""What several tests share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fixture_types import Voxels
from hypothesis import HealthCheck, settings
from waiting import LONG_S

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import ModelError
from AIDEALLib.model_files import model_directory
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.physics.signal import synthesise
from AIDEALLib.physics.spectrum import SIX_PEAK
from AIDEALLib.simulation.demo import demo_liver
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.training.export import export_networks
from AIDEALLib.training.model_cards import model_cards
from AIDEALLib.training.networks import FieldNetwork, R2StarNetwork
from AIDEALLib.worker.client import Event, Progress, Result, Stage, WorkerClient

settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")


@pytest.fixture(scope="session")
def fresh_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of exported networks that were never trained."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    field, r2star = FieldNetwork(), R2StarNetwork()
    export_networks(field, r2star, folder, model_cards(field, r2star, {"field": 0}))
    return folder


@pytest.fixture
def te_s() -> torch.Tensor:
    """Echo times 1.3 + 2.1 n ms, six echoes."""
    return 1.3e-3 + 2.1e-3 * torch.arange(6, dtype=torch.float64)


@pytest.fixture
def voxels() -> Voxels:
    """Make complex128 echoes (echo, voxels) of the six-peak model at 1.5 T; every argument a number or one value a voxel."""

    def make(
        te_s: torch.Tensor,
        pdff_percent: object,
        field_hz: object,
        r2star_per_s: object,
        phase_rad: object = 0.7,
        noise_sd: float = 0.0,
        field_strength_t: float = 1.5,
        seed: int = 0,
    ) -> torch.Tensor:
        values = (
            torch.as_tensor(np.asarray(x), dtype=torch.float64) for x in (pdff_percent, field_hz, r2star_per_s, phase_rad)
        )
        pdff, field, r2star, phase = torch.broadcast_tensors(*(torch.atleast_1d(x) for x in values))
        total = torch.polar(torch.ones_like(phase), phase)
        modulation = SIX_PEAK.modulation(te_s, field_strength_t)
        echoes = synthesise(total * (1 - pdff / 100), total * pdff / 100, field, r2star, te_s, modulation)
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn(*echoes.shape, 2, generator=generator, dtype=torch.float64)
        return echoes + noise_sd * torch.view_as_complex(noise)

    return make


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

    def wait(client: WorkerClient, until: Callable[[Event], bool] | None = None, timeout_s: float = LONG_S) -> list[Event]:
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
    warm_worker.start(
        liver[0],
        RunOptions(models=models),
        check=False,
    )
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
    """The panel of the module on an empty scene; the test fails when one of its slots raises."""
    pytest.importorskip("PySide6")
    from slicer_harness import qt_widgets
    from slicer_harness.panel import Panel

    qt_widgets.install()
    qt_widgets.slot_errors.clear()
    made = Panel(scene)
    yield made
    made.panel.close()
    assert not qt_widgets.slot_errors, "\n".join(qt_widgets.slot_errors)
