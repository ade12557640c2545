"""The workflow from sample to table, checked: run by Reload and Test and by the test of the real application."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ..statistics import LowConfidence, SegmentStatistics
from ..worker.client import Severity
from .nodes import FINDINGS, MapNodes, findings_of, maps_of
from .regions import drawing
from .regions.measure import MeasureOptions, measure
from .regions.places import dome
from .regions.region import regions_of
from .results.export import save_csv
from .scan.sample import sample_truth
from .torch_installation import torch_installed
from .views import display, layout
from .views.overlay import Overlay
from .volumes import array_of, world_position

LARGEST_BIAS_POINTS = 1.5


def run_self_test(module_logic: Any, show: Callable[[str], Any], pictures: str = "") -> None:
    """Sample, estimate, lobes, circles, overlay, table, CSV and a saved scene.

    Parameters
    ----------
    module_logic : AIDEALLogic
        Logic of the module.
    show : callable
        Shows a step to the user.
    pictures : str
        Folder for screenshots of the views; '' for none. Without a main window there are none.

    Raises
    ------
    AssertionError
        A step failed, as the message states.
    """
    if not torch_installed():
        show("PyTorch is not installed: the test is skipped. Press Apply in the module to install it.")
        return
    show("Loading the synthetic liver")
    scan = module_logic.loadSample()
    assert scan.problems() == [], scan.problems()
    show("Estimating (on the CPU this takes a minute)")
    maps = module_logic.estimate(scan)
    pdff, labels = sample_truth()
    stops = [finding.sentence for finding in findings_of(maps.pdff) if finding.severity is Severity.STOP]
    assert not stops, stops
    assert maps.pdff.GetAttribute(FINDINGS), "scan and maps were not checked"
    show("Drawing both lobes and a circle in each")
    segmentation, rows = _draw(maps, labels)
    for row, value in zip(rows, (1, 2), strict=False):
        truth = float(np.median(pdff[labels == value]))
        assert abs(row.pdff_median - truth) < LARGEST_BIAS_POINTS, f"{row.name}: {row.pdff_median:.2f} %, truth {truth:.2f} %"
    show("Views and overlay")
    layout.show_layout(slicer.mrmlScene, layout.LAYOUT_MAPS)
    display.show_maps(maps, display.ViewChoice(overlay=Overlay.SWAP, threshold=LowConfidence.swap_probability), fit=True)
    top = dome(maps, regions_of(segmentation, maps.pdff))
    assert top is not None
    display.jump_to(slicer.mrmlScene, top)
    _screenshot(pictures, "dome.png")
    show("Table and saved scene")
    folder = Path(slicer.app.temporaryPath)
    save_csv(rows, folder / "aideal-self-test.csv", maps, MeasureOptions(), 20.0)
    assert "pdff_mean_percent" in (folder / "aideal-self-test.csv").read_text(encoding="utf-8")
    name, expected = maps.pdff.GetName(), array_of(maps.pdff).copy()
    scene_file = str(folder / "aideal-self-test.mrb")
    assert slicer.util.saveScene(scene_file)
    slicer.mrmlScene.Clear()
    slicer.util.loadScene(scene_file)
    back = maps_of(slicer.util.getNode(name))
    assert back is not None
    assert np.array_equal(array_of(back.pdff), expected), "the saved PDFF differs"
    assert back.provenance()["models"], "provenance is gone"


def _draw(maps: MapNodes, labels: np.ndarray) -> tuple[Any, list[SegmentStatistics]]:
    scene = slicer.mrmlScene
    segmentation = drawing.create_lobes(scene, maps.pdff)
    for value, name in ((1, drawing.RIGHT_LOBE), (2, drawing.LEFT_LOBE)):
        drawing.set_segment(segmentation, name, labels == value, maps.pdff)
        slice_ = int(np.argmax((labels == value).sum((1, 2))))
        rows, columns = np.nonzero(labels[slice_] == value)
        drawing.add_circle(scene, name, world_position(maps.pdff, slice_, float(np.median(rows)), float(np.median(columns))))
    circles = drawing.update_circles(scene, maps.pdff, 20.0)
    found = regions_of(segmentation, maps.pdff) + regions_of(circles, maps.pdff)
    assert len(found) == 4
    assert all(region.voxels.any() for region in found)
    return segmentation, measure(maps, found, MeasureOptions())


def _screenshot(folder: str, name: str) -> None:
    window = slicer.util.mainWindow() if folder and slicer.app.layoutManager() else None
    if window is not None:
        slicer.util.forceRenderAllViews()
        slicer.app.processEvents()
        window.grab().save(str(Path(folder) / name))
