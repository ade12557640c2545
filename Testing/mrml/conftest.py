"""The scene of slicer-core, and the module's panel on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.cases import OBLIQUE


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
    from AIDEALLib.mrml.scan.sources import add_series

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
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results.maps import add_maps

    maps = add_maps(scene, replace(liver_maps, geometry=OBLIQUE), "Case")
    segmentation = drawing.create_lobes(scene, maps.pdff)
    for label, name in liver[1].label_names.items():
        drawing.set_segment(segmentation, name, liver[1].labels == label, maps.pdff)
    return maps, segmentation, liver[1]
