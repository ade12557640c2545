"""Scans, maps and regions in the scene of slicer-core, and the panel with them."""

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
def loaded(module: Any, liver: tuple[EchoSeries, TissueMaps]) -> Any:
    from AIDEALLib.mrml.scan.sequences import add_series

    first, second = add_series(module.scene, liver[0], "Case").pair
    module.parameters.firstSequence, module.parameters.secondSequence = first, second
    return module


@pytest.fixture
def estimated(loaded: Any, liver_maps: ParameterMaps) -> Any:
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    loaded.clock.tick()
    return loaded


@pytest.fixture
def layouts(scene: Any) -> Iterator[Any]:
    """A layout manager, so that the module's views are made as the application makes them."""
    from slicer_harness.views import LayoutManager

    made = LayoutManager()
    yield made
    made.close()


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
