"""Scans in the scene: sequences and single volumes become the same series; problems are said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries, Readout
from AIDEALLib.errors import InputError
from AIDEALLib.io.phase_units import PhaseUnit
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.cases import OBLIQUE

pytest.importorskip("slicer")


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


def test_sequences_give_the_series_back(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sources import add_series, scan_of_sequences

    scan = scan_of_sequences(*add_series(scene, oblique, "Case"))
    assert scan.problems() == []
    back = scan.series()
    np.testing.assert_allclose(back.echoes, oblique.echoes, atol=1e-5 * np.abs(oblique.echoes).max())
    np.testing.assert_allclose(back.te_s, oblique.te_s)
    np.testing.assert_allclose(back.geometry.direction, OBLIQUE.direction, atol=1e-9)
    np.testing.assert_allclose(back.geometry.origin_mm, OBLIQUE.origin_mm, atol=1e-9)
    np.testing.assert_allclose(back.geometry.spacing_mm, OBLIQUE.spacing_mm)
    assert (back.field_strength_t, back.readout, back.source) == (1.5, Readout.BIPOLAR, "Case")
    assert scan.unit() is PhaseUnit.RADIANS


def test_the_order_of_the_pair_does_not_matter(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sources import add_series, scan_of_sequences

    magnitude, phase = add_series(scene, oblique, "Case")
    np.testing.assert_array_equal(
        scan_of_sequences(phase, magnitude).series().echoes, scan_of_sequences(magnitude, phase).series().echoes
    )


def test_single_volumes_are_sorted_by_name(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sources import scan_of_volumes

    volumes = single_volumes(scene, oblique)
    scan = scan_of_volumes(list(reversed(volumes)), field_strength_t=1.5)
    assert [problem.where for problem in scan.problems()] == ["echo_times"]
    rows = scan.rows()
    assert [(row.first, row.second, row.te_ms) for row in rows][:2] == [
        ("liver_e1_mag", "liver_e1_ph", None),
        ("liver_e2_mag", "liver_e2_ph", None),
    ]
    scan = scan_of_volumes(volumes, field_strength_t=1.5, te_ms=list(oblique.te_s * 1000))
    np.testing.assert_allclose(scan.series().echoes, oblique.echoes, atol=1e-5 * np.abs(oblique.echoes).max())


@pytest.mark.parametrize(("scale", "unit"), [(4096 / np.pi, PhaseUnit.SIGNED_4096), (1000.0, PhaseUnit.MILLIRADIANS)])
def test_phase_unit_is_told_from_the_values(scene: Any, oblique: EchoSeries, scale: float, unit: PhaseUnit) -> None:
    from AIDEALLib.mrml.scan.sources import scan_of_volumes

    volumes = single_volumes(scene, replace(oblique, echoes=1000 * oblique.echoes), scale, np.int16)
    scan = scan_of_volumes(volumes, field_strength_t=1.5, te_ms=list(oblique.te_s * 1000))
    assert scan.unit() is unit
    assert replace(scan, phase_unit=PhaseUnit.RADIANS).unit() is PhaseUnit.RADIANS, "an override stands"


def test_problems_in_words(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml.scan.sources import add_series, scan_of_sequences, scan_of_volumes
    from AIDEALLib.mrml.volumes import array_of

    magnitude, phase = add_series(scene, oblique, "Case")
    assert scan_of_sequences(None, None).problems()[0].text.startswith("Choose a scan")
    assert "phase images are missing" in scan_of_sequences(magnitude, None).problems()[0].text
    milliseconds = scan_of_sequences(magnitude, phase, te_ms=[1300, 3400, 5500, 7600, 9700, 11800]).problems()
    assert milliseconds[0].where == "echo_times"
    assert "--" not in milliseconds[0].text
    falling = scan_of_sequences(magnitude, phase, te_ms=[1.3, 3.4, 3.4, 7.6, 9.7, 11.8]).problems()
    assert "rise" in falling[0].text
    assert scan_of_sequences(magnitude, phase, field_strength_t=99.0).problems()[0].where == "field_strength"
    for volume in scan_of_sequences(magnitude, phase).second:
        array_of(volume)[:] *= 0.3
        volume.GetImageData().Modified()
    phase.RemoveAttribute("AIDEAL.PhaseUnit")
    assert scan_of_sequences(magnitude, phase).problems()[0].where == "phase_unit"
    volumes = single_volumes(scene, oblique)
    assert "6 magnitude and 5 phase" in scan_of_volumes(volumes[:-1], field_strength_t=1.5).problems()[0].text
    volumes[3].SetSpacing(9.0, 9.0, 9.0)
    assert "another grid" in scan_of_volumes(volumes, field_strength_t=1.5).problems()[0].text
    with pytest.raises(InputError, match="another grid"):
        scan_of_volumes(volumes, field_strength_t=1.5).series()


def test_real_and_imaginary_sequences(scene: Any, oblique: EchoSeries) -> None:
    from AIDEALLib.mrml import nodes
    from AIDEALLib.mrml.scan.sources import add_series, scan_of_sequences
    from AIDEALLib.mrml.volumes import array_of

    real, imaginary = add_series(scene, oblique, "Case")
    for node, part, values in ((real, "real", oblique.echoes.real), (imaginary, "imaginary", oblique.echoes.imag)):
        node.SetAttribute(nodes.PART, part)
        node.RemoveAttribute(nodes.PHASE_UNIT)
        for n, array in enumerate(values):
            array_of(node.GetNthDataNode(n))[:] = array
    for pair in ((real, imaginary), (imaginary, real)):
        scan = scan_of_sequences(*pair)
        assert scan.unit() is None
        np.testing.assert_array_equal(scan.series().echoes, oblique.echoes)
