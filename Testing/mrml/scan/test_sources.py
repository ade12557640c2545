"""Scans in the scene: what sequences and single volumes give, and problems in words."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from AIDEALLib.choices import PhaseUnit
from AIDEALLib.echoes import EchoSeries, PhaseSign, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.options import Overrides
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")

from slicer_harness.scans import magnitude_and_phase


@pytest.fixture
def oblique(liver: tuple[EchoSeries, TissueMaps]) -> EchoSeries:
    return replace(liver[0], geometry=OBLIQUE, readout=Readout.BIPOLAR, source="oblique")


def single_volumes(scene: Any, series: EchoSeries, scale: float = 1.0, dtype: type = np.float32) -> list[Any]:
    import slicer

    from AIDEALLib.mrml.volumes import fill_volume

    made = []
    for number, echo in enumerate(series.echoes, start=1):
        for part, values in (("mag", np.abs(echo)), ("ph", np.angle(echo) * scale)):
            node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"liver_e{number}_{part}")
            made.append(fill_volume(node, values.astype(dtype), series.geometry))
    assert slicer.mrmlScene is scene
    return made


def assert_same(back: EchoSeries, series: EchoSeries) -> None:
    for name in (entry.name for entry in fields(EchoSeries)):
        ours, theirs = getattr(back, name), getattr(series, name)
        if name == "geometry":
            for part in ("spacing_mm", "origin_mm", "direction"):
                np.testing.assert_allclose(getattr(ours, part), getattr(theirs, part), atol=1e-9)
        elif isinstance(theirs, np.ndarray):
            assert ours.tobytes() == theirs.tobytes(), name
        else:
            assert ours == theirs, name


def test_a_scan_comes_back_exactly_also_from_a_saved_scene(scene: Any, oblique: EchoSeries, tmp_path: Path) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences
    from slicer_harness.scene import load_mrb, save_mrb

    series = replace(
        oblique,
        te_s=oblique.te_s + 1.23456789e-7,
        field_strength_t=2.89362,
        phase_sign=PhaseSign.CONJUGATED,
        flip_angle_deg=3.1,
        repetition_time_s=0.0141234567,
        other_sequence="a spin echo",
        echo_numbers=tuple(n + (n > 2) for n in range(1, oblique.n_echoes + 1)),
        notes=("Phase was taken to be in radians: 'a note'; with \"quotes\".", "µ"),
    )
    stored = add_series(scene, series, "Case")
    assert [node.GetName() for node in stored.nodes] == ["Case magnitude", "Case real", "Case imaginary"]
    scan = scan_of_sequences(*stored.pair)
    assert scan.problems() == []
    assert scan.name == "Case"
    assert scan.unit() is None
    assert_same(scan.series(), series)
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))
    pair = [scene.GetFirstNodeByName(f"Case {part}") for part in ("real", "imaginary")]
    assert_same(scan_of_sequences(*pair).series(), series)


def test_browsing_shows_magnitudes(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series
    from AIDEALLib.mrml.volumes import array_of

    stored = add_series(scene, oblique, "Case")
    browser = scene.GetFirstNodeByClass("vtkMRMLSequenceBrowserNode")
    assert browser.GetMasterSequenceNode() is stored.magnitude
    np.testing.assert_array_equal(array_of(stored.magnitude.GetNthDataNode(1)), np.abs(oblique.echoes[1]))


def test_magnitudes_alone_come_back_exactly(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences

    series = replace(oblique, echoes=np.abs(oblique.echoes))
    stored = add_series(scene, series, "Case")
    assert stored.nodes == [stored.first] and stored.second is None
    assert "phase images are missing" in scan_of_sequences(*stored.pair).problems()[0].text
    assert_same(scan_of_sequences(*stored.pair, phase_needed=False).series(), series)


def test_magnitude_and_phase_sequences(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import scan_of_sequences

    magnitude, phase = magnitude_and_phase(scene, oblique, "Case")
    scan = scan_of_sequences(magnitude, phase)
    assert scan.problems() == []
    back = scan.series()
    np.testing.assert_allclose(back.echoes, oblique.echoes, atol=1e-5 * np.abs(oblique.echoes).max())
    np.testing.assert_allclose(back.te_s, oblique.te_s)
    assert (back.field_strength_t, back.readout, back.source) == (1.5, Readout.BIPOLAR, "scan")
    assert scan.unit() is PhaseUnit.RADIANS


@pytest.mark.parametrize("complex_parts", [True, False])
def test_the_order_of_the_pair_does_not_matter(scene: Any, oblique: EchoSeries, complex_parts: bool) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences

    first, second = add_series(scene, oblique, "Case").pair if complex_parts else magnitude_and_phase(scene, oblique, "Case")
    echoes = [scan_of_sequences(*pair).series().echoes for pair in ((first, second), (second, first))]
    np.testing.assert_array_equal(*echoes)


def test_the_only_scan_of_a_scene_is_found(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series, only_pair

    old = magnitude_and_phase(scene, oblique, "Old")
    assert only_pair(old) == old
    stored = add_series(scene, oblique, "Case")
    assert only_pair(stored.nodes) == stored.pair
    assert only_pair(stored.nodes[::-1]) == stored.pair
    assert only_pair([*stored.nodes, *old]) is None, "two scans"
    assert only_pair([*stored.nodes, *add_series(scene, oblique, "Other").nodes]) is None
    assert only_pair([]) is None


def test_parts_that_are_no_pair(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import add_series, scan_of_sequences

    stored = add_series(scene, oblique, "Case")
    for pair in ((stored.magnitude, stored.second), (stored.second, stored.magnitude), (stored.magnitude, stored.first)):
        assert "real and imaginary, were expected" in scan_of_sequences(*pair).problems()[0].text


def test_single_volumes_are_sorted_by_name(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sources import scan_of_volumes

    volumes = single_volumes(scene, oblique)
    scan = scan_of_volumes(list(reversed(volumes)), Overrides(field_strength_t=1.5))
    assert [problem.where for problem in scan.problems()] == ["echo_times"]
    rows = scan.rows()
    assert [(row.first, row.second, row.te_s) for row in rows][:2] == [
        ("liver_e1_mag", "liver_e1_ph", None),
        ("liver_e2_mag", "liver_e2_ph", None),
    ]
    scan = scan_of_volumes(volumes, Overrides(field_strength_t=1.5, te_s=tuple(oblique.te_s)))
    np.testing.assert_allclose(scan.series().echoes, oblique.echoes, atol=1e-5 * np.abs(oblique.echoes).max())


@pytest.mark.parametrize(("scale", "unit"), [(4096 / np.pi, PhaseUnit.SIGNED_4096), (1000.0, PhaseUnit.MILLIRADIANS)])
def test_phase_unit_is_detected_from_the_values(scene: Any, oblique: EchoSeries, scale: float, unit: PhaseUnit) -> None:
    from AIDEALLib.mrml.scan.sources import scan_of_volumes

    volumes = single_volumes(scene, replace(oblique, echoes=1000 * oblique.echoes), scale, np.int16)
    scan = scan_of_volumes(volumes, Overrides(field_strength_t=1.5, te_s=tuple(oblique.te_s)))
    assert scan.unit() is unit
    assert scan_of_volumes(volumes, Overrides(phase_unit=PhaseUnit.RADIANS)).unit() is PhaseUnit.RADIANS


def test_problems_in_words(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sequences import scan_of_sequences
    from AIDEALLib.mrml.scan.sources import scan_of_volumes
    from AIDEALLib.mrml.volumes import array_of

    magnitude, phase = magnitude_and_phase(scene, oblique, "Case")
    assert scan_of_sequences(None, None).problems()[0].text.startswith("Choose a scan")
    assert "phase images are missing" in scan_of_sequences(magnitude, None).problems()[0].text
    milliseconds = scan_of_sequences(magnitude, phase, typed_te_s=[1.3, 3.4, 5.5, 7.6, 9.7, 11.8]).problems()
    assert milliseconds[0].where == "echo_times"
    assert "--" not in milliseconds[0].text
    falling = scan_of_sequences(magnitude, phase, typed_te_s=[None, None, 3.3e-3, None]).problems()
    assert "rise" in falling[0].text
    assert scan_of_sequences(magnitude, phase, Overrides(field_strength_t=99.0)).problems()[0].where == "field_strength"
    for volume in scan_of_sequences(magnitude, phase).second:
        array_of(volume)[:] *= 0.3
        volume.GetImageData().Modified()
    phase.RemoveAttribute("AIDEAL.PhaseUnit")
    assert scan_of_sequences(magnitude, phase).problems()[0].where == "phase_unit"
    volumes = single_volumes(scene, oblique)
    assert "6 magnitude and 5 phase" in scan_of_volumes(volumes[:-1], Overrides(field_strength_t=1.5)).problems()[0].text
    volumes[3].SetSpacing(9.0, 9.0, 9.0)
    assert "another grid" in scan_of_volumes(volumes, Overrides(field_strength_t=1.5)).problems()[0].text
    with pytest.raises(InputError, match="another grid"):
        scan_of_volumes(volumes, Overrides(field_strength_t=1.5)).series()
