"""Section 3 of the panel: views, limits, overlay, jumps, values and fit.

On PySide6 with PythonQt's manners (slicer_harness): an imitation of Slicer, not Slicer.
"""

from __future__ import annotations

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import LowConfidence
from slicer_harness.panel import Panel


def test_look(estimated: Panel, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.volumes import world_position

    ui, maps = estimated.ui, estimated.panel._context.maps()
    assert maps is not None
    ui.windowComboBox.currentIndex = 1
    assert maps.pdff.GetDisplayNode().GetWindowLevelMax() == 100.0
    ui.overlayComboBox.currentIndex = 2
    assert estimated.parameters.overlay.name == "SWAP"
    assert ui.thresholdSlider.maximum == 1.0
    assert estimated.parameters.overlayThreshold == pytest.approx(LowConfidence.swap_probability)
    ui.thresholdSlider.value = 0.3
    over = maps.pdff.GetNodeReference("AIDEAL.map.overlay")
    assert over.GetDisplayNode().GetLowerThreshold() == pytest.approx(0.3)
    ui.overlayComboBox.currentIndex = 0
    assert not ui.thresholdSlider.enabled
    inside = tuple(int(v) for v in np.argwhere(liver_maps.mask)[500])
    ras = world_position(maps.pdff, *inside)
    crosshair = estimated.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    crosshair.SetCursorPositionRAS(list(ras))
    assert f"PDFF {liver_maps.pdff[inside]:.1f} ±" in ui.probeLabel.text
    ui.fitButton.click()
    points = estimated.scene.GetFirstNodeByName("Fit at")
    points.AddControlPoint(*ras)
    assert "residual" in ui.probeLabel.text
    assert estimated.scene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode") == 1
    ui.fitButton.click()
    ui.showNumbersButton.click()


def test_limits_of_low_confidence_are_one_for_overlay_table_and_jump(
    estimated: Panel, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps
) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.volumes import array_of

    ui, maps = estimated.ui, estimated.panel._context.maps()
    assert maps is not None
    ui.lobesButton.click()
    drawing.set_segment(estimated.parameters.segmentation, "Right lobe", liver[1].labels == 1, maps.pdff)
    estimated.clock.tick()
    inside = (liver[1].labels == 1) & liver_maps.mask
    limit = float(np.quantile(liver_maps.pdff_total_sd[inside], 0.7))
    ui.limitSwapSpinBox.value = 1.0
    ui.limitSdSpinBox.value = round(limit, 2)
    estimated.clock.tick()
    low = (liver_maps.pdff_total_sd > round(limit, 2)) & liver_maps.mask
    assert estimated.panel.numbers.live.rows[0].low_confidence_percent == pytest.approx(100 * low[inside].mean())
    np.testing.assert_array_equal(array_of(maps["low_confidence"]) > 0, low)
    ui.excludeCheckBox.checked = True
    estimated.clock.tick()
    assert estimated.panel.numbers.live.rows[0].used_voxels == (inside & ~low).sum()
    assert ui.thresholdSlider.value == pytest.approx(round(limit, 2)), "the overlay of the SD follows its limit"
    ui.overlayComboBox.currentIndex = 3
    assert not ui.thresholdSlider.enabled, "the limits decide"
    ui.limitSdSpinBox.value = 50.0
    ui.nextLowButton.click()
    assert "No slice" in ui.probeLabel.text


def test_first_view_shows_water_or_the_first_echo(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.views.anatomy import anatomy_of
    from AIDEALLib.mrml.volumes import array_of

    maps = estimated.panel._context.maps()
    assert maps is not None
    estimated.ui.anatomyComboBox.currentIndex = 1
    shown = anatomy_of(maps, estimated.parameters.anatomy.value)
    np.testing.assert_allclose(array_of(shown), np.abs(liver[0].echoes[0]), rtol=1e-5)
    assert shown.GetName() == "Echo 1 - Case"
    estimated.ui.anatomyComboBox.currentIndex = 0
    assert anatomy_of(maps, estimated.parameters.anatomy.value) is maps["water"]
    estimated.ui.anatomyComboBox.currentIndex = 1
    assert anatomy_of(maps, estimated.parameters.anatomy.value) is shown, "made once"


def test_dome_states_how_it_was_found(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.domeButton.click()
    assert "guess" in estimated.ui.probeLabel.text
    estimated.ui.lobesButton.click()
    drawing.set_segment(estimated.parameters.segmentation, "Right lobe", liver[1].labels == 1, estimated.parameters.pdff)
    estimated.clock.tick()
    estimated.ui.domeButton.click()
    assert estimated.ui.probeLabel.text == "Uppermost slice of the regions."
