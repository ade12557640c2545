"""Columns of PDFF and its uncertainty in Slicer's Segment Statistics module.

A plug-in that raises breaks the module for every user, so this one never does. For scalar volumes that are no maps of AIDEAL it
returns nothing.
"""

from __future__ import annotations

import logging
from typing import Any

from ..nodes import maps_of
from ..regions.measure import MeasureOptions, measure
from ..regions.region import segment_region

_MEASUREMENTS: dict[str, tuple[str, str, str, str]] = {
    "pdff_mean": ("PDFF mean", "Mean proton density fat fraction", "%", "pdff_mean"),
    "pdff_median": ("PDFF median", "Median proton density fat fraction", "%", "pdff_median"),
    "pdff_sd": ("PDFF SD", "Spread of the voxels' PDFF (standard deviation)", "%", "pdff_sd"),
    "pdff_stated_sd": ("PDFF stated SD", "Mean of the stated standard deviation of the voxels' PDFF", "%", "stated_sd_mean"),
    "pdff_mean_se": ("PDFF mean SE", "Standard error of the mean, correlated noise included", "%", "mean_error"),
    "pdff_median_se": ("PDFF median SE", "Standard error of the median, correlated noise included", "%", "median_error"),
    "low_confidence": ("Low confidence", "Share of voxels whose PDFF is not reliable", "%", "low_confidence_percent"),
    "swap_suspect": ("Swap suspect", "Share of voxels in which water and fat may be swapped", "%", "swap_suspect_percent"),
    "r2star_mean": ("R2* mean", "Mean R2*", "1/s", "r2star_mean"),
}
"""Key -> name, description, unit, field of `SegmentStatistics`."""

_QUANTITY = {"pdff": ("129100", "DCM", "Fat fraction"), "r2star": ("126395", "DCM", "R2*")}
_DERIVATION = {
    "pdff_mean": ("373098007", "SCT", "Mean"),
    "pdff_median": ("373099004", "SCT", "Median"),
    "pdff_sd": ("386136009", "SCT", "Standard Deviation"),
    "r2star_mean": ("373098007", "SCT", "Mean"),
}
_UNIT_CODES = {"%": ("%", "UCUM", "percent"), "1/s": ("1/s", "UCUM", "per second")}


def measurement_info(base: Any, key: str) -> dict[str, Any] | None:
    """Name, description, unit and DICOM codes of a measurement, None for an unknown key; never raises."""
    if key not in _MEASUREMENTS:
        return None
    name, description, unit, _ = _MEASUREMENTS[key]
    info: dict[str, Any] = {"name": name, "description": description, "units": unit}
    try:
        quantity = _QUANTITY.get(key.split("_")[0])
        if quantity:
            info["DICOM.QuantityCode"] = base.createCodedEntry(*quantity, True)
        info["DICOM.UnitsCode"] = base.createCodedEntry(*_UNIT_CODES[unit], True)
        if key in _DERIVATION:
            info["DICOM.DerivationCode"] = base.createCodedEntry(*_DERIVATION[key], True)
    except Exception:
        logging.debug("AIDEAL: no DICOM codes for %s", key, exc_info=True)
    return info


def compute(parameter_node: Any, segment_id: str, requested: list[str]) -> dict[str, float]:
    """Measurements of a segment; never raises.

    Parameters
    ----------
    parameter_node : vtkMRMLScriptedModuleNode
        Parameters of Segment Statistics.
    segment_id : str
        Identifier of the segment.
    requested : list of str
        Keys of the measurements.

    Returns
    -------
    dict of str to float
        Measurements by key; {} when the scalar volume is no map of AIDEAL, and on any error.
    """
    try:
        if not requested or parameter_node is None:
            return {}
        scene = parameter_node.GetScene()
        segmentation = _node(scene, parameter_node, "Segmentation")
        volume = _node(scene, parameter_node, "ScalarVolume")
        maps = maps_of(volume)
        if maps is None or segmentation is None or segmentation.GetSegmentation().GetSegment(segment_id) is None:
            return {}
        rows = measure(maps, [segment_region(segmentation, segment_id, maps.pdff)], MeasureOptions())
        values = {key: float(getattr(rows[0], _MEASUREMENTS[key][3])) for key in requested if key in _MEASUREMENTS}
        return {key: value for key, value in values.items() if value == value}
    except Exception:
        logging.warning("AIDEAL: segment statistics failed for segment %s", segment_id, exc_info=True)
        return {}


def _node(scene: Any, parameter_node: Any, name: str) -> Any:
    """A node of Segment Statistics' parameters: a reference in newer versions, an id in older ones."""
    referred = parameter_node.GetNodeReference(name)
    return referred if referred is not None else scene.GetNodeByID(parameter_node.GetParameter(name) or "")


def plugin_class(base: type) -> type:
    """The plug-in as a subclass of Slicer's `SegmentStatisticsPluginBase`."""

    class AIDEALSegmentStatisticsPlugin(base):
        """PDFF and its uncertainty by segment, where the scalar volume is a map of AIDEAL."""

        def __init__(self) -> None:
            super().__init__()
            self.name = "AIDEAL"
            self.title = "AIDEAL (PDFF with uncertainty)"
            self.keys = list(_MEASUREMENTS)
            self.defaultKeys = list(_MEASUREMENTS)

        def computeStatistics(self, segmentID: str) -> dict[str, float]:
            """Measurements of a segment."""
            try:
                node, requested = self.getParameterNode(), list(self.getRequestedKeys())
            except Exception:
                return {}
            return compute(node, segmentID, requested)

        def getMeasurementInfo(self, key: str) -> dict[str, Any] | None:
            """Describe a measurement."""
            return measurement_info(self, key)

    return AIDEALSegmentStatisticsPlugin


def register() -> bool:
    """Register the plug-in with Slicer, once or repeatedly; False where Slicer has no Segment Statistics."""
    try:
        from SegmentStatistics import SegmentStatisticsLogic
        from SegmentStatisticsPlugins import SegmentStatisticsPluginBase

        known = [plugin.__class__.__name__ for plugin in SegmentStatisticsLogic().plugins]
        if "AIDEALSegmentStatisticsPlugin" not in known:
            SegmentStatisticsLogic.registerPlugin(plugin_class(SegmentStatisticsPluginBase)())
    except Exception:
        logging.debug("AIDEAL: Segment Statistics plug-in not registered", exc_info=True)
        return False
    return True
