"""Statistics that follow the scene: segments, circles and maps are observed, and measured after a pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import slicer
import vtk

from ...io.output.tables import COLUMNS
from ...statistics import SegmentStatistics
from .. import nodes
from ..nodes import MapNodes
from ..regions import drawing
from ..regions.measure import ALL_CIRCLES, JointOfBox, MeasureOptions, measure
from ..regions.region import Region, regions_of
from ..signal import Signal

DELAY_MS = 250
_UNITS = {"volume_ml": "ml", "r2star_mean": "1/s", "joint_r2star": "1/s"}
_TITLES = {
    "name": "Segment",
    "voxels": "Voxels",
    "volume_ml": "Volume (ml)",
    "pdff_mean": "PDFF mean (%)",
    "pdff_sd": "PDFF SD (%)",
    "reported": "PDFF reported (%)",
    "reported_low": "95 % from (%)",
    "reported_high": "95 % to (%)",
    "reported_from": "Reported from",
    "model_low": "Model from (%)",
    "model_high": "Model to (%)",
    "mean_error": "SE of mean (%)",
    "mean_low": "Mean 95 % from (%)",
    "mean_high": "Mean 95 % to (%)",
    "pdff_median": "PDFF median (%)",
    "median_error": "SE of median (%)",
    "median_low": "Median 95 % from (%)",
    "median_high": "Median 95 % to (%)",
    "joint_pdff": "PDFF joint (%)",
    "joint_error": "SE of joint (%)",
    "joint_low": "Joint 95 % from (%)",
    "joint_high": "Joint 95 % to (%)",
    "pdff_iqr": "PDFF IQR (%)",
    "stated_sd_mean": "Stated SD (%)",
    "low_confidence_percent": "Low confidence (%)",
    "swap_suspect_percent": "Swap suspect (%)",
    "outside_percent": "Outside (%)",
    "used_voxels": "Used voxels",
    "r2star_mean": "R2* mean (1/s)",
    "joint_r2star": "R2* joint (1/s)",
    "steatosis_grade": "Grade (research)",
    "chance_s0": "Chance of S0",
    "chance_s1": "Chance of S1",
    "chance_s2": "Chance of S2",
    "chance_s3": "Chance of S3",
    "withheld": "Not measured because",
}
CAVEAT = (
    "Intervals of 95 % hold for noise with its spatial correlation, swaps, edges and, of circles, how far a part of a lobe "
    "differs from the lobe. They leave out what the signal model leaves open, which is in the columns Model from and to."
)


class LiveTable:
    """Keeps rows of statistics in step with the scene.

    Parameters
    ----------
    schedule : callable
        Calls a function after some milliseconds; changes until then are measured together.

    Attributes
    ----------
    changed : Signal
        Emitted after each measurement.
    rows : list of SegmentStatistics
        The last measurement.
    measured_regions : list of Region
        Regions of the last measurement.
    drawn : list of Region
        Those of them that are segments, not circles.
    measurements : int
        Number of measurements.
    joint : callable or None
        Gives the joint estimates of the regions of a run.
    """

    def __init__(self, schedule: Callable[[int, Callable[[], None]], None]) -> None:
        self._schedule = schedule
        self._maps: MapNodes | None = None
        self._segmentation: Any = None
        self._options = MeasureOptions()
        self._diameter_mm = 20.0
        self._observed: list[tuple[Any, int]] = []
        self._waiting = False
        self._measuring = False
        self.changed = Signal()
        self.rows: list[SegmentStatistics] = []
        self.measured_regions: list[Region] = []
        self.drawn: list[Region] = []
        self.measurements = 0
        self.joint: Callable[[MapNodes], JointOfBox] | None = None

    def watch(self, maps: MapNodes | None, segmentation: Any) -> None:
        """Follow a run and a segmentation (either may be None)."""
        self.stop()
        self._maps, self._segmentation = maps, segmentation
        if segmentation is not None:
            stored = segmentation.GetSegmentation()
            for event in (
                stored.SourceRepresentationModified,
                stored.RepresentationModified,
                stored.SegmentAdded,
                stored.SegmentRemoved,
                stored.SegmentModified,
            ):
                self._observe(stored, event)
            self._observe(segmentation, slicer.vtkMRMLTransformableNode.TransformModifiedEvent)
        if maps is not None:
            for name, volume in maps:
                if name in ("pdff", "pdff_total_sd", "swap_probability", "r2star"):
                    self._observe(volume, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent)
                    self._observe(volume, vtk.vtkCommand.ModifiedEvent)  # what arrayFromVolumeModified sends
        self._watch_points()
        self.touch()

    def set_options(self, options: MeasureOptions, diameter_mm: float) -> None:
        """Measure with other options or another diameter of the circles."""
        if (options, diameter_mm) != (self._options, self._diameter_mm):
            self._options, self._diameter_mm = options, diameter_mm
            self.touch()

    def touch(self, *_: Any) -> None:
        """Measure after a pause."""
        if not self._waiting and not self._measuring:
            self._waiting = True
            self._schedule(DELAY_MS, self._due)

    def stop(self) -> None:
        """Stop observing the scene, and drop a measurement that is due."""
        self._waiting = False
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed.clear()
        self._maps = self._segmentation = None

    def clear(self) -> None:
        """Stop observing the scene, and show no rows."""
        self.stop()
        self._drop_rows()

    def points_added(self) -> None:
        """Markups for circles were made: observe them too."""
        self._watch_points()
        self.touch()

    def measure_now(self) -> list[SegmentStatistics]:
        """Measure without waiting."""
        self._waiting = False
        maps = self._maps
        if maps is None or maps.pdff.GetScene() is None or maps.pdff.GetImageData() is None:
            self._drop_rows()
            return []
        self._measuring = True
        try:
            circles = drawing.update_circles(maps.pdff.GetScene(), maps.pdff, self._diameter_mm)
        finally:
            self._measuring = False
        segmentation = self._segmentation
        if segmentation is not None and segmentation.GetScene() is None:
            segmentation = None
        drawn = regions_of(segmentation, maps.pdff) if segmentation is not circles else []
        found = regions_of(circles, maps.pdff)
        options = replace(self._options, joint=self.joint(maps) if self.joint is not None else None)
        self.rows = measure(maps, drawn, options) + measure(maps, found, options, ALL_CIRCLES, drawn)
        self.measured_regions, self.drawn = drawn + found, drawn
        self.measurements += 1
        self.changed.emit()
        return self.rows

    def _drop_rows(self) -> None:
        self.rows, self.measured_regions, self.drawn = [], [], []
        self.changed.emit()

    def _due(self) -> None:
        if self._waiting:
            self.measure_now()

    def _observe(self, node: Any, event: int) -> None:
        self._observed.append((node, node.AddObserver(event, self.touch)))

    def _watch_points(self) -> None:
        if self._maps is None:
            return
        watched = {id(node) for node, _ in self._observed}
        for points in drawing.all_roi_points(self._maps.pdff.GetScene(), nodes.scan_node_of(self._maps.pdff)):
            if id(points) not in watched:
                for event in (
                    points.PointModifiedEvent,
                    points.PointAddedEvent,
                    points.PointPositionDefinedEvent,
                    points.PointRemovedEvent,
                ):
                    self._observe(points, event)


def head_by_column_names(table: Any) -> None:
    """Show the names of the columns of a table node as their headings; newer applications log a warning on the older name."""
    name = "SetUseColumnTitleAsColumnHeader"
    getattr(table, name if hasattr(table, name) else "SetUseColumnNameAsColumnHeader")(True)


def fill_table(table: Any, rows: list[SegmentStatistics], maps: MapNodes | None) -> None:
    """Put rows into a table node, numbers as numbers.

    Parameters
    ----------
    table : vtkMRMLTableNode
        The table.
    rows : list of SegmentStatistics
        The rows.
    maps : MapNodes or None
        Maps that were measured.
    """
    modified = table.StartModify()
    table.RemoveAllColumns()
    for field in COLUMNS:
        values = [getattr(row, field) for row in rows]
        kind = vtk.vtkStringArray if field in ("name", "steatosis_grade", "reported_from", "withheld") else vtk.vtkDoubleArray
        if field in ("voxels", "used_voxels"):
            kind = vtk.vtkIntArray
        column = kind()
        column.SetName(_TITLES[field])
        for value in values:
            column.InsertNextValue(value)
        table.AddColumn(column)
    for field in COLUMNS:
        unit = _UNITS.get(field) or ("%" if "(%)" in _TITLES[field] else "")
        if unit:
            table.SetColumnUnitLabel(_TITLES[field], unit)
    head_by_column_names(table)
    table.SetLocked(True)
    if maps is not None:
        table.SetNodeReferenceID(nodes.MAPS_OF_TABLE_ROLE, maps.pdff.GetID())
    table.EndModify(modified)


TITLES = _TITLES
