"""Regions and their numbers: equal to numpy, on oblique grids, updated while drawing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.statistics import TANG_2015, Measuring, RunErrors, circle_roi, segment_statistics, segments_of, with_groups
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")

Drawn = tuple[Any, Any, TissueMaps]


def test_statistics_equal_those_of_numpy(drawn: Drawn, liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of

    maps, segmentation, truth = drawn
    found = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())
    expected = segment_statistics(
        liver_maps,
        with_groups(segments_of(truth.labels, truth.label_names), liver_maps.mask),
        Measuring(OBLIQUE.voxel_volume_ml, errors=RunErrors.of(liver_maps.provenance.as_dict())),
    )
    assert [row.name for row in found] == ["Right lobe", "Left lobe", "whole liver"]
    for a, b in zip(found, expected, strict=True):
        assert a.voxels == b.voxels > 0
        for field in (
            "volume_ml",
            "pdff_mean",
            "pdff_sd",
            "pdff_median",
            "pdff_iqr",
            "mean_error",
            "median_high",
            "r2star_mean",
        ):
            assert getattr(a, field) == pytest.approx(getattr(b, field), rel=1e-6), field
        assert a.steatosis_grade == b.steatosis_grade


@pytest.mark.parametrize(
    "harm",
    [
        {"echo_error": {"name": "phase", "coefficients": [0, 0, 60, 0, 0, 0, 0, 0, 0]}},
        {"magnitudes": {"across": 4, "blocks": [[0, r, c, 20.0 * (c < 2), 1.0, 0.1] for r in range(4) for c in range(4)]}},
    ],
)
def test_harm_that_depends_on_the_place_is_that_of_the_place(
    scene: Any, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps, harm: dict[str, Any]
) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results.maps import add_maps
    from AIDEALLib.mrml.scan.sequences import add_series

    series, truth = liver
    stated = replace(liver_maps, provenance=replace(liver_maps.provenance, usability=harm))
    maps = add_maps(scene, stated, "Case", add_series(scene, series, "Case").pair)
    segmentation = drawing.create_lobes(scene, maps.pdff)
    for label, name in truth.label_names.items():
        drawing.set_segment(segmentation, name, truth.labels == label, maps.pdff)
    found = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())
    expected = segment_statistics(
        liver_maps,
        segments_of(truth.labels, truth.label_names),
        Measuring(OBLIQUE.voxel_volume_ml, errors=RunErrors.of(stated.provenance.as_dict())),
    )
    assert [row.withheld for row in found[:2]] == [row.withheld for row in expected]
    assert any(row.withheld for row in expected)


def test_lobes_carry_terminology_and_colours(drawn: Drawn) -> None:
    import slicer
    import vtk

    stored = drawn[1].GetSegmentation()
    segments = [stored.GetNthSegment(n) for n in range(2)]
    codes = []
    for segment in segments:
        value = vtk.reference("")
        assert segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), value)
        codes.append(str(value))
    assert "10200004" in codes[0] and "24028007" in codes[0]
    assert "10200004" in codes[1] and "7771000" in codes[1]
    assert segments[0].GetColor() != segments[1].GetColor()


def test_circles_hold_the_voxels_of_a_circle_and_move(drawn: Drawn, scene: Any) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.volumes import array_of, world_position

    maps = drawn[0]
    shape = array_of(maps.pdff).shape
    points = drawing.add_circle(scene, drawing.RIGHT_LOBE, world_position(maps.pdff, 2, 30.25, 20.5))
    drawing.add_circle(scene, "Segment VI", world_position(maps.pdff, 4, 12.1, 40.2))
    circles = drawing.update_circles(scene, maps.pdff, 20.0)
    found = {region.name: region for region in regions_of(circles, maps.pdff)}
    assert set(found) == {"Right lobe ROI 1", "Segment VI ROI 1"}
    for name, center in {"Right lobe ROI 1": (2, 30.25, 20.5), "Segment VI ROI 1": (4, 12.1, 40.2)}.items():
        voxels = np.zeros(shape, bool)
        voxels[found[name].box] = found[name].voxels
        np.testing.assert_array_equal(voxels, circle_roi(shape, center, 10.0, OBLIQUE.spacing_mm))  # type: ignore[arg-type]
    points.SetNthControlPointPositionWorld(0, *world_position(maps.pdff, 3, 40, 40))
    moved = regions_of(drawing.update_circles(scene, maps.pdff, 20.0), maps.pdff)[0]
    assert (moved.box[0].start, moved.box[0].stop) == (3, 4)
    points.RemoveAllControlPoints()
    left = regions_of(drawing.update_circles(scene, maps.pdff, 20.0), maps.pdff)
    assert [region.name for region in left] == ["Segment VI ROI 1"]
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2, "the same node is used again"


def test_plane_splits_the_liver_into_right_and_left(drawn: Drawn, scene: Any) -> None:
    from AIDEALLib.mrml.regions import drawing, splitting
    from AIDEALLib.mrml.regions.region import segment_region
    from AIDEALLib.mrml.volumes import array_of, world_position

    maps, _, truth = drawn
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "whole")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(maps.pdff)
    liver_id = drawing.set_segment(segmentation, "Liver", truth.labels > 0, maps.pdff)
    plane = splitting.split_plane(scene, maps.pdff)
    middle = np.argwhere(truth.labels > 0).mean(axis=0)
    plane.SetOrigin(*world_position(maps.pdff, *middle))
    splitting.split_by_plane(segmentation, [liver_id], plane, maps.pdff)
    stored = segmentation.GetSegmentation()
    ids = {stored.GetNthSegment(n).GetName(): stored.GetNthSegmentID(n) for n in range(stored.GetNumberOfSegments())}
    assert set(ids) == {"Right lobe", "Left lobe"}
    parts = {}
    for name, segment_id in ids.items():
        region = segment_region(segmentation, segment_id, maps.pdff)
        parts[name] = np.zeros(array_of(maps.pdff).shape, bool)
        parts[name][region.box] = region.voxels
    assert not np.any(parts["Right lobe"] & parts["Left lobe"])
    np.testing.assert_array_equal(parts["Right lobe"] | parts["Left lobe"], truth.labels > 0)
    limit = world_position(maps.pdff, *middle)[0]
    for name, right in (("Right lobe", True), ("Left lobe", False)):
        xs = np.array([world_position(maps.pdff, *index)[0] for index in np.argwhere(parts[name])])
        assert np.all(xs >= limit - 1e-6) if right else np.all(xs <= limit + 1e-6), "R is +x"
    with pytest.raises(ValueError, match="no voxels"):
        splitting.split_by_plane(drawing.create_lobes(scene, maps.pdff), ["Rightlobe"], plane, maps.pdff)


def test_segmentation_drawn_on_another_grid(drawn: Drawn, scene: Any, liver_maps: ParameterMaps) -> None:
    """Segments of a finer volume are measured on the maps' voxels."""
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.region import segment_region
    from AIDEALLib.mrml.volumes import fill_volume

    maps, _, truth = drawn
    fine_geometry = replace(
        OBLIQUE,
        spacing_mm=(0.75, 1.0, 6.0),
        origin_mm=tuple(
            np.asarray(OBLIQUE.origin_mm) - np.asarray(OBLIQUE.direction).reshape(3, 3) @ np.array([0.375, 0.5, 0.0])
        ),
    )
    fine = truth.labels.repeat(2, axis=1).repeat(2, axis=2)
    volume = fill_volume(scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "fine"), fine.astype(np.float32), fine_geometry)
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "fine")
    segment_id = drawing.set_segment(segmentation, "Right lobe", fine == 1, volume)
    region = segment_region(segmentation, segment_id, maps.pdff)
    assert abs(int(region.voxels.sum()) - int((truth.labels == 1).sum())) <= 0.02 * (truth.labels == 1).sum()


class Clock:
    """Collects what would be called later."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def schedule(self, _milliseconds: int, function: Callable[[], None]) -> None:
        self.due.append(function)

    def pass_by(self) -> None:
        due, self.due = self.due, []
        for function in due:
            function()


def test_table_follows_drawing_with_one_measurement_for_many_changes(drawn: Drawn, scene: Any) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.measure import MeasureOptions
    from AIDEALLib.mrml.results.live_table import LiveTable
    from AIDEALLib.mrml.volumes import array_of, world_position

    maps, segmentation, truth = drawn
    clock = Clock()
    live = LiveTable(clock.schedule)
    live.watch(maps, segmentation)
    clock.pass_by()
    assert live.measurements == 1
    first = {row.name: row.voxels for row in live.rows}
    middle = int(np.median(np.argwhere(truth.labels == 1)[:, 2]))
    for step in range(5):
        part = (truth.labels == 1) & (np.arange(64) < middle - step)
        drawing.set_segment(segmentation, "Right lobe", part, maps.pdff)
    assert len(clock.due) == 1, "changes are coalesced"
    clock.pass_by()
    assert live.measurements == 2
    assert {row.name: row.voxels for row in live.rows}["Right lobe"] < first["Right lobe"]
    assert not clock.due, "measuring does not set off another measurement"

    points = drawing.add_circle(scene, drawing.LEFT_LOBE, world_position(maps.pdff, 2, 30, 20))
    live.points_added()
    clock.pass_by()
    assert live.rows[-1].name == "Left lobe ROI 1"
    points.SetNthControlPointPositionWorld(0, *world_position(maps.pdff, 2, 33, 25))
    assert len(clock.due) == 1
    clock.pass_by()

    before = live.rows[0].pdff_mean
    array_of(maps.pdff)[:] += 10.0
    import slicer

    slicer.util.arrayFromVolumeModified(maps.pdff)
    clock.pass_by()
    assert live.rows[0].pdff_mean == pytest.approx(before + 10.0, abs=1e-3)
    live.set_options(MeasureOptions(exclude_low_confidence=True), 20.0)
    clock.pass_by()
    assert live.rows[0].used_voxels <= live.rows[0].voxels
    count = live.measurements
    live.set_options(MeasureOptions(exclude_low_confidence=True), 20.0)
    clock.pass_by()
    assert live.measurements == count, "the same options cost nothing"
    scene.RemoveNode(segmentation)
    live.measure_now()
    scene.Clear(False)
    live.touch()
    clock.pass_by()
    assert live.rows == []


def test_table_node_and_csv(drawn: Drawn, scene: Any, tmp_path: Path) -> None:
    import csv

    from AIDEALLib.errors import InputError
    from AIDEALLib.mrml.regions.measure import MeasureOptions, measure
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results.columns import row_as_text
    from AIDEALLib.mrml.results.export import save_csv
    from AIDEALLib.mrml.results.live_table import TITLES, fill_table

    maps, segmentation, _ = drawn
    rows = measure(maps, regions_of(segmentation, maps.pdff), MeasureOptions())
    table = scene.AddNewNodeByClass("vtkMRMLTableNode", "Numbers")
    fill_table(table, rows, maps)
    stored = table.GetTable()
    assert (stored.GetNumberOfRows(), stored.GetNumberOfColumns()) == (3, len(TITLES))
    assert stored.GetColumnByName("PDFF mean (%)").GetValue(1) == rows[1].pdff_mean
    assert table.GetColumnUnitLabel("Volume (ml)") == "ml"
    path = tmp_path / "numbers.csv"
    save_csv(rows, path, maps, MeasureOptions(), 20.0)
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    assert any("Research use only" in line for line in comments)
    assert any("models" in line for line in comments)
    read = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [float(row["pdff_mean_percent"]) for row in read] == [row.pdff_mean for row in rows], "full precision"
    assert f"Segment: Right lobe\tPDFF % (95 % CI): {rows[0].reported:.1f} (" in row_as_text(rows[0], TANG_2015)
    with pytest.raises(InputError, match="empty"):
        save_csv([], path, maps, MeasureOptions(), 20.0)


@pytest.mark.parametrize("suffix", ["nrrd", "nii.gz"])
def test_maps_are_exported_unrounded_on_their_grid(
    drawn: Drawn, tmp_path: Path, suffix: str, liver_maps: ParameterMaps
) -> None:
    import SimpleITK as sitk

    from AIDEALLib.mrml.results.export import save_maps

    written = save_maps(drawn[0], tmp_path / "maps", suffix)
    assert len(written) == 13
    image = sitk.ReadImage(str(tmp_path / "maps" / f"pdff.{suffix}"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), liver_maps.pdff)
    np.testing.assert_allclose(image.GetOrigin(), OBLIQUE.origin_mm, atol=1e-4)
    np.testing.assert_allclose(image.GetDirection(), OBLIQUE.direction, atol=1e-5)
    assert drawn[0].pdff.GetStorageNode() is None


def test_labelmap_import_keeps_names(scene: Any, drawn: Drawn) -> None:
    from AIDEALLib.mrml.regions.importing import segmentation_of_labelmap
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.volumes import fill_volume

    maps, _, truth = drawn
    colors = scene.AddNewNodeByClass("vtkMRMLColorTableNode", "names")
    colors.SetTypeToUser()
    colors.SetNumberOfColors(3)
    for value, name in ((0, "none"), (1, "Right lobe"), (2, "Left lobe")):
        colors.SetColor(value, name, 0.2 * value, 0.5, 0.5, 1.0)
    labelmap = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "elsewhere")
    fill_volume(labelmap, truth.labels.astype(np.int16), OBLIQUE)
    labelmap.CreateDefaultDisplayNodes()
    labelmap.GetDisplayNode().SetAndObserveColorNodeID(colors.GetID())
    found = regions_of(segmentation_of_labelmap(scene, labelmap, Path("elsewhere.nii.gz")), maps.pdff)
    assert {region.name: int(region.voxels.sum()) for region in found} == {
        "Right lobe": int((truth.labels == 1).sum()),
        "Left lobe": int((truth.labels == 2).sum()),
    }
