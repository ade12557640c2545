"""Regions of a run, measured: segments and circles, or the body mask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..choices import Preset
from ..io.segmentation import Segmentation
from ..parameter_maps import ParameterMaps
from ..statistics import Measuring, RegionFit, RunErrors, Segment, region_statistics
from ..stopwatch import timed

if TYPE_CHECKING:
    from ..io.output.dicom.content import Region
    from ..regions.measure import Measured, RegionOptions

BODY = "body mask"


@timed("statistics")
def measured(
    maps: ParameterMaps,
    segmentation: Segmentation | None,
    options: RegionOptions | None = None,
    preset: Preset = Preset.LIVER,
    joint: RegionFit | None = None,
) -> Measured:
    """Measure the segments of a run, or its body mask.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of the run.
    segmentation : Segmentation, optional
        Segments; without them there is one row for the body mask.
    options : RegionOptions, optional
        What is left out and which circles are suggested.
    preset : Preset
        What was scanned; segments of a phantom get no steatosis grade.
    joint : callable, optional
        Joint estimate of a region.

    Returns
    -------
    Measured
    """
    from ..regions.measure import Measured, RegionOptions, measure_segments, withheld_notes

    if segmentation is None:
        how = Measuring(maps.geometry.voxel_volume_ml, cutoffs=None, errors=RunErrors.of(maps.provenance.as_dict()))
        row = region_statistics(maps, maps.mask, BODY, how)
        return Measured([row], [Segment(BODY, maps.mask)], [], tuple(withheld_notes([row])))
    options = options or RegionOptions()
    if not preset.tissue:
        options = replace(options, cutoffs=None)
    found = measure_segments(maps, segmentation.segments, options, joint)
    return replace(found, notes=(*segmentation.notes, *found.notes))


def measured_regions(found: Measured) -> tuple[Region, ...]:
    """Regions of the rows of the statistics, with their voxels.

    Parameters
    ----------
    found : Measured
        Statistics of the regions.

    Returns
    -------
    tuple of Region
    """
    from ..io.output.dicom.content import Region
    from ..regions.measure import ALL_CIRCLES

    found_here = {BODY, ALL_CIRCLES, *(circle.name for circle in found.circles)}
    rows = zip(found.segments, found.rows, strict=True)
    return tuple(Region(s.mask, row, row.name not in found_here, s.terminology) for s, row in rows)
