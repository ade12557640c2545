"""Regions of a run, measured: segments and circles, or the body mask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..choices import Preset
from ..io.segmentation import Segmentation
from ..parameter_maps import ParameterMaps
from ..statistics import RegionFit, RunErrors, liver_groups, region_statistics
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
        volume, errors = maps.geometry.voxel_volume_ml, RunErrors.of(maps.provenance.as_dict())
        row = region_statistics(maps, maps.mask, BODY, voxel_volume_ml=volume, cutoffs=None, errors=errors)
        return Measured([row], np.zeros(maps.mask.shape, np.int32), {}, tuple(withheld_notes([row])))
    options = options or RegionOptions()
    if not preset.tissue:
        options = replace(options, cutoffs=None)
    found = measure_segments(maps, segmentation.labels, segmentation.names, options, segmentation.terminology, joint)
    # segments of another layer are missing in what those of the first make together
    partial = liver_groups(segmentation.names, segmentation.terminology) if segmentation.overlapping else {}
    rows = [row for row in found.rows if row.name not in partial]
    for layer in segmentation.overlapping:
        alone = replace(options, circles=None)
        more = measure_segments(maps, layer.labels, layer.names, alone, layer.terminology, joint)
        rows += more.rows[: len(layer.names)]
    return replace(found, rows=rows, notes=(*segmentation.notes, *found.notes))


def measured_regions(maps: ParameterMaps, segmentation: Segmentation | None, found: Measured) -> tuple[Region, ...]:
    """Regions of the rows of the statistics, with their voxels.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    segmentation : Segmentation or None
        Segments; the body mask when None.
    found : Measured
        Statistics of the regions.

    Returns
    -------
    tuple of Region
    """
    from ..io.output.dicom.content import Region
    from ..regions.measure import ALL_CIRCLES

    masks = region_masks(maps, segmentation, found)
    found_here = {BODY, ALL_CIRCLES, *found.circle_names.values()}
    return tuple(Region(masks[row.name], row, manual=row.name not in found_here) for row in found.rows)


def region_masks(maps: ParameterMaps, segmentation: Segmentation | None, found: Measured) -> dict[str, npt.NDArray[np.bool_]]:
    """Voxels of each row of the statistics: segments, what they make together, circles.

    Parameters
    ----------
    maps : ParameterMaps
        The maps.
    segmentation : Segmentation or None
        Segments; the body mask when None.
    found : Measured
        Statistics of the regions.

    Returns
    -------
    dict of str to np.ndarray, shape (slice, row, column), bool
        By name of the row.
    """
    from ..regions.measure import ALL_CIRCLES

    if segmentation is None:
        return {BODY: maps.mask}
    masks = dict(segmentation.masks())
    for name, members in liver_groups(segmentation.names, segmentation.terminology).items():
        masks[name] = np.isin(segmentation.labels, members)
    masks |= {name: found.circle_labels == number for number, name in found.circle_names.items()}
    return masks | {ALL_CIRCLES: found.circle_labels > 0}
