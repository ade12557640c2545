"""Joint estimates of the regions in the table, on request; the process is replaced by a call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.simulation.tissue import TissueMaps
from slicer_harness.panel import AtOnce, Panel


@pytest.fixture
def lobes(estimated: Panel, liver: tuple[EchoSeries, TissueMaps]) -> Panel:
    from AIDEALLib.mrml.regions import drawing

    estimated.ui.lobesButton.click()
    for label, name in liver[1].label_names.items():
        drawing.set_segment(estimated.parameters.segmentation, name, liver[1].labels == label, estimated.parameters.pdff)
    estimated.clock.tick()
    AtOnce.names.clear()
    return estimated


def settle(module: Panel) -> None:
    for _ in range(6):
        module.clock.tick()


def test_joint_estimates_follow_where_they_are_wanted(lobes: Panel, liver: tuple[EchoSeries, TissueMaps]) -> None:
    ui, live = lobes.ui, lobes.panel.numbers.live
    assert all(math.isnan(row.joint_pdff) for row in live.rows) and not AtOnce.names
    ui.jointCheckBox.checked = True
    settle(lobes)
    for row in live.rows:
        assert row.joint_pdff == pytest.approx(row.pdff_mean, abs=0.5) and row.joint_low < row.joint_pdff < row.joint_high
    assert AtOnce.names == ["joint"], "all regions at once"
    titles = [ui.numbersTable.horizontalHeaderItem(n).text() for n in range(ui.numbersTable.columnCount)]
    assert titles[-1] == "PDFF joint (%)"
    lobes.panel.numbers.live.touch()
    settle(lobes)
    assert AtOnce.names == ["joint"], "kept"
    from AIDEALLib.mrml.regions import drawing

    labels = liver[1].labels
    drawing.set_segment(lobes.parameters.segmentation, "Left lobe", (labels == 2) & (np.arange(64) > 30), lobes.parameters.pdff)
    settle(lobes)
    assert AtOnce.names == ["joint", "joint"] and all(math.isfinite(row.joint_pdff) for row in live.rows)
    ui.jointCheckBox.checked = False
    settle(lobes)
    assert all(math.isnan(row.joint_pdff) for row in live.rows)


def test_a_scan_that_is_gone_ends_it_in_words(lobes: Panel) -> None:
    maps: Any = lobes.panel._context.maps()
    lobes.scene.RemoveNode(maps.pdff.GetNthNodeReference("AIDEAL.scan", 0))
    lobes.ui.jointCheckBox.checked = True
    settle(lobes)
    assert "No joint estimates" in lobes.dialogs.errors[-1] and not lobes.parameters.jointEstimate
