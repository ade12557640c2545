"""Confidence colouring as PyCSEMRI 0.2.7 describes it: low SNR, suspected swap, susceptibility.

Written from the descriptions of its functions (PyPI `pycsemri`), not from their code. A voxel is coloured where

- its SNR, averaged over a small window, is below the one at which PDFF varies less than a limit (Cramer-Rao bound);
- PDFF exceeds 70 % after morphological opening and closing: a suspected swap, since a lean organ cannot have it;
- the field changes so much across the slice that the signal dephases.

The measure of doubt is the number of colours, 0 to 3. Differences: the limit of PDFF is 5 points (its example of 1 point
colours every voxel below an SNR of about 70); the window is 3 x 3; dephasing means half a turn across a slice of 8 mm at the
last echo, since no limit is described; the maps are those of the graph cuts of this project.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.ndimage
import torch

from ...echoes import EchoSeries
from ...parameter_maps import ParameterMaps
from ...physics.cramer_rao import cramer_rao
from .system import Estimated

Bools = npt.NDArray[np.bool_]

PDFF_LIMIT_POINTS = 5.0
SWAP_PDFF_PERCENT = 70.0
WINDOW = (1, 3, 3)
SLICE_MM = 8.0
TURNS_AT_LAST_ECHO = 0.5


def colours(maps: ParameterMaps, series: EchoSeries) -> Estimated:
    """PDFF of maps with the number of colours as measure of doubt.

    Parameters
    ----------
    maps : ParameterMaps
        Maps of a graph cut.
    series : EchoSeries
        The scan.

    Returns
    -------
    Estimated
    """
    coloured = [low_snr(maps, series), suspected_swap(maps), dephased(maps, series)]
    return Estimated(maps.pdff, np.sum(coloured, axis=0).astype(np.float32))


def low_snr(maps: ParameterMaps, series: EchoSeries) -> Bools:
    """Voxels whose bound on the SD of PDFF exceeds the limit, bool (slice, row, column)."""
    noise = np.asarray(maps.provenance.noise_sd, np.float32)[:, None, None]
    snr: npt.NDArray[Any] = scipy.ndimage.uniform_filter((maps.water + maps.fat) / np.maximum(noise, 1e-12), WINDOW)
    inside, out = maps.mask, np.zeros(maps.mask.shape, bool)
    pdff, r2star = np.clip(maps.pdff[inside], 0, 100), np.clip(maps.r2star[inside], 0, 1000)
    bound = cramer_rao(
        torch.from_numpy(pdff),
        torch.from_numpy(r2star),
        torch.from_numpy(np.maximum(snr[inside], 0.1)),
        torch.from_numpy(series.te_s),
        series.field_strength_t,
    )
    out[inside] = bound.pdff_sd.numpy() > PDFF_LIMIT_POINTS
    return out


def suspected_swap(maps: ParameterMaps) -> Bools:
    """Voxels of high PDFF without small islands and holes, bool (slice, row, column)."""
    cross = scipy.ndimage.generate_binary_structure(2, 1)[None]
    high = scipy.ndimage.binary_opening(maps.mask & (maps.pdff > SWAP_PDFF_PERCENT), cross)
    return np.asarray(scipy.ndimage.binary_closing(high, cross))


def dephased(maps: ParameterMaps, series: EchoSeries) -> Bools:
    """Voxels that dephase across the slice, bool (slice, row, column); none in a single slice."""
    if maps.field.shape[0] < 2:
        return np.zeros(maps.mask.shape, bool)
    per_mm = np.gradient(maps.field, series.geometry.spacing_mm[2], axis=0)
    turns = np.abs(per_mm) * SLICE_MM * float(series.te_s[-1])
    both = maps.mask & np.roll(maps.mask, 1, 0) & np.roll(maps.mask, -1, 0)
    return np.asarray(both & (turns > TURNS_AT_LAST_ECHO))
