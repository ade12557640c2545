"""Parameter maps of a method that gives water, fat, field and R2* only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..echoes import EchoSeries
from ..estimation.voxelwise.noise import foreground, noise_from_differences
from ..parameter_maps import MAP_INFO, ParameterMaps, Provenance
from ..physics.spectrum import SIX_PEAK
from ..version import __version__

Complex = npt.NDArray[np.complexfloating]
Real = npt.NDArray[np.floating]


def plain_maps(
    series: EchoSeries, name: str, water: Complex, fat: Complex, field_hz: Real, r2star: Real, pdff_sd: Real | None = None
) -> ParameterMaps:
    """Parameter maps on the foreground that all methods are scored on.

    Parameters
    ----------
    series : EchoSeries
        The scan.
    name : str
        Name of the method.
    water : numpy.ndarray, shape (slice, row, column), complex
        Water at t = 0.
    fat : numpy.ndarray, shape (slice, row, column), complex
        Fat at t = 0.
    field_hz : numpy.ndarray, shape (slice, row, column), Hz
        Off-resonance.
    r2star : numpy.ndarray, shape (slice, row, column), 1/s
        R2*.
    pdff_sd : numpy.ndarray, shape (slice, row, column), points, optional
        Standard deviation of PDFF.

    Returns
    -------
    ParameterMaps
        Maps; those that are not given are NaN.

    Notes
    -----
    PDFF is the projection on the common phase, 100 Re(F conj(W + F)) / |W + F|^2, for every method alike (closed form).
    """
    mask = foreground_mask(series)
    total = water + fat
    power = np.maximum(np.abs(total) ** 2, np.finfo(np.float32).tiny)
    share = np.real(fat * np.conj(total)) / power
    maps = {key: np.full(series.shape, np.nan, np.float32) for key in MAP_INFO}
    maps |= {
        "water": np.abs(total) * (1 - share),
        "fat": np.abs(total) * share,
        "pdff": 100 * share,
        "field": field_hz,
        "r2star": r2star,
    }
    if pdff_sd is not None:
        maps["pdff_sd"] = maps["pdff_total_sd"] = pdff_sd
    provenance = Provenance(
        version=__version__,
        method=name,
        device="cpu",
        torch_version=torch.__version__,
        te_s=tuple(float(t) for t in series.te_s),
        field_strength_t=series.field_strength_t,
        spectrum={"name": SIX_PEAK.name},
        models={},
        phase_sign="as given",
        readout=series.readout.value,
        noise_sd=(),
        source=series.source,
    )
    clean = {key: np.where(mask, values, 0).astype(np.float32) for key, values in maps.items()}
    return ParameterMaps(**clean, mask=mask, geometry=series.geometry, provenance=provenance)


def foreground_mask(series: EchoSeries) -> npt.NDArray[np.bool_]:
    """Voxels with signal, those that this package estimates, bool (slice, row, column)."""
    return np.stack([_foreground(series.echoes[:, index]) for index in range(series.shape[0])])


def _foreground(echoes: npt.NDArray[np.complex64]) -> npt.NDArray[np.bool_]:
    slice_echoes = torch.from_numpy(echoes)
    return np.asarray(foreground(slice_echoes, noise_from_differences(slice_echoes)).numpy())
