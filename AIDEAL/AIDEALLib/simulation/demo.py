"""The synthetic liver of the demonstration: small, quick to simulate, with known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.ndimage

from ..echoes import EchoSeries
from .abdomen import abdomen
from .artefacts import Artefacts
from .scan import PAPER, acquire
from .tissue import TissueMaps

DEMO_PDFF = (12.0, 9.0)
"""PDFF in percent of the right and the left lobe, before texture."""


def demo_liver(
    seed: int = 7, matrix: tuple[int, int, int] = (12, 160, 160), snr: float | None = 30.0
) -> tuple[EchoSeries, TissueMaps]:
    """A scan of twelve slices from above the liver's dome downwards, with its truth.

    1.5 T, six echoes (1.3 + 2.1 n ms), simulated on pixels half as wide and cropped in k-space, so that pixels mix tissues and
    edges ring as in a scan.

    Parameters
    ----------
    seed : int
        Patient, coil and noise.
    matrix : tuple of int
        Voxels of the scan along (slice, row, column).
    snr : float, optional
        Mean |W + F| of the liver over the noise SD of one real channel; None for no noise.

    Returns
    -------
    series : EchoSeries
        The scan.
    truth : TissueMaps
        Truth on its voxels. Segments 'Right lobe' and 'Left lobe', without vessels and one pixel off every edge.
    """
    slices, rows, columns = matrix
    fine = abdomen(seed, 1.5, (slices, 2 * rows, 2 * columns), liver_pdff=DEMO_PDFF, separate_dome=False)
    series = acquire(fine, replace(PAPER, snr=snr), np.random.default_rng([seed, 3]), Artefacts(oversampling=2))
    truth = fine.coarsened(2)
    labels = np.zeros_like(truth.labels)
    cross = scipy.ndimage.generate_binary_structure(2, 1)[None]
    for number in (1, 2):
        labels[scipy.ndimage.binary_erosion(truth.labels == number, cross)] = number
    names = {number: fine.label_names[number] for number in (1, 2)}
    series = replace(series, source=f"synthetic liver, seed {seed}")
    return series, replace(truth, labels=labels, label_names=names, reference_labels=(1, 2))
