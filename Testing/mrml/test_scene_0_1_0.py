"""A scene that version 0.1.0 saved: everything in it comes back, and can be worked with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from paths import TESTING

from slicer_harness.panel import Panel

SCENE = TESTING / "data" / "scene_0_1_0.mrb"
MEANS = {"Right lobe": (265, 11.973087), "Left lobe": (50, 9.449409), "whole liver": (315, 11.572503)}
"""Voxels and mean PDFF (percent), as version 0.1.0 gave them."""


@pytest.fixture
def saved(module: Panel) -> Panel:
    from slicer_harness.scene import load_mrb

    load_mrb(str(SCENE))
    module.clock.tick()
    return module


def test_every_setting_comes_back(saved: Panel) -> None:
    parameters = saved.parameters
    names = {
        "firstEcho": "AUTO",
        "conjugate": "AS_STORED",
        "readout": "MONOPOLAR",
        "phaseUnit": "RADIANS",
        "fourthMap": "SWAP",
        "pdffWindow": "FULL",
        "cutoffs": "TANG_2013",
        "roiPlace": "SEGMENT_IVA",
        "device": "CPU",
        "overlay": "SWAP",
        "method": "REFINED",
        "scanSource": "SEQUENCES",
    }
    assert {name: getattr(parameters, name).name for name in names} == names
    assert parameters.gainSteps is True
    assert (parameters.overlayThreshold, parameters.roiDiameter) == (0.4, 25.0)
    assert (parameters.preset.name, parameters.spectrum.name, parameters.bipolar.name) == ("LIVER", "SIX_PEAK", "AUTO")
    ui = saved.ui
    assert ui.gainStepsCheckBox.checked
    assert ui.firstEchoComboBox.currentText == "Correct where clear"
    assert ui.thresholdSlider.value == pytest.approx(0.4)
    assert (parameters.pdff.GetName(), parameters.firstSequence.GetName(), parameters.secondSequence.GetName()) == (
        "Case PDFF",
        "Case magnitude",
        "Case phase",
    )


def test_numbers_and_findings(saved: Panel) -> None:
    rows = {row.name: (row.voxels, row.pdff_mean) for row in saved.panel.numbers.live.rows}
    assert rows.keys() == MEANS.keys()
    for name, (voxels, mean) in MEANS.items():
        assert rows[name] == (voxels, pytest.approx(mean, abs=1e-5))
    assert saved.ui.numbersTable.rowCount == 3
    table = saved.ui.findingsTable
    assert table.isVisibleTo(saved.root) and table.rowCount == 1
    assert table.item(0, 1).text().startswith("The field changes by more than 58 Hz")
    assert table.item(0, 1).text().endswith("leave these slices or edges out.")


def test_the_scan_can_be_estimated_again(saved: Panel) -> None:
    assert saved.ui.applyButton.enabled, saved.ui.applyButton.toolTip
    saved.ui.applyButton.click()
    series, options = saved.worker.series[-1], saved.worker.started[-1]
    assert series.echoes.shape == (6, 6, 40, 40)
    np.testing.assert_array_equal(series.te_s, [0.0013, 0.0034, 0.0055, 0.0076, 0.0097, 0.0118])
    assert (series.field_strength_t, series.readout.value) == (1.5, "monopolar")
    assert (options.first_echo, options.conjugate, options.gain_steps, options.device) == ("auto", "no", "yes", "cpu")
    assert (options.overrides.readout, options.overrides.phase_unit) == (series.readout, "radians")
    saved.worker.busy = False


def test_the_reference_takes_its_options_from_provenance(saved: Panel) -> None:
    saved.ui.numbersTable.setCurrentCell(0, 0)
    saved.ui.referenceButton.click()
    options = saved.worker.started[-1]
    assert (options.method, options.device, options.conjugate, options.bipolar) == ("graph-cuts", "cpu", "no", "no")
    assert (options.first_echo, options.gain_steps) == ("no", "no"), "nothing was corrected in that run"
    saved.worker.busy = False


def test_the_scan_is_chosen_where_the_scene_chose_none(saved: Panel, tmp_path: Path) -> None:
    from slicer_harness.scene import load_mrb, save_mrb

    parameters: Any = saved.parameters
    parameters.firstSequence = parameters.secondSequence = None
    assert not saved.ui.applyButton.enabled
    assert save_mrb(str(tmp_path / "scene.mrb"))
    load_mrb(str(tmp_path / "scene.mrb"))
    assert saved.parameters.firstSequence.GetName() == "Case magnitude"
    assert saved.ui.applyButton.enabled
