"""Maps in the scene: on the right voxels, with unit, window and provenance; they survive a saved scene."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import MAP_INFO, ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")


def test_values_geometry_units_windows(scene: Any, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml import nodes
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.volumes import array_of, geometry_of

    maps = add_maps(scene, replace(liver_maps, geometry=OBLIQUE), "Case")
    assert {name for name, _ in maps} == {*MAP_INFO, nodes.FOREGROUND, nodes.LOW_CONFIDENCE}
    for name, array in liver_maps.items():
        np.testing.assert_array_equal(array_of(maps[name]), array, err_msg=name)
        assert array_of(maps[name]).dtype == np.float32
        np.testing.assert_allclose(geometry_of(maps[name]).direction, OBLIQUE.direction, atol=1e-9)
    assert maps.pdff.GetName() == "PDFF - Case"
    assert maps.pdff.GetVoxelValueUnits().GetCodeValue() == "%"
    assert maps.pdff.GetVoxelValueQuantity().GetCodeValue() == "129100"
    assert maps["r2star"].GetVoxelValueUnits().GetCodeValue() == "1/s"
    display = maps.pdff.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax(), display.GetAutoWindowLevel()) == (0.0, 40.0, 0)
    assert maps["pdff_total_sd"].GetDisplayNode().GetWindowLevelMax() == 10.0
    assert maps.provenance()["te_s"] == pytest.approx(liver_maps.provenance.te_s)
    np.testing.assert_array_equal(array_of(maps[nodes.FOREGROUND]) > 0, liver_maps.mask)


def test_a_voxel_is_found_where_it_lies(scene: Any, liver_maps: ParameterMaps) -> None:
    """Column, row and slice of an oblique grid map to LPS by origin + direction * spacing * index, RAS with x and y negated."""
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.results.probe import describe
    from AIDEALLib.mrml.volumes import voxel_at, world_position

    maps = add_maps(scene, replace(liver_maps, geometry=OBLIQUE), "Case")
    slice_, row, column = 3, 30, 17
    lps = np.asarray(OBLIQUE.origin_mm) + np.asarray(OBLIQUE.direction).reshape(3, 3) @ (
        np.asarray(OBLIQUE.spacing_mm) * (column, row, slice_)
    )
    ras = (-lps[0], -lps[1], lps[2])
    assert world_position(maps.pdff, slice_, row, column) == pytest.approx(ras)
    assert voxel_at(maps.pdff, ras) == (slice_, row, column)
    assert voxel_at(maps.pdff, (1e4, 0, 0)) is None
    assert describe(maps, (1e4, 0, 0)) == ""
    inside = tuple(int(v) for v in np.argwhere(liver_maps.mask)[100])
    text = describe(maps, world_position(maps.pdff, *inside))
    assert f"PDFF {liver_maps.pdff[inside]:.1f} ± {liver_maps.pdff_total_sd[inside]:.1f} %" in text
    outside = tuple(int(v) for v in np.argwhere(~liver_maps.mask)[0])
    assert "background" in describe(maps, world_position(maps.pdff, *outside))


def test_under_a_transform(scene: Any, liver_maps: ParameterMaps) -> None:
    import vtk

    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.volumes import voxel_at, world_position

    maps = add_maps(scene, liver_maps, "Case")
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkMatrix4x4()
    matrix.SetElement(0, 3, 100.0)
    transform.SetMatrixTransformToParent(matrix)
    before = world_position(maps.pdff, 1, 2, 3)
    maps.pdff.SetAndObserveTransformNodeID(transform.GetID())
    after = world_position(maps.pdff, 1, 2, 3)
    assert after == pytest.approx((before[0] + 100.0, before[1], before[2]))
    assert voxel_at(maps.pdff, after) == (1, 2, 3)


def test_two_runs_stay_apart_and_are_found_from_any_map(scene: Any, liver_maps: ParameterMaps) -> None:
    import slicer

    from AIDEALLib.mrml.nodes import maps_of
    from AIDEALLib.mrml.results.maps import add_maps

    first, second = add_maps(scene, liver_maps, "Case"), add_maps(scene, liver_maps, "Case")
    found = maps_of(second["r2star"])
    assert found is not None
    assert {n.GetID() for _, n in found} == {n.GetID() for _, n in second}
    scene.RemoveNode(first["fat"])
    kept = maps_of(first["water"])
    assert kept is not None
    assert "fat" not in kept
    assert maps_of(None) is None
    assert maps_of(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "other")) is None
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(maps.pdff)) for maps in (first, second)}
    assert len(folders) == 2
    assert all(hierarchy.GetItemName(folder).startswith("AIDEAL - Case") for folder in folders)


def test_failure_half_way_leaves_nothing_behind(scene: Any, liver_maps: ParameterMaps, monkeypatch: pytest.MonkeyPatch) -> None:
    from AIDEALLib.mrml.results import maps as module

    before = {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}
    real, calls = module.fill_volume, []

    def fails_late(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 7:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr(module, "fill_volume", fails_late)
    with pytest.raises(MemoryError):
        module.add_maps(scene, liver_maps, "Case")
    new = [node for node in (scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes())) if node.GetID() not in before]
    assert {node.GetClassName() for node in new} <= {"vtkMRMLProceduralColorNode"}, "only our colour maps may stay"


def test_maps_added_in_steps_are_gone_when_the_rest_is_not_wanted(scene: Any, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.results.maps import add_maps_in_steps, pdff_nodes

    steps = add_maps_in_steps(scene, liver_maps, "Case")
    for _ in range(4):
        next(steps)
    assert pdff_nodes(scene)
    steps.close()
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeDisplayNode") == 0


def test_a_removed_run_leaves_scan_and_regions(
    scene: Any, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps
) -> None:
    import slicer

    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results.folders import folder_of, place_in_folder
    from AIDEALLib.mrml.results.maps import add_maps, earlier_runs, remove_run
    from AIDEALLib.mrml.scan.sequences import add_series
    from AIDEALLib.mrml.views import colors, overlay

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    sources = add_series(scene, liver[0], "Case").pair
    volumes = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    first = add_maps(scene, liver_maps, "Case", sources)
    colors.add_legends(dict(first))
    overlay.overlay_volume(first, overlay.Overlay.SWAP, 0.2)
    lobes = drawing.create_lobes(scene, first.pdff)
    place_in_folder(first, lobes)
    folder = folder_of(first)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(lobes)) == folder
    displays = scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")
    second = add_maps(scene, liver_maps, "Case", sources)
    assert [run.pdff for run in earlier_runs(second)] == [first.pdff]
    remove_run(first)
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == volumes + len(list(second))
    assert scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode") <= displays, "display nodes and legends are gone, too"
    assert not hierarchy.GetItemByDataNode(first.pdff)
    assert lobes.GetScene() is scene and sources[0].GetScene() is scene
    place_in_folder(second, lobes)
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(lobes)) == folder_of(second)
    third = add_maps(scene, liver_maps, "Case", sources)
    assert third.pdff.GetName() == "PDFF - Case, run 3", "a number is not used twice"


def test_everything_comes_back_from_a_saved_scene(
    scene: Any, tmp_path: Path, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps
) -> None:
    from AIDEALLib.mrml.nodes import maps_of, provenance_of
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results.live_table import fill_table
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences
    from AIDEALLib.mrml.views import colors, overlay
    from AIDEALLib.mrml.volumes import array_of
    from slicer_harness.scene import load_mrb, save_mrb

    series, truth = liver
    series = replace(series, geometry=OBLIQUE)
    maps = add_maps(scene, replace(liver_maps, geometry=OBLIQUE), "Case", add_series(scene, series, "Case").pair)
    segmentation = drawing.create_lobes(scene, maps.pdff)
    for label, name in truth.label_names.items():
        drawing.set_segment(segmentation, name, truth.labels == label, maps.pdff)
    rows = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "Numbers")
    fill_table(table, rows, maps)
    colors.add_legends(dict(maps))
    overlay.overlay_volume(maps, overlay.Overlay.SWAP, 0.2)
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))

    pdff = scene.GetFirstNodeByName("PDFF - Case")
    back = maps_of(pdff)
    assert back is not None
    assert len(list(back)) == len(list(maps))
    for name, array in liver_maps.items():
        np.testing.assert_array_equal(array_of(back[name]), array, err_msg=name)
    assert provenance_of(pdff)["models"] == liver_maps.provenance.models
    assert pdff.GetDisplayNode().GetWindowLevelMax() == 40.0
    assert pdff.GetDisplayNode().GetColorNode().GetName() == "AIDEAL PDFF"
    assert pdff.GetDisplayNode().GetColorNode().GetColorTransferFunction().GetSize() == 6
    assert scene.GetFirstNodeByName("Overlay - Case") is None, "what the views alone need is not saved"
    over = overlay.overlay_volume(back, overlay.Overlay.SWAP, 0.2)
    assert over.GetDisplayNode().GetLowerThreshold() == pytest.approx(0.2)
    again = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    np.testing.assert_equal(
        [r.pdff_mean for r in measure(back, regions_of(again, pdff), MeasureOptions())], [r.pdff_mean for r in rows]
    )
    scan = scan_of_sequences(pdff.GetNthNodeReference("AIDEAL.scan", 0), pdff.GetNthNodeReference("AIDEAL.scan", 1))
    assert scan.problems() == []
    np.testing.assert_array_equal(scan.series().echoes, series.echoes)
    np.testing.assert_array_equal(scan.series().te_s, series.te_s)
    assert scene.GetFirstNodeByName("Numbers").GetTable().GetNumberOfRows() == len(rows)
