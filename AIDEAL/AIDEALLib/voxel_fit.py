"""Fit at one voxel for a plot: measured echoes beside the signal that the maps describe (numpy only)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
_HZ_PER_T_AND_PPM = 42.577
_TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class EchoProtocol:
    """Protocol of a scan and fat spectrum of its fit.

    Attributes
    ----------
    te_s : sequence of float, seconds
        Echo times.
    field_strength_t : float, tesla
        Field strength.
    ppm : sequence of float, ppm
        Shifts of the fat peaks relative to water.
    amplitudes : sequence of float
        Relative amplitudes of the fat peaks.
    """

    te_s: Sequence[float]
    field_strength_t: float
    ppm: Sequence[float]
    amplitudes: Sequence[float]

    def modulation(self, times_s: FloatArray) -> npt.NDArray[np.complex128]:
        """Fat phasor sum_p a_p exp(i 2 pi f_p t) at times (time,) in seconds."""
        shifts_hz = np.asarray(self.ppm, dtype=np.float64) * _HZ_PER_T_AND_PPM * self.field_strength_t
        phasor: npt.NDArray[np.complex128] = np.exp(2j * np.pi * times_s[:, None] * shifts_hz) @ np.asarray(
            self.amplitudes, dtype=np.float64
        )
        return phasor


@dataclass(frozen=True)
class VoxelEstimate:
    """Values of the maps at one voxel.

    Attributes
    ----------
    field_hz : float, Hz
        Off-resonance.
    r2star_per_s : float, 1/s
        Transverse decay rate.
    noise_sd : float
        Noise SD per real channel, in the unit of the echoes.
    """

    field_hz: float
    r2star_per_s: float
    noise_sd: float


@dataclass(frozen=True, eq=False)
class VoxelFit:
    """Magnitudes at one voxel.

    Attributes
    ----------
    te_s : ndarray, shape (echo,), seconds
        Echo times.
    measured : ndarray, shape (echo,)
        Measured magnitudes.
    time_s : ndarray, shape (time,), seconds
        Times of the fitted curve.
    fitted : ndarray, shape (time,)
        Fitted magnitudes.
    lower : ndarray, shape (time,)
        Lower end of the band that holds 95 % of measured magnitudes.
    upper : ndarray, shape (time,)
        Upper end of that band.
    residual_percent : float, percent
        Root mean square residual over root mean square signal.
    """

    te_s: FloatArray
    measured: FloatArray
    time_s: FloatArray
    fitted: FloatArray
    lower: FloatArray
    upper: FloatArray
    residual_percent: float


def corrected_samples(
    samples: npt.NDArray[np.complexfloating],
    corrections: Mapping[str, Any],
    voxel: tuple[int, int, int],
    shape: tuple[int, int, int],
) -> npt.NDArray[np.complex128]:
    """Echoes of a voxel as they were estimated: rotation sense, gain, odd-even and first-echo phase corrected.

    Parameters
    ----------
    samples : ndarray, shape (echo,), complex
        Echoes as measured.
    corrections : mapping
        Corrections of the run, as stored in its provenance; {} corrects nothing.
    voxel : tuple of int
        Slice, row and column of the voxel.
    shape : tuple of int
        Numbers of slices, rows and columns.

    Returns
    -------
    ndarray, shape (echo,), complex128
        Corrected echoes.
    """
    out = np.asarray(samples, dtype=np.complex128)
    if corrections.get("conjugated"):
        out = np.conj(out)
    if gains := corrections.get("gains_taken_out"):
        out = out / np.asarray(gains)
    of_slice = corrections.get("by_slice") or ()
    for kind in ("bipolar", "first_echo"):
        error = corrections.get(kind)
        if not error or not error["applied"]:
            continue
        if kind == "bipolar" and voxel[0] < len(of_slice) and of_slice[voxel[0]]:
            error = of_slice[voxel[0]]
        n = np.asarray(error.get("steps") or range(len(out)))
        pattern = 1.0 - 2.0 * (n % 2) if kind == "bipolar" else (n == 0).astype(float)
        place = voxel[1 + error["axis"]] / shape[1 + error["axis"]] - 0.5
        out = out * np.exp(-1j * pattern * (error["constant_rad"] + error["slope_rad"] * place))
    return out


def fit_voxel(
    echoes: npt.NDArray[np.complexfloating],
    protocol: EchoProtocol,
    estimate: VoxelEstimate,
    *,
    without_first: bool = False,
    points: int = 200,
) -> VoxelFit:
    """Fit water and fat to the echoes of a voxel of known field and R2*, and evaluate the curve between the echoes.

    Parameters
    ----------
    echoes : ndarray, shape (echo,), complex
        Echoes, of the rotation sense of the estimated field.
    protocol : EchoProtocol
        Echo times, field strength and fat spectrum.
    estimate : VoxelEstimate
        Field, R2* and noise.
    without_first : bool
        Exclude the first echo from the fit, as a mixed fit excludes its phase; it is still among the measured magnitudes.
    points : int
        Number of points of the curve.

    Returns
    -------
    VoxelFit
        Measured magnitudes and fitted curve.

    Notes
    -----
    s(t) = (W + F c(t)) exp(i 2 pi phi t - R2* t), W and F complex by least squares; the band contains the noise of an echo and
    the uncertainty of W and F, not that of phi and R2*.
    """
    te = np.asarray(protocol.te_s, dtype=np.float64)
    samples = np.asarray(echoes, dtype=np.complex128)

    def basis(times: FloatArray) -> npt.NDArray[np.complex128]:
        common = np.exp((2j * np.pi * estimate.field_hz - estimate.r2star_per_s) * times)
        return np.stack([common, common * protocol.modulation(times)], axis=1)

    used = slice(1 if without_first else 0, None)
    design, samples = basis(te[used]), samples[used]
    inverse = np.linalg.pinv(design)
    components = inverse @ samples
    time = np.linspace(0.0, 1.05 * te[-1], points)
    curve = basis(time)
    fitted = np.abs(curve @ components)
    spread = np.sqrt(estimate.noise_sd**2 * (1.0 + np.sum(np.abs(curve @ inverse) ** 2, axis=1)))
    misfit = np.linalg.norm(samples - design @ components) / max(float(np.linalg.norm(samples)), np.finfo(float).tiny)
    return VoxelFit(
        te_s=te,
        measured=np.abs(np.asarray(echoes)),
        time_s=time,
        fitted=fitted,
        lower=np.maximum(fitted - _TWO_SIDED_95 * spread, 0.0),
        upper=fitted + _TWO_SIDED_95 * spread,
        residual_percent=float(100 * misfit),
    )
