"""A comparison with the reference: numbers as numpy makes them, the map on the right pixels, options as the run had them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from waiting import until

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.errors import InputError
from AIDEALLib.options import RunOptions
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps
from AIDEALLib.worker.client import WorkerClient
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")

Drawn = tuple[Any, Any, TissueMaps]


def cut(maps: ParameterMaps, part: slice) -> ParameterMaps:
    return replace(maps, mask=maps.mask[part], **{name: array[part] for name, array in maps.items()})


def test_numbers_and_map(drawn: Drawn, liver_maps: ParameterMaps, scene: Any) -> None:
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results import reference
    from AIDEALLib.mrml.volumes import array_of

    maps, segmentation, truth = drawn
    rng = np.random.default_rng(2)
    part = cut(liver_maps, slice(2, 5))
    other = replace(part, pdff=(part.pdff - 3 + rng.standard_normal(part.pdff.shape)).astype(np.float32))
    found = reference.compare(maps, other, reference.Slices(2, 4), regions_of(segmentation, maps.pdff))
    assert [row.name for row in found] == ["Right lobe", "Left lobe"]
    for row, label in zip(found, (1, 2), strict=True):
        chosen = (truth.labels[2:5] == label) & part.mask
        difference = (part.pdff - other.pdff)[chosen].astype(float)
        assert row.agreement.voxels == difference.size
        assert row.agreement.bias == pytest.approx(difference.mean())
        assert row.agreement.upper_limit == pytest.approx(difference.mean() + 1.96 * difference.std(ddof=1))
        assert f"bias {row.agreement.bias:+.2f}" in row.sentence()
    volume = reference.add_difference(maps, other, reference.Slices(2, 4))
    values = array_of(volume)
    np.testing.assert_allclose(values[2:5][part.mask], (part.pdff - other.pdff)[part.mask], atol=1e-5)
    assert not values[:2].any() and not values[5:].any()
    assert volume.GetDisplayNode().GetWindowLevelMin() == -10.0
    assert reference.add_difference(maps, other, reference.Slices(2, 4)) is volume, "used again"
    table = reference.fill_agreement_table(maps, found)
    assert table.GetTable().GetNumberOfRows() == 2
    assert reference.fill_agreement_table(maps, found) is table


def test_slices_of_a_region_keep_their_place(drawn: Drawn, liver: tuple[EchoSeries, TissueMaps]) -> None:
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.results import reference
    from AIDEALLib.mrml.volumes import fill_volume, geometry_of

    maps, segmentation, truth = drawn
    region = regions_of(segmentation, maps.pdff)[1]
    slices = reference.Slices.touched_by(region)
    touched = np.flatnonzero((truth.labels == 2).any((1, 2)))
    assert (slices.first, slices.last) == (touched[0], touched[-1])
    part = reference.Slices(2, 3).of(replace(liver[0], geometry=OBLIQUE), maps.pdff)
    np.testing.assert_array_equal(part.echoes, liver[0].echoes[:, 2:4])
    origin = np.asarray(OBLIQUE.origin_mm) + 2 * OBLIQUE.spacing_mm[2] * np.asarray(OBLIQUE.direction).reshape(3, 3)[:, 2]
    np.testing.assert_allclose(part.geometry.origin_mm, origin, atol=1e-9)
    import slicer

    node = fill_volume(slicer.vtkMRMLScalarVolumeNode(), np.zeros((2, 4, 4), np.float32), part.geometry)
    np.testing.assert_allclose(geometry_of(node).origin_mm, origin, atol=1e-9)
    with pytest.raises(InputError, match="empty"):
        reference.Slices.touched_by(replace(region, voxels=np.zeros_like(region.voxels)))


def test_the_reference_corrects_what_the_run_corrected(drawn: Drawn) -> None:
    import json

    from AIDEALLib.mrml import nodes
    from AIDEALLib.mrml.results import reference

    maps = drawn[0]
    corrections = {"conjugated": True, "bipolar": {"applied": True}, "first_echo": {"applied": False}}
    provenance = {**maps.provenance(), "options": {"repairs": corrections}}
    maps.pdff.SetAttribute(nodes.PROVENANCE, json.dumps(provenance))
    options = reference.options_like(maps, "cpu")
    assert (options.method, options.device, options.conjugate, options.bipolar, options.first_echo) == (
        "graph-cuts",
        "cpu",
        "yes",
        "yes",
        "no",
    )


def test_the_reference_takes_spectrum_and_preset_of_the_run(drawn: Drawn) -> None:
    import json

    from AIDEALLib.mrml import nodes
    from AIDEALLib.mrml.results import reference

    maps = drawn[0]
    run = RunOptions(preset="phantom", spectrum="liver-nine-peak", ppm_offset=0.02, first_echo="mixed")
    options = {"run": run.as_dict(), "phase_corrections": {"gains_taken_out": [1.0, 1.1]}}
    maps.pdff.SetAttribute(nodes.PROVENANCE, json.dumps({**maps.provenance(), "options": options}))
    taken = reference.options_like(maps, "cpu")
    assert taken == replace(
        run, method="graph-cuts", device="cpu", conjugate="no", bipolar="no", first_echo="no", gain_steps="yes", anyway=True
    )


def test_a_comparison_runs_in_the_worker(scene: Any, warm_worker: WorkerClient, liver: tuple[EchoSeries, TissueMaps]) -> None:

    from AIDEALLib.mrml.logic import AidealLogic
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.regions.region import regions_of
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences
    from AIDEALLib.mrml.scan.sources import scan_of_maps

    logic = AidealLogic(scene, warm_worker)
    scan = scan_of_sequences(*add_series(scene, liver[0], "Case").pair)
    maps = logic.estimate(scan, check=False)
    segmentation = drawing.create_lobes(scene, maps.pdff)
    only = np.zeros_like(liver[1].labels, bool)
    only[3] = liver[1].labels[3] == 1
    drawing.set_segment(segmentation, drawing.RIGHT_LOBE, only, maps.pdff)
    found = regions_of(segmentation, maps.pdff)
    ended: list[Any] = []
    logic.compared.connect(lambda rows, difference: ended.append((rows, difference)))
    logic.failed.connect(ended.append)
    logic.start_comparison(maps, scan, found[0], found[:1], "cpu")
    until(lambda: logic.poll() or ended, "end of the comparison")
    rows, _ = ended[0]
    assert rows[0].agreement.voxels == only.sum()
    assert abs(rows[0].agreement.bias) < 2.0
    for node in scan.sources:
        scene.RemoveNode(node)
    gone = scan_of_maps(maps)
    with pytest.raises(InputError, match="no longer in the scene"):
        logic.start_comparison(maps, gone, found[0], found, "cpu")
    for tag in logic._observers:
        scene.RemoveObserver(tag)
