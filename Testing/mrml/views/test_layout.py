"""Layouts as the application makes them: views come with events, sliders report late, hidden plots and tables stay hidden.

On a stand-in for the layout manager (slicer_harness): not Slicer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from AIDEALLib.parameter_maps import ParameterMaps
from slicer_harness.panel import Panel

pytest.importorskip("slicer")


@pytest.fixture
def reading(layouts: Any, loaded: Panel, liver_maps: ParameterMaps) -> Panel:
    """A run that has just ended, in views that were never shown before."""
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    loaded.clock.tick()
    return loaded


def title_of(layouts: Any, name: str) -> str:
    return str(layouts.views[name].node.GetLayoutLabel())


def legend_of(volume: Any) -> str:
    import slicer

    return str(slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volume).GetTitleText())


def test_a_scan_is_seen_as_soon_as_it_is_loaded(layouts: Any, loaded: Panel) -> None:
    import slicer

    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.volumes import array_of, voxel_at

    view = layouts.views[layout.ANATOMY_VIEW]
    assert layouts.shown == {layout.ANATOMY_VIEW}
    shown = slicer.mrmlScene.GetNodeByID(view.composite.GetBackgroundVolumeID())
    assert shown.GetName() == "Echo 1 - Case"
    slicer.app.processEvents()
    to_ras = view.node.GetSliceToRAS()
    at = voxel_at(shown, tuple(to_ras.GetElement(axis, 3) for axis in range(3)))  # type: ignore[arg-type]
    assert at is not None and at[0] == array_of(shown).shape[0] // 2


def test_the_first_picture_is_the_middle_slice_with_legends(layouts: Any, reading: Panel) -> None:
    import slicer

    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.views.shown_pdff import shown_pdff

    maps = reading.panel._context.maps()
    assert maps is not None
    slicer.app.processEvents()
    assert display.current_slice(maps) == 3, "the slider's late report does not win"
    assert layouts.early_legends == [], "a legend made before its view is not drawn"
    for name, volume, title, legend in (
        (layout.PDFF_VIEW, shown_pdff(maps), "PDFF", "PDFF %"),
        (layout.SD_VIEW, maps["pdff_total_sd"], "PDFF SD", "SD %"),
        (layout.FOURTH_VIEW, maps["r2star"], "R2*", "R2* 1/s"),
    ):
        assert layouts.views[name].composite.GetBackgroundVolumeID() == volume.GetID()
        assert (title_of(layouts, name), legend_of(volume)) == (title, legend)
    assert title_of(layouts, layout.ANATOMY_VIEW) == "Water"


def test_title_and_legend_of_the_fourth_view_follow_its_map(layouts: Any, reading: Panel) -> None:
    import slicer
    import vtk

    from AIDEALLib.mrml.views import layout

    maps, ui = reading.panel._context.maps(), reading.ui
    assert maps is not None
    events: list[str] = []
    node = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(maps["r2star"])
    for index, key, title, legend in (
        (1, "field", "Field", "Field Hz"),
        (2, "swap_probability", "P(swap)", "P(swap)"),
        (0, "r2star", "R2*", "R2* 1/s"),
    ):
        tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: events.append("legend"))
        ui.fourthComboBox.currentIndex = index
        node.RemoveObserver(tag)
        assert layouts.views[layout.FOURTH_VIEW].composite.GetBackgroundVolumeID() == maps[key].GetID()
        assert (title_of(layouts, layout.FOURTH_VIEW), legend_of(maps[key])) == (title, legend)
    assert events, "a legend draws a new title only after a modified event"
    ui.anatomyComboBox.currentIndex = 1
    assert title_of(layouts, layout.ANATOMY_VIEW) == "Echo 1"


def test_choosing_a_segmentation_leaves_the_views_alone(layouts: Any, reading: Panel) -> None:
    before = {name: view.composite.GetBackgroundVolumeID() for name, view in layouts.views.items()}
    assert len(set(before.values())) == 4
    reading.ui.lobesButton.click()
    assert {name: view.composite.GetBackgroundVolumeID() for name, view in layouts.views.items()} == before


def test_fit_histogram_and_table_are_seen(layouts: Any, reading: Panel, liver_maps: ParameterMaps) -> None:
    import slicer

    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results import columns
    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.volumes import world_position

    maps = reading.panel._context.maps()
    assert maps is not None and layout.PLOT_VIEW not in layouts.shown
    inside = tuple(int(v) for v in np.argwhere(liver_maps.mask)[500])
    reading.panel.fit.plot_fit(world_position(maps.pdff, *inside))
    assert layout.PLOT_VIEW in layouts.shown, "the plot does not go into a view that is not shown"
    chart = slicer.mrmlScene.GetNodeByID(layouts.other(layout.PLOT_VIEW).GetPlotChartNodeID())
    assert chart.GetTitle().startswith("PDFF") and len(chart.GetTitle()) < 50
    drawing.add_circle(reading.scene, "Right lobe", world_position(maps.pdff, 2, 30, 20), scan=maps.scan)
    reading.panel.numbers.live.points_added()
    reading.clock.tick()
    shown = layouts.other(layout.TABLE_VIEW).GetTableNode()
    assert shown.GetUseColumnTitleAsColumnHeader()
    assert [shown.GetColumnName(n) for n in range(shown.GetNumberOfColumns())] == list(map(columns.title, columns.USUAL))
    assert shown.GetTable().GetNumberOfRows() == 1
    reading.ui.showButton.click()
    layouts.other(layout.TABLE_VIEW).SetTableNodeID(None)
    reading.ui.histogramButton.click()
    assert layout.PLOT_VIEW in layouts.shown
    assert layouts.other(layout.TABLE_VIEW).GetTableNode() is shown, "a table that was filled before its view came is seen"


def test_layouts_are_there_before_the_module_is_opened(scene: Any, layouts: Any) -> None:
    import importlib

    from AIDEALLib.mrml.views.layout import LAYOUTS
    from slicer_harness import qt_widgets

    qt_widgets.install()
    importlib.import_module("AIDEAL").onStartupCompleted()
    assert all(layouts.node.IsLayoutDescription(number) for number in LAYOUTS)


def test_windows_by_mouse_stay_until_reset_and_are_those_of_the_pdff(layouts: Any, reading: Panel) -> None:
    import slicer

    from AIDEALLib.mrml.views import layout
    from AIDEALLib.mrml.views.overlay import Overlay
    from AIDEALLib.mrml.views.shown_pdff import shown_pdff
    from AIDEALLib.mrml.volumes import array_of

    maps = reading.panel._context.maps()
    assert maps is not None
    view = layouts.views[layout.PDFF_VIEW]
    assert reading.parameters.overlay is Overlay.TOTAL_SD
    over = slicer.mrmlScene.GetNodeByID(view.composite.GetForegroundVolumeID())
    assert over.GetName() == "Overlay - Case"
    shown, fixed = shown_pdff(maps), over.GetDisplayNode().GetWindow()
    over.GetDisplayNode().SetWindowLevel(fixed + 1.0, over.GetDisplayNode().GetLevel())  # as a drag over the overlay does
    assert over.GetDisplayNode().GetWindow() == fixed
    assert shown.GetDisplayNode().GetWindow() > 40.0
    shown.GetDisplayNode().SetWindowLevelMinMax(5.0, 20.0)
    reading.panel.update()
    reading.ui.fourthComboBox.currentIndex = 1
    assert shown.GetDisplayNode().GetWindowLevelMax() == 20.0, "what the reader set stays"
    reading.ui.resetWindowsButton.click()
    assert shown.GetDisplayNode().GetWindowLevelMax() == 40.0
    array_of(maps.pdff)[0, 0, 0] = -1603.0
    slicer.util.arrayFromVolumeModified(maps.pdff)
    reading.panel.update()
    shown = shown_pdff(maps)
    assert shown is not maps.pdff and array_of(shown).min() == -20.0
    assert view.composite.GetBackgroundVolumeID() == shown.GetID()
    assert array_of(maps.pdff).min() == -1603.0, "statistics keep every value"


def test_water_is_windowed_by_the_body_not_by_its_brightest_part(scene: Any) -> None:
    import slicer

    from AIDEALLib.echoes import Geometry
    from AIDEALLib.mrml.views.colors import window_of
    from AIDEALLib.mrml.volumes import fill_volume

    values = np.zeros((4, 40, 40), np.float32)
    values[:, 5:35, 5:35] = 100.0
    values[:, 5:7, 5:35] = 2000.0  # next to a coil
    volume = fill_volume(slicer.vtkMRMLScalarVolumeNode(), values, Geometry())
    assert 100.0 < window_of("water", volume)[1] < 400.0


def test_a_run_fills_the_views_once(layouts: Any, loaded: Panel, liver_maps: ParameterMaps, monkeypatch: Any) -> None:
    from AIDEALLib.mrml.views import display

    calls: list[bool] = []
    real = display.show_maps
    monkeypatch.setattr(display, "show_maps", lambda maps, choice, fit=False: (calls.append(fit), real(maps, choice, fit)))
    loaded.ui.applyButton.click()
    loaded.finish(liver_maps)
    loaded.clock.tick()
    assert calls == [True]


def test_titles_fit_a_narrow_view() -> None:
    from AIDEALLib.mrml.parameters import FourthMap
    from AIDEALLib.mrml.views.colors import LONGEST_TITLE, TITLES

    assert {view.value for view in FourthMap} <= set(TITLES)
    assert max(map(len, TITLES.values())) <= LONGEST_TITLE


def test_lobes_and_circles_in_three_dimensions(layouts: Any, reading: Panel) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.views import layout

    ui, maps = reading.ui, reading.panel._context.maps()
    assert maps is not None
    ui.showLiverButton.click()
    assert "Nothing is drawn" in ui.probeLabel.text
    ui.lobesButton.click()
    lobes = reading.parameters.segmentation
    box = np.zeros(maps.pdff.GetImageData().GetDimensions()[::-1], bool)
    box[1:4, 20:40, 20:40] = True
    drawing.set_segment(lobes, "Right lobe", box, maps.pdff)
    ui.showLiverButton.click()
    assert layouts.shown == {*layout.VIEWS[:3], layout.LIVER_VIEW}
    assert lobes.GetDisplayNode().GetVisibility3D() and lobes.GetClosedSurfaceInternalRepresentation(
        lobes.GetSegmentation().GetNthSegmentID(0)
    )
    ui.showButton.click()
    assert layouts.shown == set(layout.VIEWS)
    assert not lobes.GetSegmentation().ContainsRepresentation("Closed surface"), "drawing does not have to keep surfaces"


def test_a_scan_without_orientation_is_turned_as_its_reader_wants(
    layouts: Any, module: Panel, liver: tuple[Any, Any], liver_maps: ParameterMaps
) -> None:
    from dataclasses import replace

    from AIDEALLib.echoes import Geometry
    from AIDEALLib.mrml.scan.sequences import add_series
    from AIDEALLib.mrml.views import layout, turning

    def axes() -> list[list[float]]:
        matrix = layouts.views[layout.ANATOMY_VIEW].node.GetSliceToRAS()
        return [[round(matrix.GetElement(row, column)) for row in range(3)] for column in (0, 1)]

    series = replace(liver[0], geometry=Geometry(spacing_mm=(2.0, 2.0, 5.0)))
    stored = add_series(module.scene, series, "Array")
    module.parameters.firstSequence, module.parameters.secondSequence = stored.pair
    assert module.ui.rotateButton.isVisibleTo(module.ui.viewsSection)
    assert axes() == [[-1, 0, 0], [0, 1, 0]]
    module.ui.rotateButton.click()
    assert axes() == [[0, 1, 0], [1, 0, 0]], "what was up is on the right"
    module.ui.flipButton.click()
    assert axes() == [[0, -1, 0], [1, 0, 0]], "mirrored as it is seen"
    assert turning.turn_of(stored.first) == (3, True)
    module.ui.applyButton.click()
    module.finish(replace(liver_maps, geometry=series.geometry))
    assert axes() == [[0, -1, 0], [1, 0, 0]], "maps are shown as the scan"
    stored = add_series(module.scene, liver[0], "Oriented")
    module.parameters.firstSequence, module.parameters.secondSequence = stored.pair
    assert not module.ui.rotateButton.isVisibleTo(module.ui.viewsSection)
