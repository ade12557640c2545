"""Segmentations from files: Slicer's own as they are, label maps with sensible names; maps are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ...errors import InputError
from ...io.label_names import name_of_file
from ..volumes import array_of
from .drawing import create_lobes, set_segment

MOST_LABELS = 60
_SEGMENTATIONS = (".seg.nrrd", ".seg.nhdr", ".seg.vtm", ".mrb")


def import_segmentation(scene: Any, path: Path) -> Any:
    """Load segments from a file.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    path : Path
        Segmentation of Slicer, or a label map.

    Returns
    -------
    vtkMRMLSegmentationNode
        The segments.

    Raises
    ------
    InputError
        The file is no label map, or cannot be read.
    """
    try:
        if path.name.lower().endswith(_SEGMENTATIONS):
            return slicer.util.loadSegmentation(str(path))
        labelmap = slicer.util.loadVolume(str(path), {"show": False, "singleFile": True})
    except RuntimeError as error:
        raise InputError(f"Cannot read {path.name}; a segmentation or a label map was expected.") from error
    try:
        return segmentation_of_labelmap(scene, labelmap, path)
    finally:
        scene.RemoveNode(labelmap)


def segmentation_of_labelmap(scene: Any, labelmap: Any, path: Path) -> Any:
    """Segments of a label map, named by its colours; without these one alone by the file, others by their number.

    Parameters
    ----------
    scene : vtkMRMLScene
        The scene.
    labelmap : vtkMRMLScalarVolumeNode
        The label map.
    path : Path
        File that it came from.

    Returns
    -------
    vtkMRMLSegmentationNode
        The segments.

    Raises
    ------
    InputError
        The values are no labels.
    """
    values, name = array_of(labelmap), path.name.split(".")[0]
    if not np.array_equal(values, np.round(values)):
        raise InputError(f"'{name}' holds fractions: it is a map, not a label map. Choose a file of segments.")
    labels = [int(label) for label in np.unique(values) if label]
    if not labels or len(labels) > MOST_LABELS or labels[0] < 0:
        raise InputError(f"'{name}' holds {len(labels)} labels; 1 to {MOST_LABELS} were expected. Choose a file of segments.")
    made = create_lobes(scene, None, name)
    made.GetSegmentation().RemoveAllSegments()
    made.SetReferenceImageGeometryParameterFromVolumeNode(labelmap)
    for label in labels:
        alone = name_of_file(path, keep_names=False) if len(labels) == 1 else ""
        set_segment(made, _color_name(labelmap, label) or alone or f"Label {label}", values == label, labelmap)
    return made


def _color_name(labelmap: Any, label: int) -> str:
    """Name of a label in the colour table of its own that a label map may have, '' without one."""
    colors = labelmap.GetDisplayNode().GetColorNode() if labelmap.GetDisplayNode() is not None else None
    if colors is None or colors.GetType() not in (colors.User, colors.File) or label >= colors.GetNumberOfColors():
        return ""
    return str(colors.GetColorName(label) or "")
