"""What a reader sees: real slice views rendered off screen, with pixels asserted. Set AIDEAL_PICTURES to keep the pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps

pytest.importorskip("slicer")

Shown = tuple[Any, Any, dict[str, Any], TissueMaps]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("AIDEAL_PICTURES", tmp_path))


@pytest.fixture
def shown(scene: Any, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps) -> Iterator[Shown]:
    """Maps and lobes in the four views of our layout."""
    from slicer_harness.views import SliceView, can_render

    if not can_render():
        pytest.skip(f"no off-screen OpenGL on this {sys.platform} machine")
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.views import layout

    maps = add_maps(scene, liver_maps, "Case")
    segmentation = drawing.create_lobes(scene, maps.pdff)
    segmentation.GetDisplayNode().SetOpacity2DFill(0.0)
    for label, name in liver[1].label_names.items():
        drawing.set_segment(segmentation, name, liver[1].labels == label, maps.pdff)
    views = {name: SliceView(name) for name in layout.VIEWS}
    yield maps, segmentation, views, liver[1]
    for view in views.values():
        view.close()


def color_at(view: Any, pixels: np.ndarray, ras: tuple[float, float, float]) -> np.ndarray:
    row, column = view.pixel_of(ras)
    return pixels[row, column].astype(int)


def expected_color(scene: Any, name: str, value: float, low: float, high: float) -> np.ndarray:
    from AIDEALLib.mrml.views.colors import color_node

    rgb = [0.0, 0.0, 0.0]
    color_node(scene, name).GetColorTransferFunction().GetColor(255 * np.clip((value - low) / (high - low), 0, 1), rgb)
    return np.round(255 * np.asarray(rgb)).astype(int)


def test_colours_are_those_of_the_values(scene: Any, shown: Shown, liver_maps: ParameterMaps, pictures: Path) -> None:
    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.views.overlay import Overlay
    from AIDEALLib.mrml.volumes import world_position
    from slicer_harness.views import save_png, side_by_side

    maps, _, views, truth = shown
    display.show_maps(maps, display.ViewChoice(overlay=Overlay.NONE), fit=True)
    slice_ = int(np.argmax((truth.labels == 1).sum((1, 2))))
    rows, columns = np.nonzero(truth.labels[slice_] == 1)
    middle = (slice_, int(np.median(rows)), int(np.median(columns)))
    ras = world_position(maps.pdff, *middle)
    display.jump_to(scene, ras)
    for volume in (maps.pdff, maps["pdff_total_sd"]):
        volume.GetDisplayNode().SetInterpolate(False)
    images = {name: view.render() for name, view in views.items()}
    save_png(side_by_side(list(images.values())), pictures / "maps.png")
    assert display.current_slice(maps) == slice_
    for view, name, colors, high in (
        (layout.PDFF_VIEW, "pdff", "PDFF", 40.0),
        (layout.SD_VIEW, "pdff_total_sd", "Uncertainty", 10.0),
    ):
        value = float(getattr(liver_maps, name)[middle])
        found = color_at(views[view], images[view], ras)
        np.testing.assert_allclose(found, expected_color(scene, colors, value, 0.0, high), atol=4, err_msg=view)


def test_patient_right_is_on_the_left(scene: Any, shown: Shown) -> None:
    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.volumes import world_position

    maps, _, views, truth = shown
    display.show_maps(maps, display.ViewChoice(), fit=True)
    columns = {}
    for label in (1, 2):
        middle = np.argwhere(truth.labels == label).mean(axis=0)
        columns[label] = views[layout.PDFF_VIEW].pixel_of(world_position(maps.pdff, *middle))[1]
    assert columns[1] < columns[2]


def test_overlay_covers_what_is_above_the_threshold_only(scene: Any, shown: Shown, pictures: Path) -> None:
    import slicer

    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.views.overlay import Overlay
    from AIDEALLib.mrml.volumes import array_of, world_position
    from slicer_harness.views import save_png

    maps, _, views, truth = shown
    slice_ = int(np.argmax((truth.labels == 1).sum((1, 2))))
    rows, columns = np.nonzero(truth.labels[slice_] == 1)
    row, column = int(np.median(rows)), int(np.median(columns))
    sd = array_of(maps["pdff_total_sd"])
    sd[:] = 1.0
    sd[slice_, row - 2 : row + 3, column - 2 : column + 3] = 9.0
    slicer.util.arrayFromVolumeModified(maps["pdff_total_sd"])
    maps.pdff.GetDisplayNode().SetInterpolate(False)
    view = views[layout.PDFF_VIEW]
    images = {}
    for overlay in (Overlay.NONE, Overlay.TOTAL_SD):
        display.show_maps(maps, display.ViewChoice(overlay=overlay, threshold=5.0, opacity=1.0), fit=True)
        display.jump_to(scene, world_position(maps.pdff, slice_, row, column))
        images[overlay] = view.render()
    drawing.add_circle(scene, drawing.RIGHT_LOBE, world_position(maps.pdff, slice_, row, column))
    drawing.update_circles(scene, maps.pdff, 24.0)
    save_png(view.render(), pictures / "overlay.png")
    marked = world_position(maps.pdff, slice_, row, column)
    beside = world_position(maps.pdff, slice_, row, column + 5)
    plain, over = images[Overlay.NONE], images[Overlay.TOTAL_SD]
    np.testing.assert_allclose(
        color_at(view, over, marked), expected_color(scene, "Marked", 9.0, 5.0, 10.0), atol=4, err_msg="opaque colour of marks"
    )
    np.testing.assert_array_equal(color_at(view, over, beside), color_at(view, plain, beside))
    sd_view = views[layout.SD_VIEW]
    np.testing.assert_allclose(
        color_at(sd_view, sd_view.render(), beside),
        expected_color(scene, "Uncertainty", 1.0, 0.0, 10.0),
        atol=6,
        err_msg="the threshold leaves the SD view alone",
    )


def test_outlines_and_legend_are_drawn(scene: Any, shown: Shown, pictures: Path) -> None:
    from AIDEALLib.mrml.views import display, layout
    from AIDEALLib.mrml.views.overlay import Overlay
    from AIDEALLib.mrml.volumes import world_position
    from slicer_harness.views import save_png

    maps, segmentation, views, truth = shown
    display.show_maps(maps, display.ViewChoice(overlay=Overlay.NONE), fit=True)
    both = int(np.argmax(np.minimum((truth.labels == 1).sum((1, 2)), (truth.labels == 2).sum((1, 2)))))
    display.jump_to(scene, world_position(maps.pdff, both, 32, 32))
    view = views[layout.ANATOMY_VIEW]
    pixels = view.render().astype(int)
    save_png(view.render(), pictures / "outlines.png")
    for n in range(2):
        color = np.round(255 * np.asarray(segmentation.GetSegmentation().GetNthSegment(n).GetColor())).astype(int)
        near = np.abs(pixels - color).sum(axis=2) < 12
        assert near.sum() > 20, f"outline of lobe {n + 1}"
    pdff = views[layout.PDFF_VIEW].render().astype(int)
    legend = pdff[:, int(0.9 * pdff.shape[1]) :]
    white = (legend.min(axis=2) > 230).sum()
    yellow = (np.abs(legend - expected_color(scene, "PDFF", 40, 0, 40)).sum(axis=2) < 12).sum()
    assert white > 30, "numbers beside the colours"
    assert yellow > 5, "the upper end of the colours"
