"""The bundled synthetic liver and its truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...echoes import EchoSeries
from ...io.load import load_series
from ...resources import resource
from ..regions import drawing
from ..volumes import fill_volume

SAMPLE_NAME = "Synthetic liver"
SAMPLE_FOLDER = ("SampleData", "synthetic_liver")
TRUTH_FILE = ("SampleData", "synthetic_liver_truth", "truth.npz")


def sample_series() -> EchoSeries:
    """The echoes."""
    return load_series(resource(*SAMPLE_FOLDER))


def sample_truth() -> tuple[np.ndarray, np.ndarray]:
    """True PDFF (percent) and lobes (1 right, 2 left), (slice, row, column)."""
    with np.load(resource(*TRUTH_FILE)) as stored:
        return stored["pdff"].astype(np.float32), stored["labels"].astype(np.uint8)


def add_sample_lobes(scene: Any, series: EchoSeries) -> Any:
    """Segmentation of the true lobes of the sample."""
    import slicer

    _, labels = sample_truth()
    grid = fill_volume(slicer.vtkMRMLScalarVolumeNode(), labels, series.geometry)
    node = drawing.create_lobes(scene, None, f"{SAMPLE_NAME} lobes")
    for value, name in ((1, drawing.RIGHT_LOBE), (2, drawing.LEFT_LOBE)):
        drawing.set_segment(node, name, labels == value, grid)
    return node
