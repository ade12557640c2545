"""The plug-in for Slicer's Segment Statistics: our numbers, and never an exception."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest

from AIDEALLib.echoes import EchoSeries
from AIDEALLib.parameter_maps import ParameterMaps
from AIDEALLib.simulation.tissue import TissueMaps

pytest.importorskip("slicer")


class Base:
    """What the plug-in uses of Slicer's base class."""

    def __init__(self) -> None:
        self.name = ""
        self.keys: list[str] = []
        self.defaultKeys: list[str] = []
        self.parameterNode: Any = None

    @staticmethod
    def createCodedEntry(value: str, scheme: str, meaning: str, as_string: bool = False) -> Any:
        import slicer

        entry = slicer.vtkCodedEntry()
        entry.SetValueSchemeMeaning(value, scheme, meaning)
        return entry.GetAsString() if as_string else entry

    def getParameterNode(self) -> Any:
        return self.parameterNode

    def getRequestedKeys(self) -> list[str]:
        return self.keys


@pytest.fixture
def plugin(scene: Any) -> Any:
    from AIDEALLib.mrml.plugins.segment_statistics import plugin_class

    made = plugin_class(Base)()
    made.parameterNode = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "parameters")
    return made


def test_numbers_of_a_segment(scene: Any, plugin: Any, liver: tuple[EchoSeries, TissueMaps], liver_maps: ParameterMaps) -> None:
    from AIDEALLib.mrml.regions import drawing
    from AIDEALLib.mrml.results.maps import add_maps

    maps = add_maps(scene, liver_maps, "Case")
    segmentation = drawing.create_lobes(scene, maps.pdff)
    drawing.set_segment(segmentation, "Right lobe", liver[1].labels == 1, maps.pdff)
    plugin.parameterNode.SetParameter("Segmentation", segmentation.GetID())
    ids = [segmentation.GetSegmentation().GetNthSegmentID(n) for n in range(2)]
    assert plugin.computeStatistics(ids[0]) == {}, "no volume chosen"
    other = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    plugin.parameterNode.SetParameter("ScalarVolume", other.GetID())
    assert plugin.computeStatistics(ids[0]) == {}, "not a map of ours"
    for volume in (maps.pdff, maps["r2star"]):
        plugin.parameterNode.SetParameter("ScalarVolume", volume.GetID())
        found = plugin.computeStatistics(ids[0])
        expected = liver_maps.pdff[(liver[1].labels == 1) & liver_maps.mask].astype(float).mean()
        assert found["pdff_mean"] == pytest.approx(expected)
        assert set(found) == set(plugin.keys)
    assert plugin.computeStatistics(ids[1]) == {}, "an empty segment has no numbers"
    assert plugin.computeStatistics("gone") == {}
    plugin.parameterNode = None
    assert plugin.computeStatistics(ids[0]) == {}


def test_measurement_info_never_raises(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not any("." in key for key in plugin.keys)
    for key in plugin.keys:
        info = plugin.getMeasurementInfo(key)
        assert {"name", "description", "units"} <= set(info)
    assert "129100" in plugin.getMeasurementInfo("pdff_mean")["DICOM.QuantityCode"]
    assert plugin.getMeasurementInfo("unknown") is None
    monkeypatch.setattr(Base, "createCodedEntry", None)
    assert plugin.getMeasurementInfo("pdff_mean")["units"] == "%"


def test_registration_is_idempotent_and_quiet(monkeypatch: pytest.MonkeyPatch, scene: Any) -> None:
    from AIDEALLib.mrml.plugins.segment_statistics import register

    assert register() is False, "no Segment Statistics here"
    logic, plugins = ModuleType("SegmentStatistics"), ModuleType("SegmentStatisticsPlugins")

    class Logic:
        registered: list[Any] = []  # noqa: RUF012

        @property
        def plugins(self) -> list[Any]:
            return self.registered

        @classmethod
        def registerPlugin(cls, plugin: Any) -> None:
            cls.registered.append(plugin)

    logic.SegmentStatisticsLogic = Logic  # type: ignore[attr-defined]
    plugins.SegmentStatisticsPluginBase = Base  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "SegmentStatistics", logic)
    monkeypatch.setitem(sys.modules, "SegmentStatisticsPlugins", plugins)
    assert register() and register()
    assert [p.name for p in Logic.registered] == ["AIDEAL"]
